"""What a running platform takes: memory, handles and connections, sampled in a thread."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Self

import psutil
import psycopg2

from include.local import leftovers

PARTS = {
    "include.capture": "capture",
    "airflow scheduler": "scheduler",
    "airflow api": "api-server",
    "airflow dag-processor": "dag-processor",
    "airflow triggerer": "triggerer",
    "airflow worker": "tasks",
    "bin/postgres": "postgres",
    "postgres:": "postgres",
}
"""Words of a command line, and which part of the platform it is."""

_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass
class Sample:
    """One look.

    Attributes:
        memory_mb: Of each part: what its processes have for themselves or share with each other, no files.
        handles: Of each part.
        processes: Of each part.
        connections: Of the PostgreSQL server; None: it did not answer.
    """

    memory_mb: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    handles: Counter[str] = field(default_factory=Counter)
    processes: Counter[str] = field(default_factory=Counter)
    connections: int | None = None

    @property
    def total_mb(self) -> float:
        return sum(self.memory_mb.values())


class Measurements:
    """Samples at an interval, as a context manager.

    Args:
        state: Folder of the platform.
        warehouse_url: Tells where its server is.
        every_seconds: The interval.
    """

    def __init__(self, state: Path, warehouse_url: Callable[[], str], every_seconds: float) -> None:
        self.samples: list[Sample] = []
        self._state, self._warehouse_url, self._every_seconds = state, warehouse_url, every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="measurements")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_seconds):
            self.samples.append(sample(self._state, self._warehouse_url()))

    def medians(self, of: Callable[[Sample], float | None], slices: int = 4) -> list[float]:
        """The median of each of so many equal slices of the time."""
        values = [of(sample) for sample in self.samples]
        size = max(1, len(values) // slices)
        found = [[v for v in values[n * size : (n + 1) * size] if v is not None] for n in range(slices)]
        return [median(part) for part in found if part]


def sample(state: Path, warehouse_url: str) -> Sample:
    """A look at all processes of a platform."""
    found = Sample()
    for process in _processes(state):
        try:
            command = " ".join(process.cmdline())
            part = next((name for words, name in PARTS.items() if words in command), "other")
            found.memory_mb[part] += _anonymous_kb(process.pid) / 1024
            found.handles[part] += process.num_fds()
            found.processes[part] += 1
        except (psutil.Error, OSError):
            continue
    try:
        connection = psycopg2.connect(warehouse_url, connect_timeout=3)
        with connection.cursor() as cursor:
            cursor.execute(_CONNECTIONS)
            (found.connections,) = cursor.fetchone() or (None,)
        connection.close()
    except psycopg2.Error:
        pass
    return found


def _processes(state: Path) -> Iterator[psutil.Process]:
    """All of the platform; a backend of PostgreSQL writes its title over its environment."""
    for process in leftovers.find(state):
        yield process
        with suppress(psutil.Error):
            if "bin/postgres" in " ".join(process.cmdline()):
                yield from process.children()


def _anonymous_kb(pid: int) -> int:
    """Memory that is in no file, a page of several processes shared out among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1])
    return 0
