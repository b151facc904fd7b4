"""The API of the trading desk: what can be asked, and what an answer is called."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from include.dashboard import messages, ranges, reconciliation, schemas
from include.dashboard import parameters as given
from include.dashboard.asked import Asked, Asking
from include.dashboard.desk import View, read_desk, read_history, read_page, read_pnl
from include.dashboard.health import read_facts, read_gaps, read_health, status_at
from include.dashboard.language import say
from include.dashboard.reader import Query as Reading
from include.dashboard.reader import Row
from include.dashboard.reconciliation import read_hour_differences
from include.dashboard.responses import json_answer, respond
from include.dashboard.service import utc_now
from include.dashboard.tables import COLUMNS, GAPS, LISTS, QUARTERS
from include.dashboard.trades import read_hour, read_list
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")

MAX_DAYS = {"pnl_hourly": 92, "pnl_daily": 3660, "pnl_weekly": 3660, "pnl_monthly": 3660, "gaps": 366}
MAX_DAYS_OF_EACH_TRADER = {"pnl_hourly": 31, "pnl_daily": 366, "pnl_weekly": 366, "pnl_monthly": 3660}

Day = Annotated[str, Query(description="Delivery day, local to the market, `YYYY-MM-DD`; empty: today")]
Trader = Annotated[str, Query(description="A trader's name; empty: the whole portfolio")]
AnyTrader = Annotated[
    str,
    Query(description="A trader's name; `*`: the rows of each; empty: the whole portfolio as if it were one"),
]
AsOf = Annotated[
    str, Query(description="What was said at this moment, ISO 8601 with its zone; empty: what is said now")
]
Hour = Annotated[
    str,
    Query(
        description="Delivery period, for example `15-16`: what delivers in that hour, blocks and quarters too,"
        " each with its energy in it; empty: all"
    ),
]


@dataclass(frozen=True, slots=True)
class Listed:
    """Which trades or messages of a delivery day."""

    day: Day = ""
    hour: Hour = ""
    trader: Trader = ""
    limit: Annotated[str, Query(description="At most so many, the last received first; 200")] = ""


AnyListed = Annotated[Listed, Depends()]


@dataclass(frozen=True, slots=True)
class PnlDays(given.Days):
    """Of which days, whose PnL, as of when."""

    trader: AnyTrader = ""
    as_of: AsOf = ""


AnyPnlDays = Annotated[PnlDays, Depends()]


api = APIRouter(prefix="/api/v1", tags=["trading desk"], responses=schemas.ERRORS)
"""The routes; their application has the service, and where a run of a DAG is shown."""


@api.get("/version", summary="Has anything changed?", response_model=schemas.Version)
async def version(request: Request) -> Response:
    """Changes when anything that the page shows may have changed, and with each minute. Costs no query."""
    state = await request.app.state.service.state()
    return respond(request, json_answer({"version": state.version}), utc_now())


@api.get("/events", summary="Stream of changes", response_class=StreamingResponse)
async def events(request: Request) -> Response:
    """Events `version`, each with what `version` answers: at once, on a change, and every 2 s.

    A stream ends after 10 s: ask for the next one, as a browser's EventSource does by itself. The login is
    checked each time, so it ends nobody's session later than that.
    """
    service = request.app.state.service
    await service.state()  # a database that is away is a 503, not a stream without events
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(service.events(), media_type="text/event-stream", headers=headers)


@api.get("/page", summary="All that the page shows of a day", response_model=schemas.Page)
async def page(asked: Asking, day: Day = "", trader: Trader = "", as_of: AsOf = "") -> Response:
    """`desk`, `desk/history`, `status` and the traders' `pnl_daily` in one answer, all of one moment."""
    view = _view(asked, day, trader, as_of)
    return await asked.answer(lambda query: read_page(query, asked.state, view, utc_now()), "page", view)


@api.get("/desk", summary="The table of a delivery day", response_model=schemas.Desk)
async def desk(asked: Asking, day: Day = "", trader: Trader = "", as_of: AsOf = "") -> Response:
    """Its rows in order of time, and their total; `null` is undefined, never 0."""
    view = _view(asked, day, trader, as_of)
    return await asked.answer(lambda query: read_desk(query, asked.state, view), "desk", view, as_of=view.as_of)


@api.get("/desk/history", summary="History of the day's PnL", response_model=schemas.History)
async def history(asked: Asking, day: Day = "", trader: Trader = "") -> Response:
    """One point a publication that changed it: what it was from then on, and what the cause was."""
    view = _view(asked, day, trader)
    return await asked.answer(lambda query: read_history(query, view), "history", view)


@api.get("/status", summary="How fresh is it, and is something wrong?", response_model=schemas.Status)
async def status(asked: Asking) -> Response:
    """In a trader's words. Costs no query until something changes."""
    facts = await asked.service.recall("status", read_facts, asked.state)
    now = utc_now()
    return respond(asked.request, json_answer(status_at(facts, now)), now)


@api.get("/health", summary="The platform itself, for the engineer", response_model=schemas.Health)
async def health(asked: Asking) -> Response:
    """Capture, gaps, ledger, what waits for a review, other messages, prices, validations, runs, alarms."""
    run_href = asked.request.app.state.run_href
    return await asked.answer(
        lambda query: read_health(query, asked.state, utc_now(), run_href), "health", is_slow=True
    )


@api.get("/pnl_hourly", summary="PnL by delivery period", response_model=schemas.Table)
async def pnl_hourly(asked: Asking, days: AnyPnlDays, form: given.AnyForm) -> Response:
    """The columns of `curated.pnl_hourly`; at most 92 days, 31 of each trader."""
    return await _pnl(asked, "pnl_hourly", days, form)


