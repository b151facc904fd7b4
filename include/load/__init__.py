"""Landing files to raw tables, exactly once."""
