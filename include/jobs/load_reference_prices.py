"""Loads landed replies of the provider into raw.reference_prices."""

from include.load.reference_prices import ReferencePriceSink
from include.load.source import load_source
from include.run_scope import Window
from include.settings import Settings


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Loads what the files of the window's hours of receipt hold beyond their offsets; without a window, all.

    Returns:
        Counts of files, batches and lines: lines = loaded + rejected + event.

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    return load_source(settings, ReferencePriceSink(settings.market), window)
