"""Replies of the provider's HTTP API to landing files, within the shared request budget."""
