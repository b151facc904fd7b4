"""Figures of the platform for Prometheus: what monitoring watches while nobody looks."""
