"""The trading desk: the page that traders look at all day, and the API behind it."""
