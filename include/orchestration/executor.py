"""A LocalExecutor whose task processes find the libraries that take seconds to import already imported."""

from airflow.executors.local_executor import LocalExecutor


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
