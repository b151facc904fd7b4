"""PnL of a range of delivery days: figures, steps, hours of the day, best and worst hours, traders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from include.dashboard import parameters as given
from include.dashboard.asked import Asking
from include.dashboard.range_schemas import RangeAnswer
from include.dashboard.reader import Query as Reading
from include.dashboard.reader import Row
from include.dashboard.service import State
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")

MAX_DAYS = 366

_LONGEST = {"day": 62, "week": 190}
"""Days of the longest range shown by days, and by weeks; a longer one is shown by months."""

_AFTER: dict[str, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda monday: monday + timedelta(days=7),
    "month": lambda first: (first + timedelta(days=31)).replace(day=1),
}
"""The first day of the step after one that begins on a day."""

MEASURES = (
    *("delivery_day_count", "incomplete_day_count", "delivery_period_count", "missing_price_count"),
    *("trade_count", "buy_mwh", "sell_mwh", "net_position_mwh", "pnl_eur", "priced_pnl_eur", "mean_pnl_eur"),
    "performance_eur_per_mwh",
)
_CUMULATIVE = ("cumulative_pnl_eur", "cumulative_missing_price_count")

routes = APIRouter()


@dataclass(frozen=True, slots=True)
class Range:
    """Which delivery days, whose PnL.

    Attributes:
        first: First delivery day.
        last: Last one, included.
        trader_id: None: the whole portfolio, and each trader.
        as_of: As it was said at this moment; None: as it is.
        today: Day of the market at that moment, or now.
    """

    first: date
    last: date
    trader_id: str | None
    as_of: datetime | None
    today: date

    @property
    def previous(self) -> tuple[date, date]:
        """First and last day of as many months before whole months, of as many days before other ranges."""
        end = self.first - timedelta(days=1)
        after = self.last + timedelta(days=1)
        if self.first.day == after.day == 1:
            months = (after.year - self.first.year) * 12 + after.month - self.first.month
            year, month = divmod(self.first.year * 12 + self.first.month - 1 - months, 12)
            return date(year, month + 1, 1), end
        return self.first - (after - self.first), end

    @property
    def month(self) -> tuple[date, date]:
        """First and last day of the month to date: today's up to today, an earlier one up to the last day."""
        end = self.last if self.last < self.today.replace(day=1) else self.today
        return end.replace(day=1), end

    @property
    def step(self) -> str:
        """`day`, `week` or `month`: what there is a row of."""
        days = (self.last - self.first).days + 1
        return next((step for step, longest in _LONGEST.items() if days <= longest), "month")


def read_range(query: Reading, state: State, of: Range) -> Row:
    """All that the page shows of a range of days, in one query."""
    previous_first, previous_last = of.previous
    month_first, month_last = of.month
    rows = query(
        QUERIES["range"],
        from_day=of.first,
        to_day=of.last,
        previous_from_day=previous_first,
        previous_to_day=previous_last,
        month_from_day=month_first,
        month_to_day=month_last,
        first_day=min(previous_first, month_first),
        last_day=max(of.last, month_last),
        step=of.step,
        trader_id=of.trader_id,
        as_of=of.as_of,
    )
    portfolio = [row for row in rows if row["trader_id"] is None]
    names = sorted({row["trader_id"] for row in rows} - {None}) if of.trader_id is None else []
    return {
        "version": state.version,
        "from": of.first,
        "to": of.last,
        "previous_from": previous_first,
        "previous_to": previous_last,
        "month_from": month_first,
        "month_to": month_last,
        "step": of.step,
        "trader": of.trader_id,
        "as_of": of.as_of,
        "market": state.settings.market.market,
        "market_timezone": state.settings.market.timezone.key,
        **_figures(portfolio),
        "steps": _steps(of, portfolio, (*MEASURES, *_CUMULATIVE)),
        "hours_of_day": [{"delivery_hour": row["key"]} | _of(row) for row in _part(portfolio, "hour_of_day")],
        "best": _hours(portfolio, "best"),
        "worst": _hours(portfolio, "worst"),
        "traders": [_trader(of, name, [row for row in rows if row["trader_id"] == name]) for name in names],
    }


def _trader(of: Range, name: str, rows: list[Row]) -> Row:
    names = ("priced_pnl_eur", "missing_price_count", *_CUMULATIVE)
    return {"trader_id": name, **_figures(rows), "steps": _steps(of, rows, names)}


def _figures(rows: list[Row]) -> Row:
    """Of the range, of the one before and of the month to date; None: nothing was traded."""

    def of(part: str) -> Row | None:
        found = _part(rows, part)
        return _of(found[0]) if found else None

    return {"total": of("range"), "previous": of("previous"), "month": of("month")}


def _steps(of: Range, rows: list[Row], names: tuple[str, ...]) -> list[Row]:
    """Days, weeks or months with trades, in order; the range may cut the first and the last one."""
    steps = [(date.fromisoformat(row["key"]), row) for row in _part(rows, "step")]
    return [
        {
            "from": max(first, of.first),
            "to": min(_AFTER[of.step](first) - timedelta(days=1), of.last),
            **{name: row[name] for name in names},
        }
        for first, row in steps
    ]


def _hours(rows: list[Row], part: str) -> list[Row]:
    """The hours with most gain or loss, the largest first."""
    found = sorted(_part(rows, part), key=lambda row: row["place"])
    keys = ("delivery_day", "delivery_hour")
    return [dict(zip(keys, row["key"].split(" "), strict=True)) | _of(row) for row in found]


def _part(rows: list[Row], part: str) -> list[Row]:
    return [row for row in rows if row["part"] == part]


def _of(row: Row) -> Row:
    return {name: row[name] for name in MEASURES}


@routes.get("/range", summary="PnL of a range of delivery days", response_model=RangeAnswer)
async def range_(
    asked: Asking,
    days: given.AnyDays,
    trader: Annotated[str, Query(description="A trader's name; empty: the portfolio and each trader")] = "",
    as_of: Annotated[str, Query(description="What was said at this moment; empty: what is said now")] = "",
) -> Response:
    """Its sums beside those of the range before, steps, hours of the day, best and worst hours, traders.

    At most 366 days.
    """
    first, last = days.between(asked.today, MAX_DAYS)
    at = given.moment("as_of", as_of, asked.now)
    of = Range(first, last, given.trader(trader), at, given.today(asked.market, at or asked.now))
    return await asked.answer(
        lambda query: read_range(query, asked.state, of), "range", of, as_of=at, is_slow=True
    )
