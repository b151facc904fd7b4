"""Validates the loaded trades: those that break a critical expectation are quarantined, all others count."""

from include.expectations.acceptance import validate_batches
from include.settings import Settings


def run(settings: Settings) -> dict[str, int]:
    """Validates every batch of trades that waits for it.

    Returns:
        Counts: batches, rows, trades quarantined, warnings.

    Raises:
        TransientError: The warehouse went away; a rerun does the rest.
    """
    return validate_batches(settings, "trades")
