"""What developers run that is no test: benchmarks, the container drill, history, screenshots, libraries."""