@api.get("/pnl_daily", summary="PnL by delivery day", response_model=schemas.Table)
async def pnl_daily(asked: Asking, days: AnyPnlDays, form: given.AnyForm) -> Response:
    """The columns of `curated.pnl_daily`; at most ten years, 366 days of each trader."""
    return await _pnl(asked, "pnl_daily", days, form)


@api.get("/pnl_weekly", summary="PnL by week", response_model=schemas.Table)
async def pnl_weekly(asked: Asking, days: AnyPnlDays, form: given.AnyForm) -> Response:
    """The weeks with any of these days; at most ten years, 366 days of each trader."""
    return await _pnl(asked, "pnl_weekly", days, form)


@api.get("/pnl_monthly", summary="PnL by month", response_model=schemas.Table)
async def pnl_monthly(asked: Asking, days: AnyPnlDays, form: given.AnyForm) -> Response:
    """The months with any of these days; at most ten years."""
    return await _pnl(asked, "pnl_monthly", days, form)


@api.get("/pnl_quarter_hourly", summary="PnL by quarter of an hour", response_model=schemas.Table)
async def pnl_quarter_hourly(
    asked: Asking,
    form: given.AnyForm,
    day: Day = "",
    trader: Annotated[str, Query(description="A trader's name; empty: the rows of each")] = "",
) -> Response:
    """The columns of `curated.pnl_quarter_hourly` of a delivery day, from the trades and prices of now."""
    view = _view(asked, day, trader)
    about = view.day, view.day, view.trader_id

    def read(query: Reading) -> list[Row]:
        return query(QUERIES["pnl_quarter_hourly"], day=view.day, trader_id=view.trader_id)

    return await asked.table("pnl_quarter_hourly", QUARTERS, read, form, about)


@api.get("/hour", summary="What became of the messages of an hour", response_model=schemas.HourLists)
async def hour(asked: Asking, hour: Hour = "", day: Day = "", trader: Trader = "") -> Response:
    """The next four lists of one hour, the last 500 of each, and in which trades statements differ."""
    view = _view(asked, day, trader)
    label = given.hour(hour, view.day, asked.market)
    if label is None:
        raise given.BadParameterError(say("hour must be given."))
    chosen = asked.state.settings, view.day, label, view.trader_id

    def read(query: Reading) -> Row:
        return read_hour(query, *chosen) | {"statement": read_hour_differences(query, *chosen)}

    return await asked.answer(read, "hour", view, label, is_slow=True)


@api.get("/trades", summary="The trades of a delivery day", response_model=schemas.Table)
async def trades(asked: Asking, listed: AnyListed, form: given.AnyForm) -> Response:
    """Those that count: of each the highest revision, the last received first."""
    return await _list(asked, "trades", listed, form)


@api.get("/cancelled_trades", summary="Trades that count no more", response_model=schemas.Table)
async def cancelled_trades(asked: Asking, listed: AnyListed, form: given.AnyForm) -> Response:
    """Those that the exchange took back, and when."""
    return await _list(asked, "cancelled_trades", listed, form)


@api.get("/quarantined_trades", summary="Trades that wait for a decision", response_model=schemas.Table)
async def quarantined_trades(asked: Asking, listed: AnyListed, form: given.AnyForm) -> Response:
    """Those that break an expectation: which, and the command that decides."""
    return await _list(asked, "quarantined_trades", listed, form)


@api.get("/rejected_messages", summary="Messages that could not be used", response_model=schemas.Table)
async def rejected_messages(asked: Asking, listed: AnyListed, form: given.AnyForm) -> Response:
    """Those that may concern the day and were not reviewed: why, and the command for it; of any trader."""
    return await _list(asked, "rejected_messages", listed, form)


@api.get("/gaps", summary="When capture was not connected", response_model=schemas.Table)
async def gaps(asked: Asking, days: given.AnyDays, form: given.AnyForm) -> Response:
    """Gaps that touch these days of the market, the last first, at most 1,000."""
    first, last = days.between(asked.today, MAX_DAYS["gaps"])
    start, end = asked.market.span_of(first)[0], asked.market.span_of(last)[1]
    about = first, last, None
    return await asked.table("gaps", GAPS, lambda query: read_gaps(query, start, end), form, about)


api.include_router(reconciliation.routes)
api.include_router(messages.routes)
api.include_router(ranges.routes)


def _view(asked: Asked, day: str, trader: str, as_of: str = "") -> View:
    at = given.moment("as_of", as_of, asked.now)
    return View(given.day("day", day) or asked.today, given.trader(trader), at)


async def _list(asked: Asked, name: str, listed: Listed, form: given.Form) -> Response:
    view = _view(asked, listed.day, listed.trader)
    label = given.hour(listed.hour, view.day, asked.market)
    most = given.limit(listed.limit)
    chosen = asked.state.settings, name, view.day, label, view.trader_id, most
    about = view.day, view.day, view.trader_id
    return await asked.table(
        name, LISTS[name], lambda query: read_list(query, *chosen), form, about, label, most
    )


async def _pnl(asked: Asked, name: str, days: PnlDays, form: given.Form) -> Response:
    is_each = days.trader == given.EVERY_TRADER
    first, last = days.between(asked.today, (MAX_DAYS_OF_EACH_TRADER if is_each else MAX_DAYS)[name])
    trader_id = None if is_each else given.trader(days.trader)
    at = given.moment("as_of", days.as_of, asked.now)
    about = first, last, trader_id

    def read(query: Reading) -> list[Row]:
        return read_pnl(query, name, at, from_day=first, to_day=last, trader_id=trader_id, all_traders=is_each)

    return await asked.table(name, COLUMNS[name], read, form, about, is_each, as_of=at)
