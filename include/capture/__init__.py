"""Exchange stream to landing files."""
