"""Which delivery periods to ask the provider for at a moment, and in which order."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from psycopg2.extensions import connection

from include.domain.delivery_period import PUBLICATION_DELAY, PUBLICATION_INTERVAL, Market
from include.errors import TerminalError
from include.warehouse.connection import run_sql

RECENT = timedelta(hours=2)
"""Until this long after the start of delivery a price is asked for after every publication."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PeriodToPrice:
    """A delivery period whose price may be asked for.

    Attributes:
        delivery_day: Local day of the market.
        delivery_hour: Label, local time.
        delivery_start_at: UTC.
        is_traded: We have trades for it.
        is_forced: It is to be asked for whatever is known already.
        last_answered_at: UTC; when the provider last said anything about it, None for never.
    """

    delivery_day: date
    delivery_hour: str
    delivery_start_at: datetime
    is_traded: bool
    is_forced: bool
    last_answered_at: datetime | None


def due_periods(
    conn: connection,
    market: Market,
    now: datetime,
    window: tuple[datetime, datetime] | None = None,
    force: bool = False,
) -> list[PeriodToPrice]:
    """The delivery periods to ask for, the most important first.

    Open hours and every traded period without a final price; with a window also the periods that are
    delivered in it, as long as they have no final price.

    Args:
        conn: The warehouse.
        market: Knows which hours are open.
        now: The moment; nothing here looks at a clock.
        window: What a run or a backfill is about: start and end, half-open.
        force: Ask for all periods that are delivered in the window or have trades received in it,
            final or not.

    Raises:
        TerminalError: `force` without a window.
    """
    if force and window is None:
        raise TerminalError("force asks again for final prices: give it a window (from, to) to be about")
    window_start_at, window_end_at = window or (None, None)
    open_hours = market.tradable_hours(now)
    parameters = {
        "open_days": [p.delivery_day for p in open_hours],
        "open_hours": [p.delivery_hour for p in open_hours],
        "open_starts": [p.start_at for p in open_hours],
        "window_start_at": window_start_at,
        "window_end_at": window_end_at,
        "force": force,
    }
    with conn, conn.cursor() as cur:
        run_sql(cur, "raw/periods_to_price", parameters)
        periods = [PeriodToPrice(*row) for row in cur.fetchall()]
    due = [p for p in periods if p.is_forced or is_due(now, p.delivery_start_at, p.last_answered_at)]
    return sorted(due, key=lambda period: _importance(period, now))


def is_due(now: datetime, delivery_start_at: datetime, last_answered_at: datetime | None) -> bool:
    """Whether the provider can know more than it said last.

    Until RECENT after the start of delivery: when there was a publication since. After that prices change
    only by revision, and the interval grows with the age, so that a period which never gets its price
    costs less and less.
    """
    if last_answered_at is None:
        return True
    age = now - delivery_start_at
    if age <= RECENT:
        return last_answered_at < last_publication(now)
    return last_answered_at <= now - max(PUBLICATION_INTERVAL, age / 8)


def last_publication(now: datetime) -> datetime:
    """When the publication current at that moment was certainly out: its instant and the longest delay."""
    sure = now - PUBLICATION_DELAY
    return sure - (sure - _EPOCH) % PUBLICATION_INTERVAL + PUBLICATION_DELAY


def _importance(period: PeriodToPrice, now: datetime) -> tuple[int, timedelta, str]:
    """Sorts first what traders look at: traded hours around now; then the other open ones; then history."""
    distance = abs(now - period.delivery_start_at)
    if now - period.delivery_start_at > RECENT:
        return 2, distance, period.delivery_hour
    return (0 if period.is_traded else 1), distance, period.delivery_hour
