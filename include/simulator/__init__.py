"""Our own exchange and provider for demos and tests, with faults on demand."""
