"""A PostgreSQL server that may be killed, and processes that work on its warehouse."""

import gc
import itertools
import logging
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import psycopg2
import pytest

from include.errors import TransientError
from include.expectations import validation
from include.local.postgres import EmbeddedPostgres
from include.settings import Settings
from include.warehouse.migrate import migrate
from tests.concurrency.worker import Task
from tests.factories import Database
from tests.signals import signal_all

FORK = multiprocessing.get_context("fork")
"""This process has imported everything, so that a process that is forked from it starts within milliseconds."""

MakeTasks = Callable[[Settings], Iterable[Task]]

_numbers = itertools.count()
_PAUSE_SECONDS = 0.2


def prepare(server: EmbeddedPostgres) -> None:
    """Starts a server with a migrated warehouse."""
    server.start()
    server.create_warehouse()
    migrate(server.url("warehouse", "pipeline"))


@contextmanager
def warehouse(server: EmbeddedPostgres) -> Iterator[Database]:
    """A new connection to its warehouse."""
    with closing(Database(server.url("warehouse"))) as database:
        yield database


def settings_of(server: EmbeddedPostgres, folder: Path) -> Settings:
    """Settings of a platform on this server, as the role that the platform has."""
    return replace(
        Settings(),
        warehouse_url=server.url("warehouse", "pipeline"),
        landing_root=folder / "landing",
        data_docs_root=folder / "data_docs",
        report_root=folder / "reports",
    )


def family(server: EmbeddedPostgres) -> list[psutil.Process]:
    """All processes of the server."""
    postmaster = server.postmaster()
    assert postmaster is not None
    return [postmaster, *postmaster.children(recursive=True)]


def kill_server(server: EmbeddedPostgres) -> None:
    """SIGKILL to all of its processes at once."""
    processes = family(server)
    signal_all(processes, signal.SIGKILL)
    assert server.process is not None
    server.process.wait()
    psutil.wait_procs(processes, timeout=10)


def start_again(server: EmbeddedPostgres) -> None:
    """As whoever watches over the server would."""
    server.launch()
    server.wait()


def kill_backend(server: EmbeddedPostgres, number: int) -> bool:
    """SIGKILL to one of the processes that serve a job; whether there was one. The server ends all others."""
    with suppress(psycopg2.OperationalError, psutil.NoSuchProcess), warehouse(server) as database:
        if pids := [pid for (pid,) in database.rows(_BACKENDS)]:
            psutil.Process(pids[number % len(pids)]).kill()
            return True
    return False


_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = 'warehouse' AND usename = 'pipeline'"
    " AND backend_type = 'client backend' ORDER BY backend_start"
)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own; the test is skipped where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system takes root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes the last byte of a disk."""
    path = disk / "filler"
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))
    return path


class Worker:
    """A process that does tasks one after the other, each again as long as the warehouse is away.

    Attributes:
        process: It.
    """

    def __init__(
        self, make_tasks: Callable[[Settings], Iterable[Task]], settings: Settings, folder: Path
    ) -> None:
        self._doing = folder / f"doing-{next(_numbers)}"
        self._doing.touch()
        self.process: BaseProcess = FORK.Process(
            target=_work, args=(make_tasks, settings, self._doing), daemon=True
        )
        self.process.start()

    def kill(self) -> str:
        """SIGKILL; returns the task that it was doing, empty if none."""
        self.process.kill()
        self.process.join()
        return self._doing.read_text() if self.process.exitcode == -signal.SIGKILL else ""

    @property
    def is_done(self) -> bool:
        """Whether it has ended by itself.

        Raises:
            AssertionError: With an error.
        """
        assert self.process.exitcode in (None, 0, -signal.SIGKILL), f"{self._doing.read_text()} failed"
        return self.process.exitcode == 0


def forget_sockets() -> None:
    """Closes in a forked process what only its parent uses, so that it ends when the parent ends it."""
    gc.freeze()  # nobody's destructor closes the same number again
    for link in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            if str(link.readlink()).startswith("socket:"):
                os.close(int(link.name))


def _work(make_tasks: MakeTasks, settings: Settings, doing: Path) -> None:
    forget_sockets()
    logging.disable(logging.CRITICAL)
    validation.data_docs.publish = _nothing  # type: ignore[assignment]
    for name, task in make_tasks(settings):
        doing.write_text(name)
        while True:
            try:
                task()
                break
            except TransientError:
                time.sleep(_PAUSE_SECONDS)
    doing.write_text("")


def _nothing(*_: object) -> None:
    """In place of the pages of validations, which have tests of their own."""
