"""Asks the provider for the reference prices that are due and lands its replies."""

import logging
import time
from datetime import UTC, datetime

from include.domain.delivery_period import Market
from include.errors import TransientError
from include.jobs.window import Window
from include.landing import REFERENCE_PRICES, LandingWriter
from include.pull.budget import Budget
from include.pull.client import MarketDataClient
from include.pull.puller import Puller
from include.pull.schedule import due_periods
from include.settings import Settings
from include.warehouse.connection import connect

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    window: Window | None = None,
    now: datetime | None = None,
    force: bool = False,
    deadline_seconds: float = 240.0,
) -> dict[str, int]:
    """Asks for the delivery periods that need a price, the most important first, until the deadline.

    What budget or deadline leave over is deferred to the next run, which is no error.

    Args:
        settings: Where the provider, the warehouse and the landing files are, and the budget.
        window: Periods delivered in it are asked for as well, as long as they have no final price.
        now: The moment to decide for; the present if not given.
        force: With a window: ask for all of its periods, final or not.
        deadline_seconds: After this time nothing more is asked.

    Returns:
        `due` = `answered` + `asked_elsewhere` + `failed` + `deferred` (delivery periods), `requested`
        (requests sent) and what all processes together have spent of the budget.

    Raises:
        TransientError: The provider left a period without an answer, or the warehouse went away. All that
            was answered is landed.
        TerminalError: `force` without a window, or no warehouse is configured.
    """
    end = time.monotonic() + deadline_seconds
    with connect(settings.warehouse_url, "pull_reference_prices") as conn:
        budget = Budget(conn, settings)
        periods = due_periods(
            conn,
            Market.of(settings.market_timezone),
            now or datetime.now(UTC),
            (window.start_at, window.end_at) if window else None,
            force,
        )
        writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, "pull")
        with MarketDataClient(settings.market_data_url) as client:
            try:
                result = Puller(client, budget, writer, end).pull(periods)
            finally:
                writer.close(datetime.now(UTC))
        spent = budget.spent()
    summary = {
        "due": len(periods),
        "answered": result.answered,
        "asked_elsewhere": result.asked_elsewhere,
        "failed": result.failed,
        "deferred": result.deferred,
        "requested": result.requested,
        "spent_last_minute": spent.last_minute,
        "spent_last_hour": spent.last_hour,
    }
    _log.info("reference prices: %s", summary)
    if result.failed:
        raise TransientError(
            f"the market data provider failed: of {len(periods)} delivery periods {result.answered} were"
            f" answered (landed), {result.failed} were not (last failure: {result.last_failure}),"
            f" {result.deferred} were left to the next run."
            " PnL keeps the last price, or says missing where there is none; the next run asks again."
        )
    return summary
