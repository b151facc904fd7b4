"""Asks the provider for the reference prices that are due and lands its replies."""

import logging
import time
from datetime import UTC, datetime

from include import setting_values
from include.domain.delivery_period import Market
from include.errors import TerminalError, TransientError
from include.jobs import load_reference_prices
from include.landing import REFERENCE_PRICES
from include.landing_writer import LandingWriter
from include.pull.budget import Budget
from include.pull.client import MarketDataClient
from include.pull.puller import Puller
from include.pull.schedule import Scope, due_periods
from include.run_scope import DeliveryDays, Window
from include.settings import Settings
from include.warehouse.connection import connect

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    window: Window | None = None,
    days: DeliveryDays | None = None,
    *,
    force_prices: bool = False,
    answered_since: datetime | None = None,
    now: datetime | None = None,
    deadline_seconds: float = 240.0,
) -> dict[str, int]:
    """Asks for the delivery periods that need a price, the most important first, until the deadline.

    What is landed is loaded first, so that nothing is asked for that only waits to be loaded. What budget or
    deadline leave over is deferred to the next run, which is no error.

    Args:
        window: Only what is delivered in it or has trades received in it. Without window and days: the hours
            that are open now and all that was ever traded.
        force_prices: Also what is delivered in the window or on the days and has a final price.
        answered_since: Of the forced ones, those without an answer since this moment: when a run that may
            be repeated began.
        deadline_seconds: After this time nothing more is asked.

    Returns:
        `due` = `answered` + `asked_elsewhere` + `failed` + `deferred` (delivery periods), `requested`
        (requests sent) and what all processes together have spent of the budget.

    Raises:
        TransientError: The provider left a period without an answer, or the warehouse went away. All that
            was answered is landed.
        TerminalError: `force_prices` without window and days, both of these, no warehouse is configured, the
            provider's URL is none, or a landing file was changed.
    """
    end = time.monotonic() + deadline_seconds
    now = now or datetime.now(UTC)
    if force_prices and window is None and days is None:
        raise TerminalError("force_prices asks again for final prices: say of which window or delivery days")
    market = settings.market
    scope = _scope(market, now, window, days)
    load_reference_prices.run(settings)
    with connect(settings.warehouse_url, "pull_reference_prices") as conn:
        budget = Budget(conn, settings)
        periods = due_periods(conn, scope, now, force_prices, answered_since)
        writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, "pull", market=settings.landing_market)
        base_url = setting_values.url(
            "MARKET_DATA_URL, or the connection market_data,", "market_data_url", settings.market_data_url
        )
        with MarketDataClient(base_url) as client:
            try:
                result = Puller(client, budget, writer, market, end).pull(periods)
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


def _scope(market: Market, now: datetime, window: Window | None, days: DeliveryDays | None) -> Scope:
    if window is not None and days is not None:
        raise TerminalError("a pull is about a window or about delivery days, not both")
    if window is not None:
        return Scope.of_window(market, now, window.start_at, window.end_at)
    if days is not None:
        return Scope.of_days(market, now, days.first, days.last)
    return Scope.at_present(market, now)
