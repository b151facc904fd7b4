"""Validates the loaded prices, and lets them count."""

from include.expectations.acceptance import validate_batches
from include.settings import Settings


def run(settings: Settings) -> dict[str, int]:
    """Validates every batch of price observations that waits for it.

    Returns:
        Counts: batches, rows, 0, warnings.

    Raises:
        TransientError: The warehouse went away; a rerun does the rest.
    """
    return validate_batches(settings, "reference_prices")
