"""Signals to processes that may end by themselves meanwhile, as some of a PostgreSQL server do."""

from collections.abc import Iterable
from contextlib import suppress
from signal import Signals

import psutil


def signal_all(processes: Iterable[psutil.Process], number: Signals) -> None:
    """Sends the signal to each that is still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
