"""What the answers look like, for the API's own description; nothing is computed from it."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from include.dashboard.tables import DAILY, HOURLY
from include.domain.pnl import Pnl
from include.domain.reference_price import PriceStatus

Exact = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", description="A number with all its digits")]


class Error(BaseModel):
    """What went wrong, for a person."""

    error: str


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "A parameter is wrong: which, and what is expected"},
    401: {"model": Error, "description": "Not logged in"},
    403: {"model": Error, "description": "Logged in as a user who may not read DAGs"},
    503: {"model": Error, "description": "The database does not answer; `Retry-After` says when to try again"},
}


class Version(BaseModel):
    version: str


def _measures(names: Iterable[str]) -> dict[str, Any]:
    """Fields for these measures of PnL, as include/domain/pnl.py has them."""
    types: dict[Any, Any] = {int: int, Decimal: Exact, Decimal | None: Exact | None}
    return {field.name: (types[field.type], ...) for field in fields(Pnl) if field.name in names}


class _PnlRow(BaseModel):
    market: str
    delivery_day: date
    trader_id: str | None = Field(description="null: the whole portfolio")
    price_status: PriceStatus
    is_complete: bool
    built_at: datetime


class _DeskRow(_PnlRow):
    """A delivery period."""

    delivery_hour: str
    delivery_start_at: datetime
    delivery_end_at: datetime
    capture_gap_seconds: Exact
    amendment_count: int = Field(description="Revisions of trades that replaced another or were replaced")
    cancelled_trade_count: int
    has_unreviewed_messages: bool
    incomplete_because: list[str]


class _DeskTotal(_PnlRow):
    """The day; without a price of each period, what needs it is null."""

    priced_pnl_eur: Exact | None = Field(description="PnL of the periods that have a price")
    delivery_period_count: int
    missing_price_count: int
    incomplete_period_count: int


DeskRow = create_model("DeskRow", __base__=_DeskRow, **_measures(HOURLY))
DeskTotal = create_model("DeskTotal", __base__=_DeskTotal, **_measures(DAILY))


class HourWithoutTrades(BaseModel):
    """An hour about which messages came, none of which is a trade that counts."""

    delivery_hour: str
    delivery_start_at: datetime
    delivery_end_at: datetime
    incomplete_because: list[str]


class CaptureGap(BaseModel):
    """When nothing was connected to the exchange."""

    gap_start_at: datetime
    gap_end_at: datetime
    is_ongoing: bool = Field(description="As far as is known nothing has connected since")


class Days(BaseModel):
    """First and last delivery day with PnL."""

    first: date | None
    last: date | None


class LimitBreach(BaseModel):
    """A limit of `ops.limits` that was reached, as it was first seen."""

    measure: Literal["position_mwh", "loss_eur", "price_distance_eur_per_mwh"]
    trader_id: str | None = Field(description="null: the portfolio")
    delivery_hour: str | None = Field(description="null: the loss of the whole day")
    reached_at: datetime
    value: Exact
    limit_value: Exact
    trade_id: str | None
    net_position_mwh: Exact | None = Field(
        description="Of a position its value with the sign, null if that is not known any more"
    )
    is_over: bool | None = Field(
        description="Whether it is reached now; null with `as_of` and of a day or an hour that is over"
    )


class Gate(BaseModel):
    delivery_hour: str
    tradable_until: datetime = Field(description="Gate closure; parts of the hour may be tradable longer")


class OpenPosition(BaseModel):
    """Of a trader, in an hour that can still be traded."""

    delivery_hour: str
    trader_id: str
    net_position_mwh: Exact


class Desk(BaseModel):
    version: str
    day: date
    trader: str | None = Field(description="null: the whole portfolio")
    as_of: datetime | None
    market: str
    markets: list[str] = Field(description="All of them, the first market first")
    market_timezone: str
    trading_opens_at: datetime = Field(description="When the hours of the day open for trading")
    now: datetime
    days: Days
    traders: list[str]
    rows: list[DeskRow]  # type: ignore[valid-type]
    hours_without_trades: list[HourWithoutTrades] = Field(
        description="Hours that have no row although messages about them came; empty with `as_of`"
    )
    capture_gaps: list[CaptureGap] = Field(
        description="Of a day without rows: those in the time in which it was tradable, so that trades may be"
        " missing; empty with rows or `as_of`"
    )
    total: DeskTotal | None = Field(description="null: nothing was traded")  # type: ignore[valid-type]
    limits: list[LimitBreach] = Field(
        description="With `trader` his own; else those of the portfolio and of all"
    )
    gates: list[Gate] = Field(description="Of each hour of the day, in order of time")


class Point(BaseModel):
    at: datetime
    pnl_eur: Exact | None
    priced_pnl_eur: Exact | None
    cause: str | None


class History(BaseModel):
    points: list[Point]


class Trouble(BaseModel):
    code: str = Field(
        description="capture_down, provider_down, prices_late, data_late, or the name of an alarm"
    )
    since: datetime | None
    text: str


class PageStatus(BaseModel):
    data_as_of: datetime | None
    next_publication_at: datetime
    next_refresh_at: datetime
    troubles: list[Trouble]


class Status(PageStatus):
    now: datetime
    data_age_seconds: int | None


class StatementDay(BaseModel):
    statement_day: date = Field(description="A day on which trades for the delivery day are executed")
    row: dict[str, Any] | None = Field(description="A row of `reconciliations`; null: no statement is loaded")


class Statements(BaseModel):
    days: list[StatementDay]
    differences: list[dict[str, Any]] = Field(
        description="The first 100 rows of `reconciliation_differences` that are about the delivery day"
    )


class Page(BaseModel):
    desk: Desk
    statements: Statements | None = Field(description="null with `as_of`")
    history: list[Point] = Field(description="Empty with `as_of`")
    status: PageStatus = Field(description="As of the last change or full minute")
    by_trader: list[dict[str, Any]] = Field(
        description="The day's row of `pnl_daily` of each trader; empty with `trader`, or if nothing was traded"
    )
    open_positions: list[OpenPosition] = Field(
        description="Of each trader, in hours that can still be traded; empty with `trader` or `as_of`"
    )
    by_market: list[dict[str, Any]] = Field(
        description="The day of the whole portfolio in each market with trades, then their sum, with `market`"
        " null; empty if there is one market"
    )


class Health(BaseModel):
    version: str
    now: datetime
    lines: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    ledger: dict[str, int]
    quarantined: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    operational_messages: list[dict[str, Any]]
    unknown_fields: list[dict[str, Any]]
    orphan_cancellations: list[dict[str, Any]]
    prices: dict[str, int]
    validations: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


class HourLists(BaseModel):
    """The rows have the fields of the lists of these names."""

    day: date
    hour: str
    trader: str | None = Field(description="null: the whole portfolio")
    trades: list[dict[str, Any]]
    cancelled: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    statement: list[dict[str, Any]] = Field(description="The first 100 of `reconciliation_differences`")


class Message(BaseModel):
    landing_file: str
    line: int
    received_at: str | None = Field(description="As the line tells it; null: it does not")
    raw: str | None = Field(
        description="Verbatim, its first 64 KiB; a line that is no message of its own, such as one of a"
        " statement, as a whole; null: the file is not on this server any more"
    )
    is_truncated: bool = Field(description="There is more of it in the landing file")


class Table(BaseModel):
    rows: list[dict[str, Any]]
