"""Validates the loaded trades: what breaks a critical expectation is quarantined, everything else counts."""

from include.expectations.acceptance import validate_batches
from include.settings import Settings


def run(settings: Settings) -> dict[str, int]:
    """Decides on every trade that waits for it.

    Returns:
        Counts: batches, rows, rows in quarantine, warnings.

    Raises:
        TransientError: The warehouse went away; a rerun decides.
    """
    return validate_batches(settings, "trades")
