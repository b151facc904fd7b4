"""Measures the real loader, capture and build, each beside the limit of what this machine can do."""
