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
from tools.bench.measures import Measure, WrongResultError, memory, speed
from tools.bench.memory import peak_bytes

log = logging.getLogger(__name__)

_AT_LEAST = 0.7
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


def _receive(dataset: Dataset) -> float:
    with (
        _process("tools.bench.processes.flood", str(dataset.frames)) as server,
        _process("tools.bench.processes.receive", _url(server)),
    ):
        return _seconds(server)


def _capture(dataset: Dataset, landing_root: Path) -> tuple[float, int]:
    with (
        _process("tools.bench.processes.flood", str(dataset.frames)) as server,
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
