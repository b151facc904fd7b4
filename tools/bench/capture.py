"""The capture beside its limit: the same library receiving the same messages and doing nothing."""

import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from include.landing import TRADES, list_files
from include.settings import PROJECT_ROOT
from tools.bench.dataset import Dataset
from tools.bench.measures import Measure, WrongResultError, figure, memory, speed
from tools.bench.memory import peak_bytes

log = logging.getLogger(__name__)

_AT_LEAST = 0.85
_SUSTAINED_PER_SECOND = 3_000
_BELOW_MB = 150


def measure(dataset: Dataset, repeats: int, folder: Path) -> list[Measure]:
    """Limit and capture in turns, fed by the same server."""
    limits, rates, peaks = [], [], []
    for number in range(1, repeats + 1):
        limits.append(dataset.line_count / _receive(dataset))
        seconds, peak = _capture(dataset, folder / "captured")
        rates.append(dataset.line_count / seconds)
        peaks.append(peak)
        log.info("capture %d of %d: limit %.0f/s, capture %.0f/s", number, repeats, limits[-1], rates[-1])
    return [
        speed("capture, messages", rates, limits, _AT_LEAST),
        memory("capture, peak memory", peaks, _BELOW_MB),
    ]


def sustain(dataset: Dataset, folder: Path) -> list[Measure]:
    """All messages at an even pace for as long as they last; none may be lost, and the capture has to keep up.

    Raises:
        WrongResultError: A message is in no landing file.
    """
    planned = dataset.line_count / _SUSTAINED_PER_SECOND
    log.info("sustained: %.0f s", planned)
    seconds, peak = _capture(dataset, folder / "sustained", planned)
    rate = dataset.line_count / seconds
    at_least = 0.99 * _SUSTAINED_PER_SECOND
    return [
        figure(
            f"capture, {_SUSTAINED_PER_SECOND:,} messages/s sent for {planned:.0f} s, none lost",
            f"{rate:,.0f}/s",
            f">= {at_least:,.0f}/s",
            rate >= at_least,
        ),
        memory("- peak memory", [peak], _BELOW_MB),
    ]


def _receive(dataset: Dataset) -> float:
    with (
        _process("tools.bench.processes.flood", str(dataset.frames), "0") as server,
        _process("tools.bench.processes.receive", _url(server)),
    ):
        return _seconds(server)


def _capture(dataset: Dataset, landing_root: Path, planned: float = 0) -> tuple[float, int]:
    with (
        _process("tools.bench.processes.flood", str(dataset.frames), str(planned)) as server,
        _process(
            *("include.capture", "--exchange-url", _url(server), "--landing-root", str(landing_root)),
            quiet=True,
        ) as capture,
    ):
        seconds = _seconds(server)
        peak = peak_bytes(capture.pid)
        capture.send_signal(signal.SIGTERM)
    landed = sum(_count_messages(file.path) for file in list_files(landing_root, TRADES))
    if landed != dataset.line_count:
        raise WrongResultError(f"{dataset.line_count} messages were sent, {landed} are in the landing files")
    shutil.rmtree(landing_root)
    return seconds, peak


def _count_messages(path: Path) -> int:
    with path.open("rb") as file:
        return sum(b'","raw":"' in line for line in file)


def _url(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    return f"ws://127.0.0.1:{int(server.stdout.readline())}"


def _seconds(server: "subprocess.Popen[str]") -> float:
    assert server.stdout is not None
    return float(server.stdout.readline())


@contextmanager
def _process(module: str, *arguments: str, quiet: bool = False) -> "Iterator[subprocess.Popen[str]]":
    """A process that has to end by itself, well, when the block does; killed if the block fails."""
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    errors = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        try:
            yield process
            code = process.wait(timeout=30)
        except BaseException:
            process.kill()
            raise
    if code != 0:
        raise subprocess.CalledProcessError(code, command)
