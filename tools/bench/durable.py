"""From a message to the disk, beside one fdatasync of a line of about the same length."""

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
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
_LINE = re.compile(rb'"received_at":"([^"]+)".*message (\d{8})')


def measure(repeats: int, folder: Path) -> list[Measure]:
    """Single syncs and a capture in turns: the 99th percentile of each, in milliseconds."""
    limits, received, sent = list[float](), list[float](), list[float]()
    for number in range(1, repeats + 1):
        limits.append(_p99(_syncs(folder / "synced", _PER_SECOND * _SECONDS)))
        waits = _captured(folder / f"durable-{number}")
        received.append(_p99([since_receipt for since_receipt, _ in waits]))
        sent.append(_p99([since_sending for _, since_sending in waits]))
        log.info(
            "durable %d of %d: one sync %.2f ms, message %.2f ms since its receipt, %.2f ms since its sending",
            *(number, repeats, limits[-1], received[-1], sent[-1]),
        )
    shown = median_of("received to durable at 100/s, p99", " ms", limits, received)
    ratio = float(shown.ratio)
    return [
        replace(shown, mark=f"ratio <= {_AT_MOST:g}", is_met=ratio <= _AT_MOST),
        median_of("sent by the exchange to durable, p99", " ms", limits, sent),
    ]


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


def _captured(landing_root: Path) -> list[tuple[float, float]]:
    """Of each message, milliseconds from its receipt and from its sending to the end of its sync."""
    sent: dict[int, float] = {}
    stop = threading.Event()
    settings = replace(Settings(), landing_root=landing_root)
    with Exchange() as exchange, _synced() as syncs:
        settings = replace(settings, exchange_url=exchange.url)
        thread = threading.Thread(target=run_capture, args=(settings, "bench", stop.is_set))
        thread.start()
        exchange.wait_for_connections()
        for number in range(_PER_SECOND * _SECONDS):
            sent[number] = time.time()
            exchange.send(f"message {number:08}")
            time.sleep(max(0.0, 1 / _PER_SECOND - (time.time() - sent[number])))
        time.sleep(1)
        stop.set()
        thread.join()
    durable = {number: (at, ended) for ended, messages in syncs for number, at in messages}
    if missing := sent.keys() - durable.keys():
        raise WrongResultError(f"{len(missing)} messages were not synced")
    return [((ended - at) * 1000, (ended - sent[number]) * 1000) for number, (at, ended) in durable.items()]


@contextmanager
def _synced() -> Iterator[list[tuple[float, list[tuple[int, float]]]]]:
    """When each sync ended, and which messages it made durable, each with the time of its receipt."""
    write, sync = os.write, os.fdatasync
    written: list[tuple[int, float]] = []
    syncs: list[tuple[float, list[tuple[int, float]]]] = []

    def watched_write(fd: int, data: bytes) -> int:
        count = write(fd, data)
        written.extend(
            (int(number), datetime.fromisoformat(at.decode()).timestamp())
            for at, number in _LINE.findall(data[:count])
        )
        return count

    def watched_sync(fd: int) -> None:
        count = len(written)
        sync(fd)
        syncs.append((time.time(), written[:count]))
        del written[:count]

    os.write, os.fdatasync = watched_write, watched_sync  # type: ignore[assignment]
    try:
        yield syncs
    finally:
        os.write, os.fdatasync = write, sync
