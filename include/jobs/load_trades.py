"""Loads landed trades into raw.trades, and the journal of the capture instances with them."""

from include.load.source import load_source
from include.load.trades import TradeSink
from include.run_scope import Window
from include.settings import Settings


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Loads what the files of the window's hours of receipt hold beyond their offsets; without a window, all.

    Returns:
        Counts of files, batches and lines: lines = loaded + duplicate + rejected + event.

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    return load_source(settings, TradeSink(settings.market), window)
