"""What a Celery worker does otherwise than by default."""

from celery.utils.imports import symbol_by_name
from celery.worker import state

from include.orchestration.celery_config import CELERY_CONFIG


class Request:
    """Celery keeps requests by identity, as weak references."""


def test_a_worker_that_has_lost_its_queue_counts_the_tasks_that_it_runs() -> None:
    consumer = object.__new__(symbol_by_name(CELERY_CONFIG["worker_consumer"]))
    consumer.controller, consumer.pool, consumer.task_buckets = None, None, {}
    running, received = Request(), Request()
    try:
        state.reserved_requests.update([running, received])
        state.active_requests.add(running)
        consumer.on_close()
        assert set(state.reserved_requests) == {running}
    finally:
        state.reset_state()
