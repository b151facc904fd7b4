"""Celery's configuration: Airflow's, and what Airflow has no option for."""

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG

CELERY_CONFIG = {
    **DEFAULT_CELERY_CONFIG,
    # Messages are acknowledged early (TASK_ACKS_LATE), so they no longer count against what a worker may fetch:
    # it would hold further tasks back behind its endless ones while another worker is idle.
    "worker_disable_prefetch": True,
}
"""What AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS names."""
