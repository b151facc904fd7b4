"""What a Celery worker does otherwise than by default."""

from types import SimpleNamespace
from unittest.mock import Mock

from celery.utils.imports import symbol_by_name
from celery.worker import state

from include.orchestration.celery_config import CELERY_CONFIG


def test_a_worker_that_has_lost_its_queue_knows_what_it_runs() -> None:
    """Else the pool gives the next task to a busy process, and the worker takes more than it can run."""
    consumer = object.__new__(symbol_by_name(CELERY_CONFIG["worker_consumer"]))
    consumer.controller, consumer.task_buckets, consumer.pool = None, {}, SimpleNamespace(flush=Mock())
    running = Mock()
    try:
        state.reserved_requests.add(running)
        consumer.on_close()
        assert set(state.reserved_requests) == {running}
        consumer.pool.flush.assert_not_called()
    finally:
        state.reset_state()
