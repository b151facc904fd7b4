"""Finds processes by the mark that every child of `make run` carries in its environment."""

import os
from collections.abc import Mapping
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
