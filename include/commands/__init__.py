"""What a person runs, one module per command: arguments, output, exit code; other packages do the work."""
