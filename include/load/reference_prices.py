"""The provider's replies among the sources of the loader."""

from collections.abc import Iterator
from datetime import date

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.reference_price import is_transient_status, parse_reference_price
from include.domain.rejection import Reason, RejectedMessageError
from include.landing import REFERENCE_PRICES
from include.load.lines import Line
from include.warehouse.connection import named_sql, run_sql

_NULL = "\\N"


class ReferencePrices:
    """`raw.reference_prices`: every observation, none is a duplicate of another.

    A reply that only says "not now" (429, 5xx) is an event of the journal: it states no price.
    """

    source = REFERENCE_PRICES
    copy_sql = (
        "COPY pg_temp.staged_reference_prices (delivery_day, delivery_hour, price_eur_per_mwh,"
        " provider_updated_at, observed_at, line_number) FROM STDIN"
    )

    def __init__(self, market: Market) -> None:
        self._market = market
        self._periods: dict[tuple[date, str], DeliveryPeriod] = {}

    def stage(self, cur: cursor) -> None:
        cur.execute(named_sql("raw/reference_prices_stage"))

    def row(self, line: Line) -> str | None:
        if line.request is None or line.status is None:
            raise RejectedMessageError(Reason.FOREIGN_LINE, "no reply: the request or the status is missing")
        if is_transient_status(line.status):
            return None
        day = parse_delivery_day(line.request.get("delivery_day"))
        asked = self._market.period(day, line.request.get("delivery_hour", ""))
        if line.raw is None and line.status != 404:
            raise RejectedMessageError(Reason.NOT_TEXT, "the reply is not UTF-8 text")
        answer = parse_reference_price(line.status, line.raw or "", asked)
        self._periods[day, asked.delivery_hour] = asked
        price, updated_at = answer.price_eur_per_mwh, answer.provider_updated_at
        return (
            f"{day}\t{asked.delivery_hour}\t{_NULL if price is None else format(price, 'f')}"
            f"\t{_NULL if updated_at is None else updated_at.isoformat()}"
        )

    def insert(self, cur: cursor, load_batch_id: int, landing_file_id: int) -> int:
        run_sql(
            cur, "raw/reference_prices", {"load_batch_id": load_batch_id, "landing_file_id": landing_file_id}
        )
        return 0

    def conflicts(self, cur: cursor) -> Iterator[tuple[int, str]]:
        yield from ()

    def periods(self) -> list[DeliveryPeriod]:
        periods = list(self._periods.values())
        self._periods.clear()
        return periods
