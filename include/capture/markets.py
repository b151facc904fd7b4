"""Several markets in one service: a child process captures each, so that none depends on another."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_STOP_SECONDS = 10.0
"""A capture flushes within a second; docker stop waits for 15 s."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0
"""After running this long a child's next restart comes after the first pause again."""


@dataclass
class _Child:
    market: str
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float = 0.0
    pause_seconds: float = _FIRST_PAUSE_SECONDS


def capture_each(markets: Sequence[str], arguments: Sequence[str], stop: Callable[[], bool]) -> None:
    """Runs `python -m include.capture --market …` for each market until `stop()` is true, then ends them.

    A child that ends is started again, after a pause that doubles while it keeps ending.

    Args:
        markets: Ids of the markets.
        arguments: Of each child, besides its market.
        stop: Polled several times a second.
    """
    children = [_Child(market) for market in markets]
    try:
        while not stop():
            for child in children:
                _keep_running(child, arguments)
            time.sleep(_POLL_SECONDS)
    finally:
        _end([child.process for child in children if child.process is not None])


def _keep_running(child: _Child, arguments: Sequence[str]) -> None:
    now = time.monotonic()
    if child.process is not None and (code := child.process.poll()) is not None:
        if now - child.started_at > _STEADY_SECONDS:
            child.pause_seconds = _FIRST_PAUSE_SECONDS
        log.error(
            "the capture of %s ended with code %d; it is started again in %.0f s",
            *(child.market, code, child.pause_seconds),
        )
        child.process = None
        child.restart_at = now + child.pause_seconds
        child.pause_seconds = min(2 * child.pause_seconds, _LONGEST_PAUSE_SECONDS)
    if child.process is None and now >= child.restart_at:
        command = [sys.executable, "-m", "include.capture", "--market", child.market, "--with-parent"]
        child.process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL)
        child.started_at = now


def _end(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    """SIGTERM to all of them at once, SIGKILL to what is left after _STOP_SECONDS."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
