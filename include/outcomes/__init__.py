"""What happened, kept as data and told to people: tries of tasks, alarms, notifications."""
