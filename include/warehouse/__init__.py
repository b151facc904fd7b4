"""The warehouse: connect, migrate, run named SQL, copy rows."""
