"""Several processes load landing files at once, if there is much to load."""

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Any

from include.errors import TransientError
from include.landing import LandingFile
from include.load.loader import Load
from include.load.sink import Sink
from include.settings import PROJECT_ROOT, Settings

log = logging.getLogger(__name__)

BYTES_PER_PROCESS = 16 * 1024 * 1024
"""So much is loaded in the time that a further process takes to start and to import what it needs."""

MAX_PROCESSES = 8

Outcome = tuple[LandingFile, list[Load], bool]
"""A file, its loads, and whether the last one failed, which its ledger row explains."""


def process_count(files: list[LandingFile], loaded_bytes: Mapping[str, int]) -> int:
    """In how many processes these files are to be loaded: 1 is this one.

    One more than there are cores: while one waits for the disk at the end of a load, another has the core.

    Args:
        files: Files that are not loaded to their end.
        loaded_bytes: How far each is loaded, by its key; files that are not in it are new.
    """
    new_bytes = sum(size_of(file) - loaded_bytes.get(file.key, 0) for file in files)
    hours = len({file.hour_start_at for file in files})
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores + 1, MAX_PROCESSES, hours, new_bytes // BYTES_PER_PROCESS))


def load_in_processes(
    settings: Settings, sink: Sink, files: list[LandingFile], count: int
) -> Iterator[Outcome]:
    """Loads files in processes of their own: each those of a span of hours of receipt, in their order.

    Copies of a trade mostly lie in the same hour or in hours close to each other. Loaded at once they would
    wait for each other; loaded in another order than received, those that differ cost a search of files.
    If this process is killed, each of the others ends after the hour that it is loading.

    Raises:
        TransientError: The warehouse went away, or a process was killed; what was committed stays.
    """
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(count))
        waiting = {}
        for hours in _spans(files, count):
            worker = stack.enter_context(_worker(settings, sink))
            waiting[threads.submit(worker.load, next(hours))] = worker, hours
        while waiting:
            done = next(as_completed(waiting))
            worker, hours = waiting.pop(done)
            yield from done.result()
            if (of_hour := next(hours, None)) is not None:
                waiting[threads.submit(worker.load, of_hour)] = worker, hours


def _spans(files: list[LandingFile], count: int) -> list[Iterator[list[LandingFile]]]:
    """The files hour by hour, in at most so many spans of about as many bytes each."""
    spans: list[list[list[LandingFile]]] = []
    sizes = {file: size_of(file) for file in files}
    total, done = sum(sizes.values()) or 1, 0
    for _, of_hour in groupby(files, key=lambda file: file.hour_start_at):
        if len(spans) <= done * count // total:
            spans.append([])
        spans[-1].append(list(of_hour))
        done += sum(sizes[file] for file in spans[-1][-1])
    return [iter(span) for span in spans]


class _Worker:
    """A process that loads the files it is given."""

    def __init__(self, process: "subprocess.Popen[bytes]", settings: Settings, sink: Sink) -> None:
        self.process = process
        self._tell((settings, sink))

    def load(self, files: list[LandingFile]) -> list[Outcome]:
        """Has these files loaded.

        Raises:
            TransientError: The warehouse went away, or the process was killed.
        """
        assert self.process.stdout is not None
        try:
            self._tell(files)
            answer = pickle.load(self.process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise TransientError("a process that loads landing files was ended; its load was undone") from error
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def _tell(self, message: Any) -> None:
        assert self.process.stdin is not None
        pickle.dump(message, self.process.stdin)
        self.process.stdin.flush()


@contextmanager
def _worker(settings: Settings, sink: Sink) -> Iterator[_Worker]:
    process = subprocess.Popen(
        [sys.executable, "-m", "include.load.worker"],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield _Worker(process, settings, sink)
    finally:
        process.kill()  # between two transactions, or in one that is undone
        process.communicate()


def size_of(file: LandingFile) -> int:
    """Its bytes; 0 if it cannot be read, as its load will say."""
    try:
        return file.path.stat().st_size
    except OSError:
        return 0
