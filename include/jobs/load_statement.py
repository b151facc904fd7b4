"""Lands a statement of the exchange, its end-of-day file, and loads it."""

from datetime import date
from pathlib import Path

from include.settings import Settings


def run(settings: Settings, day: date, file: Path) -> dict[str, int]:
    """Copies the file verbatim to the landing files and loads it, exactly once.

    The same content again is the same landing file: there is nothing new to load.

    Args:
        settings: Where landing files and warehouse are.
        day: The day of the market on which its trades were executed.
        file: Where it lies.

    Returns:
        Counts of files, batches and lines: lines = loaded + duplicate + rejected + event.

    Raises:
        TerminalError: The file cannot be read, or none of its lines names the columns of a known format.
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    raise NotImplementedError
