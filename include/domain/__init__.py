"""Pure values and rules of the power market; standard library only."""
