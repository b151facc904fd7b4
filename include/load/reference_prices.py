"""The sink of reference prices: every observation, none is a duplicate of another."""

from datetime import date, datetime, timedelta

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.reference_price import UNDEFINED_STATUSES, is_transient_status, parse_reference_price
from include.domain.rejection import Reason, RejectedMessageError
from include.landing import REFERENCE_PRICES
from include.landing_line import Line
from include.load.copying import NULL, copy_rows, escaped
from include.load.sink import Note
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")

MAX_CLOCK_AHEAD = timedelta(minutes=5)
"""By how much the clock of the pull may be ahead of the warehouse's. An observation of the future would count
instead of all that are observed until then."""

_COLUMNS = (
    "market",
    "delivery_day",
    "delivery_hour",
    "price_eur_per_mwh",
    "provider_updated_at",
    "unreadable_update_time",
    "observed_at",
    "line_number",
    "load_batch_id",
    "landing_file_id",
)


class ReferencePriceSink:
    """`raw.reference_prices`. A reply that only says "not now" (429, 5xx) is an event: it states no price."""

    source = REFERENCE_PRICES
    has_connection = False

    def __init__(self, market: Market) -> None:
        self.market = market.market
        self._market = market
        self._periods: dict[tuple[date, str], DeliveryPeriod] = {}
        self._count = 0
        self._loaded_at: datetime | None = None

    def begin(self, cur: cursor, is_alone: bool = False) -> None:
        """Nothing to lock: observations cannot collide. Notes the time of the load."""
        self._periods.clear()
        run_sql(cur, QUERIES["load_clock"])
        (self._loaded_at,) = cur.fetchone()  # type: ignore[misc]

    def row(self, line: Line) -> tuple[str, str] | None:
        if line.request is None or line.status is None:
            raise RejectedMessageError(Reason.FOREIGN_LINE, "no reply: the request or the status is missing")
        if is_transient_status(line.status):
            return None
        day = parse_delivery_day(line.request.get("delivery_day"))
        asked = self._market.period(day, line.request.get("delivery_hour", ""))
        if line.raw is None and line.status not in UNDEFINED_STATUSES:
            raise RejectedMessageError(Reason.NOT_TEXT, "the reply is not UTF-8 text")
        answer = parse_reference_price(line.status, line.raw or "", asked, self._market.price_bounds)
        observed_at = datetime.fromisoformat(line.received_at)
        if self._loaded_at is not None and observed_at > self._loaded_at + MAX_CLOCK_AHEAD:
            raise RejectedMessageError(
                Reason.OBSERVED_IN_FUTURE,
                f"received at {line.received_at}, loaded at {self._loaded_at.isoformat()}",
            )
        self._periods[day, asked.delivery_hour] = asked
        price, updated_at, unreadable = (
            answer.price_eur_per_mwh,
            answer.provider_updated_at,
            answer.unreadable_update_time,
        )
        self._count += 1
        return str(self._count), (
            f"{self.market}\t{day}\t{asked.delivery_hour}\t{NULL if price is None else format(price, 'f')}"
            f"\t{NULL if updated_at is None else updated_at.isoformat()}"
            f"\t{NULL if unreadable is None else escaped(unreadable)}"
        )

    def claimed_hours(self, line: Line) -> None:
        """None: a reply that is rejected leaves the hour without its price, which says so."""

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        copy_rows(cur, "raw.reference_prices", _COLUMNS, rows.values())
        return 0

    def conflicts(self, cur: cursor, load_batch_id: int) -> dict[int, str]:
        """None: no observation is known before."""
        return {}

    def take_periods(self) -> list[DeliveryPeriod]:
        periods = list(self._periods.values())
        self._periods.clear()
        return periods

    def take_claimed_periods(self) -> list[DeliveryPeriod]:
        return []

    def take_notes(self) -> list[Note]:
        return []
