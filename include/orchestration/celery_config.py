"""Celery's configuration: Airflow's, and what Airflow has no option for."""

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery.worker import consumer


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """A worker that keeps what it has received when it loses the queue."""

    def on_close(self) -> None:
        """Nothing is forgotten.

        Celery's own (5.6) drops what was received and not begun, as the queue delivers it again; redis does not
        once it was killed. And it takes each of its processes for idle: the next task goes to one that runs an
        endless task, and waits behind that.
        """


CELERY_CONFIG = {
    **DEFAULT_CELERY_CONFIG,
    # Messages are acknowledged early (TASK_ACKS_LATE), so they no longer count against what a worker may fetch:
    # it would hold further tasks back behind its endless ones while another worker is idle.
    "worker_disable_prefetch": True,
    "worker_consumer": f"{__name__}:{Consumer.__name__}",
}
"""What AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS names."""
