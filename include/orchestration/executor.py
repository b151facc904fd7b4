"""A LocalExecutor that forks its workers with the libraries imported, and ends although tasks are running."""

import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from airflow.executors.local_executor import LocalExecutor

FINISH_SECONDS, KILL_SECONDS = 10.0, 6.0
"""How long running tasks may take to finish, and then to end: Airflow gives `on_kill` 5 s."""


class PreloadingLocalExecutor(LocalExecutor):
    """Imports Great Expectations in the scheduler, once, before the workers are forked from it.

    Each task process is forked from its worker: what is imported then is there, in shared memory, at no cost.
    Only libraries: a job that is changed on disk is imported anew by each task, as ever. Where workers are
    spawned and not forked (macOS) it changes nothing.
    """

    def start(self) -> None:
        if self.is_mp_using_fork:
            # here and not above: the api-server and the command line import this module as well
            import include.expectations.library  # noqa: F401

        super().start()

    def end(self) -> None:
        """Lets running tasks finish for a while, then ends them: capture_trades never finishes by itself.

        A scheduler that lost its database ends its executor, too, and can be started anew only after that. Its
        tasks are found and retried by the next one.
        """
        self._stop_workers(lambda _: self.activity_queue.put(None), FINISH_SECONDS)
        self._stop_workers(BaseProcess.terminate, KILL_SECONDS)  # the worker hands it on to its task
        self._stop_workers(BaseProcess.kill, KILL_SECONDS)
        super().end()

    def _stop_workers(self, stop: Callable[[BaseProcess], None], timeout_seconds: float) -> None:
        running = [worker for worker in self.workers.values() if worker.is_alive()]
        for worker in running:
            stop(worker)
        deadline = time.monotonic() + timeout_seconds
        for worker in running:
            worker.join(max(0.0, deadline - time.monotonic()))
