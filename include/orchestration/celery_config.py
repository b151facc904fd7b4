"""Celery's configuration: Airflow's, and what Airflow has no option for."""

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery.worker import consumer, state


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """A worker that knows, after a lost connection to the queue, which tasks it runs.

    Celery forgets them there (`on_close` of 5.6), takes messages as if all of its processes were free, and has
    them wait behind its endless tasks while other workers are idle.
    """

    def on_close(self) -> None:
        """Forgets what was received and not started."""
        super().on_close()
        state.reserved_requests.update(state.active_requests)


CELERY_CONFIG = {
    **DEFAULT_CELERY_CONFIG,
    # Messages are acknowledged early (TASK_ACKS_LATE), so they no longer count against what a worker may fetch:
    # it would hold further tasks back behind its endless ones while another worker is idle.
    "worker_disable_prefetch": True,
    "worker_consumer": f"{__name__}:{Consumer.__name__}",
}
"""What AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS names."""
