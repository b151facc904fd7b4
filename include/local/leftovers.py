"""Finds and ends processes by the mark that every child of `make run` carries in its environment."""

import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

MARK = "POWER_DESK_STATE"
"""The variable that names the state folder; it survives fork, setsid and the death of every parent."""


def marked(environment: Mapping[str, str], state: Path) -> dict[str, str]:
    """The environment for a child of the run in this state folder."""
    # A process that renames itself would overwrite its environment, and the mark with it, without SPT_NOENV.
    return dict(environment) | {MARK: str(state.resolve()), "SPT_NOENV": "1"}


def find(state: Path) -> list[psutil.Process]:
    """The living processes with this folder's mark, without the caller and its ancestors."""
    wanted = str(state.resolve())
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARK) == wanted:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def members(session: int) -> list[psutil.Process]:
    """The living processes of a session, whatever process group they have moved to."""
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
