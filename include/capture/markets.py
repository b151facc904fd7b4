"""Several markets in one service: a child process captures each, so that none depends on another."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from include.processes import Child, Supervisor

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_STOP_SECONDS = 10.0
"""A capture flushes within a second; docker stop waits for 15 s."""


def capture_each(markets: Sequence[str], arguments: Sequence[str], stop: Callable[[], bool]) -> None:
    """Runs `python -m include.capture --market …` for each market until `stop()` is true, then ends them.

    A child that ends is started again, after a pause that doubles while it keeps ending.

    Args:
        markets: Ids of the markets.
        arguments: Of each child, besides its market.
        stop: Polled several times a second.
    """
    supervisor = Supervisor(log.error)
    try:
        for market in markets:
            supervisor.start(Child(f"the capture of {market}", partial(_launch, market, arguments)))
        while not stop():
            supervisor.check()
            time.sleep(_POLL_SECONDS)
    finally:
        supervisor.stop(supervisor.children, _STOP_SECONDS)


def _launch(market: str, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "include.capture", "--market", market, "--with-parent", str(os.getpid())]
    return subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, start_new_session=True)
