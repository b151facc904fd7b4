"""What the answers look like, for the API's own description; nothing is computed from it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Exact = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", description="A number with all its digits")]
PriceStatus = Literal["final", "provisional", "missing"]


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


class DeskRow(BaseModel):
    """A delivery period."""

    delivery_hour: str
    delivery_start_at: datetime
    delivery_end_at: datetime
    trade_count: int
    buy_mwh: Exact
    sell_mwh: Exact
    net_position_mwh: Exact
    average_price_eur_per_mwh: Exact | None
    reference_price_eur_per_mwh: Exact | None
    price_status: PriceStatus
    performance_eur_per_mwh: Exact | None
    pnl_eur: Exact | None
    realised_pnl_eur: Exact
    unrealised_pnl_eur: Exact | None
    is_complete: bool
    capture_gap_seconds: Exact
    built_at: datetime
    incomplete_because: list[str]


class DeskTotal(BaseModel):
    """The day."""

    trade_count: int
    buy_mwh: Exact
    sell_mwh: Exact
    net_position_mwh: Exact
    average_price_eur_per_mwh: Exact | None
    price_status: PriceStatus
    performance_eur_per_mwh: Exact | None
    pnl_eur: Exact | None = Field(description="null while any period has no price")
    priced_pnl_eur: Exact | None = Field(description="Of the periods that have a price")
    realised_pnl_eur: Exact
    unrealised_pnl_eur: Exact | None
    delivery_period_count: int
    missing_price_count: int
    incomplete_period_count: int
    is_complete: bool
    built_at: datetime


class Days(BaseModel):
    """First and last delivery day with PnL."""

    first: date | None
    last: date | None


class Desk(BaseModel):
    version: str
    day: date
    trader: str | None = Field(description="null: the whole portfolio")
    as_of: datetime | None
    market_timezone: str
    trading_opens_at: datetime = Field(description="When the hours of the day open for trading")
    now: datetime
    days: Days
    traders: list[str]
    rows: list[DeskRow]
    total: DeskTotal | None = Field(description="null: nothing was traded")


class Point(BaseModel):
    at: datetime
    pnl_eur: Exact | None
    priced_pnl_eur: Exact | None
    cause: str | None


class History(BaseModel):
    points: list[Point]


class Trouble(BaseModel):
    code: str = Field(description="capture_down, provider_down, prices_late, batch_blocked or data_late")
    since: datetime | None
    text: str


class Status(BaseModel):
    now: datetime
    data_as_of: datetime | None
    data_age_seconds: int | None
    next_publication_at: datetime
    next_refresh_at: datetime
    troubles: list[Trouble]


class PageStatus(BaseModel):
    data_as_of: datetime | None
    next_publication_at: datetime
    next_refresh_at: datetime
    troubles: list[Trouble]


class Page(BaseModel):
    desk: Desk
    history: list[Point] = Field(description="Empty with `as_of`")
    status: PageStatus = Field(description="As of the last change or full minute")
    by_trader: list[dict[str, Any]] = Field(
        description="The day's row of `pnl_daily` of each trader; empty with `trader`, or if nothing was traded"
    )


class Health(BaseModel):
    version: str
    now: datetime
    lines: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    ledger: dict[str, int]
    rejects: list[dict[str, Any]]
    blocked_batches: list[dict[str, Any]]
    prices: dict[str, int]
    validations: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


class Table(BaseModel):
    rows: list[dict[str, Any]]
