"""The warehouse: connect, migrate, run named queries."""
