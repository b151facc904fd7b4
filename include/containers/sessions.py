"""The processes of a session: found whatever process group they have moved to, and ended."""

import os
import signal
from collections.abc import Iterable

import psutil


def members(session: int) -> list[psutil.Process]:
    """The living processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return found


def end(processes: Iterable[psutil.Process], timeout_seconds: float) -> None:
    """TERM to all of them, KILL to those still there after `timeout_seconds`; returns when they are gone."""
    alive = list(processes)
    _signal(alive, signal.SIGTERM)
    _, alive = psutil.wait_procs(alive, timeout=timeout_seconds)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
