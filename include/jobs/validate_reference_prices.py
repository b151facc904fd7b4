"""Validates the loaded prices: accepts their batches, or blocks what breaks a critical expectation."""

from include.expectations.acceptance import validate_batches
from include.settings import Settings


def run(settings: Settings) -> dict[str, int]:
    """Decides on every batch of price observations that waits for it.

    Returns:
        Counts: batches, rows, warnings.

    Raises:
        TerminalError: Batches are blocked; the message names them, what they break and what to do.
        TransientError: The warehouse went away; a rerun decides.
    """
    return validate_batches(settings, "reference_prices")
