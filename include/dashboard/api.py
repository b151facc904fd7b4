"""The API of the trading desk: what can be asked, and what an answer is called."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from include.csv_file import DECIMALS
from include.dashboard import messages, ranges, schemas
from include.dashboard import parameters as given
from include.dashboard.desk import View, read_desk, read_history, read_page, read_pnl
from include.dashboard.health import read_facts, read_gaps, read_health, status_at
from include.dashboard.reader import Row
from include.dashboard.reconciliation import ReadDays, add_routes, read_hour_differences
from include.dashboard.responses import FOREVER, REVALIDATE, Answer, json_answer, respond
from include.dashboard.service import Service, State, is_settled, utc_now
from include.dashboard.tables import COLUMNS, FORMATS, GAPS, LISTS, QUARTERS, file_name, table
from include.dashboard.trades import read_hour, read_list
from include.settings import Settings
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
    """Which trades or messages of a delivery day, and in which form."""

    day: Day = ""
    hour: Hour = ""
    trader: Trader = ""
    limit: Annotated[str, Query(description="At most so many, the last received first; 200")] = ""
    format: given.Format = ""
    decimal: given.DecimalSign = ""


@dataclass(frozen=True, slots=True)
class PnlDays(given.Days):
    """Of which days, whose PnL, as of when, and in which form."""

    trader: AnyTrader = ""
    as_of: AsOf = ""


def build_api(service: Service, run_href: str) -> APIRouter:
    """The routes below api/v1.

    Args:
        service: Answers.
        run_href: Where a run of a DAG is shown, with `{dag_id}` and `{run_id}`; empty: nowhere.
    """
    api = APIRouter(
        prefix="/api/v1", tags=["trading desk"], responses=schemas.ERRORS, dependencies=[Depends(_documented)]
    )

    @api.get("/version", summary="Has anything changed?", response_model=schemas.Version)
    async def version(request: Request) -> Response:
        """Changes when anything that the page shows may have changed, and with each minute. Costs no query."""
        state = await service.state()
        return respond(request, json_answer({"version": state.version}), utc_now())

    @api.get("/events", summary="Stream of changes", response_class=StreamingResponse)
    async def events() -> Response:
        """Events `version`, each with what `version` answers: at once, on a change, and every 2 s.

        A stream ends after 10 s: ask for the next one, as a browser's EventSource does by itself. The login is
        checked each time, so it ends nobody's session later than that.
        """
        await service.state()  # a database that is away is a 503, not a stream without events
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(service.events(), media_type="text/event-stream", headers=headers)

    @api.get("/page", summary="All that the page shows of a day", response_model=schemas.Page)
    async def page(request: Request, day: Day = "", trader: Trader = "", as_of: AsOf = "") -> Response:
        """`desk`, `desk/history`, `status` and the traders' `pnl_daily` in one answer, all of one moment."""
        state = await service.state(given.market(request))
        view = _view(state, day, trader, as_of)

        def make(query: Any) -> Answer:
            return json_answer(read_page(query, state, view, utc_now()))

        return await _answer(request, state, ("page", view), make)

    @api.get("/desk", summary="The table of a delivery day", response_model=schemas.Desk)
    async def desk(request: Request, day: Day = "", trader: Trader = "", as_of: AsOf = "") -> Response:
        """Its rows in order of time, and their total; `null` is undefined, never 0."""
        state = await service.state(given.market(request))
        view = _view(state, day, trader, as_of)
        return await _answer(
            request, state, ("desk", view), lambda query: json_answer(read_desk(query, state, view)), view.as_of
        )

    @api.get("/desk/history", summary="History of the day's PnL", response_model=schemas.History)
    async def history(request: Request, day: Day = "", trader: Trader = "") -> Response:
        """One point a publication that changed it: what it was from then on, and what the cause was."""
        state = await service.state(given.market(request))
        view = _view(state, day, trader)
        return await _answer(
            request, state, ("history", view), lambda query: json_answer(read_history(query, view))
        )

    @api.get("/status", summary="How fresh is it, and is something wrong?", response_model=schemas.Status)
    async def status(request: Request) -> Response:
        """In a trader's words. Costs no query until something changes."""
        state = await service.state(given.market(request))
        facts = await service.recall("status", read_facts, state)
        now = utc_now()
        return respond(request, json_answer(status_at(facts, now)), now)

    @api.get("/health", summary="The platform itself, for the engineer", response_model=schemas.Health)
    async def health(request: Request) -> Response:
        """Capture, gaps, ledger, what waits for a review, other messages, prices, validations, runs, alarms."""
        state = await service.state(given.market(request))

        def make(query: Any) -> Answer:
            return json_answer(read_health(query, state, utc_now(), run_href))

        return await _answer(request, state, "health", make, is_slow=True)

    @api.get("/pnl_hourly", summary="PnL by delivery period", response_model=schemas.Table)
    async def pnl_hourly(request: Request, asked: Annotated[PnlDays, Depends()]) -> Response:
        """The columns of `curated.pnl_hourly`; at most 92 days, 31 of each trader."""
        return await _pnl(request, "pnl_hourly", asked)

    @api.get("/pnl_daily", summary="PnL by delivery day", response_model=schemas.Table)
    async def pnl_daily(request: Request, asked: Annotated[PnlDays, Depends()]) -> Response:
        """The columns of `curated.pnl_daily`; at most ten years, 366 days of each trader."""
        return await _pnl(request, "pnl_daily", asked)

    @api.get("/pnl_weekly", summary="PnL by week", response_model=schemas.Table)
    async def pnl_weekly(request: Request, asked: Annotated[PnlDays, Depends()]) -> Response:
        """The weeks with any of these days; at most ten years, 366 days of each trader."""
        return await _pnl(request, "pnl_weekly", asked)

    @api.get("/pnl_monthly", summary="PnL by month", response_model=schemas.Table)
    async def pnl_monthly(request: Request, asked: Annotated[PnlDays, Depends()]) -> Response:
        """The months with any of these days; at most ten years."""
        return await _pnl(request, "pnl_monthly", asked)

    @api.get("/pnl_quarter_hourly", summary="PnL by quarter of an hour", response_model=schemas.Table)
    async def pnl_quarter_hourly(
        request: Request,
        day: Day = "",
        trader: Annotated[str, Query(description="A trader's name; empty: the rows of each")] = "",
        format: given.Format = "",
        decimal: given.DecimalSign = "",
    ) -> Response:
        """The columns of `curated.pnl_quarter_hourly` of a delivery day, from the trades and prices of now."""
        state = await service.state(given.market(request))
        view = _view(state, day, trader)
        form, sign = given.choice("format", format, FORMATS), given.choice("decimal", decimal, DECIMALS)

        def make(query: Any) -> Answer:
            rows = query(QUERIES["pnl_quarter_hourly"], day=view.day, trader_id=view.trader_id)
            name = file_name(state.named("pnl_quarter_hourly"), view.day, view.day, view.trader_id)
            return table(form, sign, name, QUARTERS, rows)

        return await _answer(request, state, ("pnl_quarter_hourly", view, form, sign), make, is_slow=True)

    @api.get("/hour", summary="What became of the messages of an hour", response_model=schemas.HourLists)
    async def hour(request: Request, hour: Hour = "", day: Day = "", trader: Trader = "") -> Response:
        """The next four lists of one hour, the last 500 of each, and in which trades statements differ."""
        state = await service.state(given.market(request))
        view = _view(state, day, trader)
        label = given.required("hour", given.hour(hour, view.day, state.settings.market))

        def make(query: Any) -> Answer:
            chosen = state.settings, view.day, label, view.trader_id
            differences = read_hour_differences(query, *chosen)
            return json_answer(read_hour(query, *chosen) | {"statement": differences})

        return await _answer(request, state, ("hour", view, label), make, is_slow=True)

    @api.get("/trades", summary="The trades of a delivery day", response_model=schemas.Table)
    async def trades(request: Request, listed: Annotated[Listed, Depends()]) -> Response:
        """Those that count: of each the highest revision, the last received first."""
        return await _list(request, "trades", listed)

    @api.get("/cancelled_trades", summary="Trades that count no more", response_model=schemas.Table)
    async def cancelled_trades(request: Request, listed: Annotated[Listed, Depends()]) -> Response:
        """Those that the exchange took back, and when."""
        return await _list(request, "cancelled_trades", listed)

    @api.get("/quarantined_trades", summary="Trades that wait for a decision", response_model=schemas.Table)
    async def quarantined_trades(request: Request, listed: Annotated[Listed, Depends()]) -> Response:
        """Those that break an expectation: which, and the command that decides."""
        return await _list(request, "quarantined_trades", listed)

    @api.get("/rejected_messages", summary="Messages that could not be used", response_model=schemas.Table)
    async def rejected_messages(request: Request, listed: Annotated[Listed, Depends()]) -> Response:
        """Those that may concern the day and were not reviewed: why, and the command for it; of any trader."""
        return await _list(request, "rejected_messages", listed)

    @api.get("/gaps", summary="When capture was not connected", response_model=schemas.Table)
    async def gaps(request: Request, asked: Annotated[given.Days, Depends()]) -> Response:
        """Gaps that touch these days of the market, the last first, at most 1,000."""

        def read(query: Any, settings: Settings, first: date, last: date) -> list[Row]:
            return read_gaps(query, settings.market.span_of(first)[0], settings.market.span_of(last)[1])

        return await _of_days(request, "gaps", GAPS, read, asked, MAX_DAYS["gaps"])

    async def _of_days(
        request: Request, name: str, columns: list[str], read: ReadDays, asked: given.Days, most: int
    ) -> Response:
        state = await service.state(given.market(request))
        today = given.today(state.settings.market, utc_now())
        first, last = given.days(asked.from_, asked.to, today, most)
        form = given.choice("format", asked.format, FORMATS)
        sign = given.choice("decimal", asked.decimal, DECIMALS)

        def make(query: Any) -> Answer:
            rows = read(query, state.settings, first, last)
            return table(form, sign, file_name(state.named(name), first, last, None), columns, rows)

        return await _answer(request, state, (name, first, last, form, sign), make, is_slow=True)

    async def _list(request: Request, name: str, listed: Listed) -> Response:
        state = await service.state(given.market(request))
        view = _view(state, listed.day, listed.trader)
        hour_label = given.hour(listed.hour, view.day, state.settings.market)
        most = given.limit(listed.limit)
        form = given.choice("format", listed.format, FORMATS)
        sign = given.choice("decimal", listed.decimal, DECIMALS)

        def make(query: Any) -> Answer:
            rows = read_list(query, state.settings, name, view.day, hour_label, view.trader_id, most)
            return table(
                form, sign, file_name(state.named(name), view.day, view.day, view.trader_id), LISTS[name], rows
            )

        return await _answer(request, state, (name, view, hour_label, most, form, sign), make, is_slow=True)

    async def _pnl(request: Request, name: str, asked: PnlDays) -> Response:
        state = await service.state(given.market(request))
        now = utc_now()
        is_each = asked.trader == given.EVERY_TRADER
        most = (MAX_DAYS_OF_EACH_TRADER if is_each else MAX_DAYS)[name]
        first, last = given.days(asked.from_, asked.to, given.today(state.settings.market, now), most)
        trader_id = None if is_each else given.trader(asked.trader)
        at = given.moment("as_of", asked.as_of, now)
        form = given.choice("format", asked.format, FORMATS)
        sign = given.choice("decimal", asked.decimal, DECIMALS)

        def make(query: Any) -> Answer:
            rows = read_pnl(
                query, name, at, from_day=first, to_day=last, trader_id=trader_id, all_traders=is_each
            )
            shown = file_name(state.named(name), first, last, trader_id, at)
            return table(form, sign, shown, COLUMNS[name], rows)

        key = (name, first, last, trader_id, is_each, at, form, sign)
        return await _answer(request, state, key, make, at, is_slow=True)

    async def _answer(
        request: Request,
        state: State,
        key: Any,
        make: Any,
        as_of: datetime | None = None,
        is_slow: bool = False,
    ) -> Response:
        settled = is_settled(as_of)
        answer: Answer = await service.recall(key, make, state, is_slow, settled)
        return respond(request, answer, utc_now(), FOREVER if settled else REVALIDATE)

    add_routes(api, _of_days)
    messages.add_routes(api, service, _answer)
    ranges.add_routes(api, service, _answer)
    return api


def _documented(
    market: Annotated[str, Query(description="The market's id; empty: the first market")] = "",
) -> None:
    """The parameter of each route that `_market` reads."""


def _view(state: State, day: str, trader: str, as_of: str = "") -> View:
    now = utc_now()
    today: date = given.today(state.settings.market, now)
    return View(given.day("day", day) or today, given.trader(trader), given.moment("as_of", as_of, now))
