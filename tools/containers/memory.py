"""How much memory the containers of a project take, looked at now and then while the drill goes on."""

import re
import threading
from collections import Counter

from include.containers.engine import Engine

_LOOK_EVERY_SECONDS = 10.0
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_MEGABYTE = 1_000_000


class Memory:
    """The largest values seen, in bytes, as `docker stats` counts: without what the page cache can give back.

    Attributes:
        largest: Of a service, all of its containers together.
        largest_of_one: Of a single container of the service.
        counts: How many containers the service had then.
        limits: Of a single container of the service.
        largest_sum: Of everything at the same time.
    """

    def __init__(self, engine: Engine) -> None:
        self.largest: dict[str, int] = {}
        self.largest_of_one: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.limits: dict[str, int] = {}
        self.largest_sum = 0
        self._engine = engine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        services = {c.name: c.service for c in self._engine.containers() if c.is_up}
        if not services:
            return
        answer = self._engine.docker("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", *services)
        sums: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for line in answer.stdout.splitlines():
            name, _, usage = line.partition("\t")
            service = services.get(name, "")
            used, _, limit = usage.partition("/")
            if not service or (size := bytes_of(used)) == 0:
                continue
            self.limits[service] = bytes_of(limit)
            sums[service] += size
            counts[service] += 1
            self.largest_of_one[service] = max(size, self.largest_of_one.get(service, 0))
        for service, size in sums.items():
            if size > self.largest.get(service, 0):
                self.largest[service], self.counts[service] = size, counts[service]
        self.largest_sum = max(self.largest_sum, sum(sums.values()))


def bytes_of(text: str) -> int:
    """`12.5MiB` as bytes; 0 if it is no such text."""
    match = re.fullmatch(r"\s*([0-9.]+)([A-Za-z]+)\s*", text)
    return int(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else 0


def megabytes(size: int) -> str:
    """A size in MB (10**6 bytes)."""
    return f"{size / _MEGABYTE:.0f} MB"
