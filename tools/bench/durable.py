"""From the receipt of a message to the disk, beside one fdatasync of a line of about the same length."""

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import quantiles

from include.capture.service import run_capture
from include.settings import Settings
from include.simulator.exchange import Exchange
from tools.bench.measures import Measure, WrongResultError, median_of

log = logging.getLogger(__name__)

_PER_SECOND = 100
_SECONDS = 20
_AT_MOST = 2.0


def measure(repeats: int, folder: Path) -> list[Measure]:
    """Single syncs and a capture in turns: the 99th percentile of each, in milliseconds."""
    limits, results = [], []
    for number in range(1, repeats + 1):
        limits.append(_p99(_syncs(folder / "synced", _PER_SECOND * _SECONDS)))
        results.append(_p99(_captured(folder / f"durable-{number}")))
        log.info(
            "durable %d of %d: one sync %.2f ms, message %.2f ms", number, repeats, limits[-1], results[-1]
        )
    shown = median_of("received to durable at 100/s, p99", " ms", limits, results)
    ratio = float(shown.ratio)
    return [replace(shown, mark=f"ratio <= {_AT_MOST:g}", is_met=ratio <= _AT_MOST)]


def _p99(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=100)[98]


def _syncs(path: Path, count: int) -> list[float]:
    """Milliseconds of a write and an fdatasync each, at the same pace as the messages."""
    line = b"x" * 300 + b"\n"
    found = []
    with path.open("ab", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(line)
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(max(0.0, 1 / _PER_SECOND - found[-1] / 1000))
    return found


def _captured(landing_root: Path) -> list[float]:
    """Milliseconds from the sending of each message to the end of the sync that made it durable."""
    sent: dict[int, float] = {}
    stop = threading.Event()
    settings = replace(Settings(), landing_root=landing_root)
    with Exchange() as exchange, _synced() as syncs:
        settings = replace(settings, exchange_url=exchange.url)
        thread = threading.Thread(target=run_capture, args=(settings, "bench", stop.is_set))
        thread.start()
        exchange.wait_for_connections()
        for number in range(_PER_SECOND * _SECONDS):
            sent[number] = time.perf_counter()
            exchange.send(f"message {number:08}")
            time.sleep(max(0.0, 1 / _PER_SECOND - (time.perf_counter() - sent[number])))
        time.sleep(1)
        stop.set()
        thread.join()
    durable_at = {number: ended for ended, numbers in syncs for number in numbers}
    if missing := sent.keys() - durable_at.keys():
        raise WrongResultError(f"{len(missing)} messages were not synced")
    return [(durable_at[number] - sent[number]) * 1000 for number in sent]


@contextmanager
def _synced() -> Iterator[list[tuple[float, list[int]]]]:
    """When each sync ended, and the messages that were written before it began and not synced yet."""
    write, sync = os.write, os.fdatasync
    written: list[int] = []
    syncs: list[tuple[float, list[int]]] = []

    def watched_write(fd: int, data: bytes) -> int:
        count = write(fd, data)
        written.extend(int(number) for number in re.findall(rb"message (\d{8})", data[:count]))
        return count

    def watched_sync(fd: int) -> None:
        count = len(written)
        sync(fd)
        syncs.append((time.perf_counter(), written[:count]))
        del written[:count]

    os.write, os.fdatasync = watched_write, watched_sync  # type: ignore[assignment]
    try:
        yield syncs
    finally:
        os.write, os.fdatasync = write, sync
