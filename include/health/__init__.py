"""Health of the platform: outcomes of tasks, notifications, and metrics for Prometheus."""
