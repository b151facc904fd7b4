"""What the answer about a range of days looks like, for the API's own description."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from include.dashboard.schemas import Exact


class _Sums(BaseModel):
    """Of hours of PnL; without a price of each, what needs it is null."""

    delivery_day_count: int = Field(description="Delivery days with trades")
    incomplete_day_count: int = Field(description="Of these, days with an hour that is not complete")
    delivery_period_count: int
    missing_price_count: int
    trade_count: int = Field(description="Trades whose delivery starts in these hours: each counts once")
    buy_mwh: Exact
    sell_mwh: Exact
    net_position_mwh: Exact
    pnl_eur: Exact | None
    priced_pnl_eur: Exact | None = Field(description="PnL of the hours that have a price")
    mean_pnl_eur: Exact | None = Field(description="priced_pnl_eur a day that has any")
    performance_eur_per_mwh: Exact | None


class _Cumulative(BaseModel):
    from_: date = Field(alias="from", description="First day of it in the range")
    to: date = Field(description="Last day of it in the range")
    cumulative_pnl_eur: Exact | None = Field(description="priced_pnl_eur up to its end; null: none yet")
    cumulative_missing_price_count: int = Field(description="Hours without a price up to its end")


class RangeStep(_Sums, _Cumulative):
    """A day, week or month of the range with trades."""


class TraderStep(_Cumulative):
    priced_pnl_eur: Exact | None
    missing_price_count: int


class HourOfDay(_Sums):
    delivery_hour: str = Field(description="The hour that happens twice in October counts as one")


class RangeHour(_Sums):
    delivery_day: date
    delivery_hour: str
    trade_count: int = Field(description="Trades that deliver in the hour, also those that start before it")


class _Figures(BaseModel):
    total: _Sums | None = Field(description="null: nothing was traded")
    previous: _Sums | None = Field(description="The same of the range before")
    month: _Sums | None = Field(description="Of the days `month_from` to `month_to`")


class RangeTrader(_Figures):
    trader_id: str
    steps: list[TraderStep]


class RangeAnswer(_Figures):
    version: str
    from_: date = Field(alias="from")
    to: date
    previous_from: date = Field(description="As many months before whole months, else as many days before")
    previous_to: date
    month_from: date = Field(
        description="First day of the month of the last day; of today's as long as that one is to come"
    )
    month_to: date = Field(description="Today; in a month that is over the last day of the range")
    step: Literal["day", "week", "month"]
    trader: str | None = Field(description="null: the whole portfolio")
    as_of: datetime | None
    market: str
    market_timezone: str
    steps: list[RangeStep]
    hours_of_day: list[HourOfDay]
    best: list[RangeHour] = Field(description="At most 5 hours with a gain, the largest first")
    worst: list[RangeHour] = Field(description="At most 5 hours with a loss, the largest first")
    traders: list[RangeTrader] = Field(description="Empty with `trader`")
