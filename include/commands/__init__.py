"""What a person runs, one module a command: arguments, output, exit code; other packages do the work."""
