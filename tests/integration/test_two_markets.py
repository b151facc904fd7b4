"""Two markets in one warehouse, with other zones, gates, bounds and providers: each as if it were alone."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from include.domain.delivery_period import Market
from include.errors import TerminalError, TransientError
from include.expectations.review import Selection, decide
from include.jobs import (
    build_pnl,
    check_freshness,
    load_reference_prices,
    load_trades,
    pull_reference_prices,
    rebuild_steps,
    report_findings,
    validate_reference_prices,
    validate_trades,
)
from include.landing import REFERENCE_PRICES, TRADES, event_line, list_files, message_line
from include.landing_writer import LandingWriter
from include.pull.budget import AskedElsewhere, Budget, Ticket, Wait
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision, lock_pnl_days, lock_validation
from include.warehouse.migrate import migrate
from tests.factories import Database, ago
from tests.integration.pull.server import scripted_provider
from tests.messages import cancellation, deal

FINLAND = Market(
    ZoneInfo("Europe/Helsinki"),
    "FI",
    trading_opens=time(14, 0),
    gate_closure=timedelta(hours=1),
    gate_closure_shorter=timedelta(minutes=30),
    price_max=Decimal(4000),
)
AUSTRIA = Market(ZoneInfo("Europe/Vienna"), "AT")
DAY = date(2026, 3, 2)
HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)
AT = HOUR + timedelta(minutes=15)
TABLES = {
    "curated.pnl_hourly": "built_at",
    "curated.pnl_quarter_hourly": "",
    "curated.portfolio_pnl_daily": "built_at",
    "curated.trades": "load_batch_id, landing_file_id",
    "curated.cancelled_trades": "load_batch_id, landing_file_id",
    "curated.reference_prices": "load_batch_id",
    "raw.delivery_periods": "",
    "ops.quarantined_trades": "landing_file_id, quarantined_at, reviewed_at",
    "ops.review_queue": "landing_file_id, landing_file",
    "ops.capture_gaps": "",
    "ops.incomplete_periods": "",
    "ops.operational_messages": "",
    "ops.unknown_fields": "",
}
"""What a market is, and the columns that only say when and from where it was loaded."""


@pytest.fixture
def german(settings: Settings) -> Settings:
    migrate(settings.warehouse_url, [settings.market, FINLAND])
    return settings


@pytest.fixture
def finnish(german: Settings) -> Settings:
    return replace(
        german, market=FINLAND, is_first_market=False, provider="nordic", reference_price_per_minute=2
    )


def land(settings: Settings, *lines: bytes, source: str = TRADES, at: datetime = AT, name: str = "a") -> None:
    writer = LandingWriter(settings.landing_root, source, name, market=settings.landing_market)
    writer.append(b"".join(lines), at)
    writer.close(at + timedelta(seconds=len(lines)))


def message(text: str, seconds: float = 0) -> bytes:
    return message_line(AT + timedelta(seconds=seconds), text.encode())


def reply(label: str, value: float, at: datetime = AT) -> bytes:
    request = {"delivery_day": "2026-03-02", "delivery_hour": label}
    body = f'{{"delivery_day": "2026-03-02", "delivery_hour": "{label}", "unit": "euro/mwh", "value": {value}}}'
    return message_line(at, body.encode(), request=request, status=200)


def land_germany(settings: Settings) -> None:
    land(
        settings,
        event_line(AT, "connected"),
        message(deal(id="1", price=50), 1),
        message(deal(id="2", direction="buy", delivery_hour="15:00-15:15"), 2),
        message(deal(id="3", price=5000), 3),
        message(deal(id="4"), 4),
        message("what?", 5),
        message('{"type": "hello"}', 6),
        event_line(AT + timedelta(seconds=9), "heartbeat", connected=True),
    )
    land(settings, reply("15-16", 40), source=REFERENCE_PRICES)


def land_finland(settings: Settings) -> None:
    """The same ids, days and labels with other content; of id 1 a cancellation, of id 4 an amendment."""
    later = timedelta(seconds=120)
    land(
        settings,
        event_line(AT, "connected"),
        message(deal(id="1", price=-7, trader_id="aino"), 1),
        message(deal(id="2", direction="buy", quantity=3, delivery_hour="16-18", trader_id="aino"), 2),
        message(deal(id="3", price=5000), 3),
        message(deal(id="4", price=8), 4),
        message(deal(id="4", price=9, revision=1, new_field=1), 5),
        message(cancellation(id="1"), 6),
        event_line(AT + timedelta(seconds=7), "disconnected"),
    )
    again = [event_line(AT + later, "connected")]
    again += [event_line(AT + later + timedelta(seconds=5), "heartbeat", connected=True)]
    land(settings, *again, at=AT + later, name="b")
    land(settings, reply("15-16", -3), reply("16-17", 11), source=REFERENCE_PRICES)


def process(*markets: Settings) -> None:
    for job in (
        load_trades.run,
        load_reference_prices.run,
        validate_trades.run,
        validate_reference_prices.run,
        build_pnl.run,
    ):
        for settings in markets:
            job(settings)


def content(database: Database, market: str) -> dict[str, list[Any]]:
    found = {}
    for table, left_out in TABLES.items():
        keys = ", ".join(f"'{name.strip()}'" for name in left_out.split(","))
        found[table] = database.rows(
            # commands in texts name a market that is not the first
            f"SELECT replace((to_jsonb(t) - ARRAY[{keys}])::text, %s, '') AS line FROM {table} AS t"
            " WHERE market = %s ORDER BY line",
            (f" MARKET={market}", market),
        )
    return found


def versions(database: Database, market: str) -> list[Any]:
    """Every version with all its columns: what nobody touched is the same to the microsecond."""
    return database.rows(
        "SELECT v::text FROM curated.pnl_versions AS v WHERE market = %s ORDER BY 1", (market,)
    )


def scanned(database: Database) -> None:
    """As if both landing folders had been looked through at one moment, alone or not."""
    database.rows("UPDATE ops.landing_scans SET scanned_at = '2026-03-02 11:00Z' RETURNING 1")


@pytest.mark.parametrize("market", ["DE", "FI"])
def test_a_market_beside_another_is_as_if_it_were_alone(
    german: Settings,
    finnish: Settings,
    database: Database,
    second_warehouse_url: str,
    tmp_path: Path,
    market: str,
) -> None:
    land_germany(german)
    land_finland(finnish)
    process(german, finnish)
    scanned(database)

    both = {"DE": (german, land_germany), "FI": (finnish, land_finland)}
    settings, land_files = both[market]
    alone = replace(
        settings,
        is_first_market=True,
        warehouse_url=second_warehouse_url,
        landing_root=tmp_path / "alone",
        data_docs_root=tmp_path / "alone docs",
    )
    migrate(second_warehouse_url, [alone.market])
    land_files(alone)
    process(alone)
    with closing(Database(second_warehouse_url)) as other:
        scanned(other)
        expected = content(other, market)
    assert content(database, market) == expected
    assert all(
        expected[table] for table in ("curated.pnl_hourly", "ops.capture_gaps", "ops.incomplete_periods")
    )


def test_the_numbers_of_each_market_are_right(german: Settings, finnish: Settings, database: Database) -> None:
    land_germany(german)
    land_finland(finnish)
    process(german, finnish)
    rows = database.rows(
        "SELECT market, delivery_hour, trader_id, trade_count, delivery_start_at, pnl_eur, is_complete"
        " FROM curated.pnl_hourly ORDER BY market, delivery_hour, trader_id"
    )
    four = "flex_trader_4"
    assert rows == [
        # sold 1.2 at 50, 5000 and 20.64, bought 0.3 MWh at 20.64, the price is 40
        ("DE", "15-16", four, 4, datetime(2026, 3, 2, 14, tzinfo=UTC), Decimal("5946.576"), False),
        # sold 1.2 at 9 (revision 1), the price is -3
        ("FI", "15-16", four, 1, datetime(2026, 3, 2, 13, tzinfo=UTC), Decimal("14.4"), False),
        # bought 3 MW at 20.64, the price is 11
        ("FI", "16-17", "aino", 1, datetime(2026, 3, 2, 14, tzinfo=UTC), Decimal("-28.92"), False),
        ("FI", "17-18", "aino", 1, datetime(2026, 3, 2, 15, tzinfo=UTC), None, False),
    ]
    # German trading had not been interrupted; Finland's gap is 113 s from the last sign of the first connection
    assert database.rows(
        "SELECT gap_start_at, gap_end_at FROM ops.capture_gaps WHERE market = 'FI' AND gap_start_at > %s"
        " AND NOT is_ongoing",
        (AT,),
    ) == [(AT + timedelta(seconds=7), AT + timedelta(seconds=120))]
    # 5,000 is within the bounds of one exchange only
    assert database.rows("SELECT market, trade_id FROM ops.quarantined_trades") == [("FI", "3")]
    gates = database.rows(
        "SELECT market, tradable_until FROM raw.delivery_periods WHERE delivery_hour = '15-16' ORDER BY market"
    )
    assert gates == [("DE", HOUR.replace(hour=13, minute=55)), ("FI", HOUR.replace(hour=12))]
    days = database.rows(
        "SELECT curated.market_timezone(market), curated.market_timezone() FROM ops.markets ORDER BY 1"
    )
    assert days == [("Europe/Berlin", "Europe/Berlin"), ("Europe/Helsinki", "Europe/Berlin")]


def test_files_lie_apart(german: Settings, finnish: Settings) -> None:
    land_germany(german)
    land_finland(finnish)
    keys = [file.key for file in list_files(german.landing_root, TRADES)]
    assert [key.rsplit("/", 1)[0] for key in keys] == ["trades/date=2026-03-02/hour=10"]
    found = list_files(german.landing_root, TRADES, market="FI")
    assert {file.key.rsplit("/", 1)[0] for file in found} == {"trades/market=FI/date=2026-03-02/hour=10"}
    assert {file.source for file in found} == {TRADES}


def test_a_third_market_touches_nothing(german: Settings, finnish: Settings, database: Database) -> None:
    land_germany(german)
    land_finland(finnish)
    process(german, finnish)
    before = [versions(database, market) for market in ("DE", "FI")]
    contents = [content(database, market) for market in ("DE", "FI")]
    # another order, too
    migrate(german.warehouse_url, [german.market, AUSTRIA, FINLAND])
    austrian = replace(german, market=AUSTRIA, is_first_market=False)
    land(austrian, event_line(AT, "connected"), message(deal(id="1", price=50), 1))
    land(austrian, reply("15-16", 40), source=REFERENCE_PRICES)
    process(austrian, german, finnish)
    assert database.rows("SELECT pnl_eur, trade_count FROM curated.pnl_hourly WHERE market = 'AT'") == [
        (Decimal(12), 1)
    ]
    assert [versions(database, market) for market in ("DE", "FI")] == before
    scans = {"ops.capture_gaps", "ops.incomplete_periods"}  # time goes on
    for market, known in zip(("DE", "FI"), contents, strict=True):
        now = content(database, market)
        assert {t: now[t] for t in now.keys() - scans} == {t: known[t] for t in known.keys() - scans}


def test_a_reload_and_a_review_of_one_market_touch_nothing_of_the_other(
    german: Settings, finnish: Settings, database: Database
) -> None:
    land_germany(german)
    land_finland(finnish)
    process(german, finnish)
    before, messages = versions(database, "DE"), content(database, "DE")["ops.review_queue"]
    decide(finnish, "accept", "the bounds were raised", Selection(trade_id="3"))
    with pytest.raises(TerminalError):  # each of them has one, but it is decided on in one market
        decide(german, "accept", "why not", Selection(trade_id="none"))
    process(finnish)
    rebuild = Rebuild("r", DeliveryDays(DAY, DAY), reload=True)
    rebuild_steps.run(finnish, rebuild)
    assert versions(database, "DE") == before
    assert content(database, "DE")["ops.review_queue"] == messages
    hour = "SELECT trade_count FROM curated.pnl_hourly WHERE (market, delivery_hour) = ('FI', '15-16')"
    assert database.value(hour) == 2
    german_batches = database.rows(
        "SELECT is_reload FROM ops.load_batches JOIN ops.landing_files"
        " USING (landing_file_id) WHERE market = 'DE'"
    )
    assert set(german_batches) == {(False,)}
    # the same run id in another market is another rebuild
    rebuild_steps.run(german, rebuild)
    assert database.rows("SELECT market, rebuild_id FROM ops.rebuilds ORDER BY 1") == [("DE", "r"), ("FI", "r")]


def test_an_hour_to_review_fails_the_run_of_its_market_only(
    german: Settings, finnish: Settings, database: Database
) -> None:
    land_germany(german)
    land(finnish, message(deal(id="9", price=5000), 3))
    process(german, finnish)
    window = Window(HOUR, HOUR + timedelta(hours=1))
    folder = "trades/market=FI/date=2026-03-02/hour=10/"
    with pytest.raises(TerminalError) as raised:
        report_findings.run(finnish, window)
    assert str(raised.value).endswith(
        f"`make review MARKET=FI` lists them; ACTION=… REASON=… FILE={folder} MARKET=FI decides"
    )
    assert database.rows(
        "SELECT market, substring(detail FROM '; make.*') FROM ops.incomplete_periods"
        " WHERE reason IN ('messages_rejected', 'trades_quarantined') ORDER BY 1"
    ) == [("DE", "; make review"), ("FI", "; make review MARKET=FI")]
    with pytest.raises(TerminalError, match="`make review MARKET=FI` lists what waits"):
        decide(finnish, "accept", "why not", Selection(trade_id="none"))
    report_findings.run(german, window)


def test_a_file_stays_with_its_market(german: Settings, finnish: Settings, database: Database) -> None:
    land_germany(german)
    load_trades.run(german)
    stolen = replace(finnish, is_first_market=True)  # as if FI had the plain paths
    assert load_trades.run(stolen)["failed_files"] == 1
    assert "was loaded as a file of market DE, not FI" in str(
        database.value("SELECT load_error FROM ops.landing_files WHERE source = 'trades'")
    )
    with pytest.raises(TerminalError, match="the first market of the warehouse is DE"):
        migrate(german.warehouse_url, [FINLAND, german.market])


def test_a_budget_is_of_a_provider(german: Settings, finnish: Settings) -> None:
    shared = replace(german, provider="nordic", reference_price_per_minute=2)
    with (
        connect(german.warehouse_url, "a") as a,
        connect(german.warehouse_url, "b") as b,
        connect(german.warehouse_url, "c") as c,
    ):
        first, second, other = Budget(a, finnish), Budget(b, shared), Budget(c, german)
        assert isinstance(first.take(DAY, "15-16"), Ticket)
        # another market asks for its own hour of the same name
        assert isinstance(second.take(DAY, "15-16"), Ticket)
        assert isinstance(first.take(DAY, "15-16"), AskedElsewhere)
        assert isinstance(first.take(DAY, "16-17"), Wait)
        assert isinstance(second.take(DAY, "16-17"), Wait)
        assert (first.spent().last_minute, second.spent().last_minute, other.spent().last_minute) == (2, 2, 0)
        ticket = other.take(DAY, "16-17")
        assert isinstance(ticket, Ticket)
        other.finish(ticket, 429, is_answer=False, retry_after_seconds=600)
        assert isinstance(other.take(DAY, "17-18"), Wait)
        taken = first.take(DAY, "17-18")
        assert isinstance(taken, Wait)
        assert taken.seconds < 100, "a Retry-After is that of its provider"


def test_a_provider_that_is_down_is_down_for_its_market(
    german: Settings, finnish: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.pull.puller.MAX_BACKOFF_SECONDS", 0.01)
    now = datetime(2026, 3, 2, 10, 50, tzinfo=UTC)
    with scripted_provider() as provider:
        answering = replace(german, market_data_url=provider.url)
        silent = replace(finnish, market_data_url="http://127.0.0.1:9", reference_price_per_minute=50)
        with pytest.raises(TransientError, match="the market data provider failed"):
            pull_reference_prices.run(silent, now=now)
        pulled = pull_reference_prices.run(answering, now=now)
    # 11:50 in Berlin: open are 12-13 (until 11:55) to 23-24
    assert (pulled["due"], pulled["answered"]) == (12, 12)
    load_reference_prices.run(answering)
    assert database.rows("SELECT DISTINCT market FROM raw.reference_prices") == [("DE",)]
    assert database.rows("SELECT market, code FROM ops.troubles WHERE code = 'provider_down'") == [
        ("FI", "provider_down")
    ]
    assert {row[0] for row in database.rows("SELECT provider FROM ops.provider_requests")} == {
        "provider",
        "nordic",
    }


def test_an_exchange_that_is_down_alarms_its_market(
    german: Settings, finnish: Settings, database: Database
) -> None:
    now = datetime.now(UTC)
    for settings in (german, finnish):
        database.ran(5, 10, market=settings.market.market, dag_id=f"hourly_pnl{settings.dag_suffix}")
    land(
        german,
        event_line(now - timedelta(seconds=1), "heartbeat", connected=True),
        at=now - timedelta(seconds=1),
    )
    assert alarms(german) == set()
    assert alarms(finnish) == {"capture_silent"}
    assert alarms(german) == set(), "what is on in one market is not cleared by the other"
    assert database.rows("SELECT market, alarm FROM ops.alarms WHERE cleared_at IS NULL") == [
        ("FI", "capture_silent")
    ]
    # the DAGs of Finland are paused for two hours: only they are late
    database.rows("UPDATE ops.task_runs SET window_end_at = %s WHERE market = 'FI' RETURNING 1", (ago(120),))
    database.rows("UPDATE ops.task_runs SET started_at = %s RETURNING 1", (ago(180),))
    late = database.rows("SELECT market FROM ops.freshness WHERE thing = 'hourly_pnl' AND is_late")
    assert late == [("FI",)]


def alarms(settings: Settings) -> set[str]:
    found, _ = check_freshness.check(settings)
    return {alarm.alarm for alarm in found} - {"reference_prices_late"}


@pytest.mark.parametrize(
    "lock",
    [
        lambda cur: lock_pnl_days(cur, "FI", [DAY]),
        lambda cur: lock_decision(cur, "FI"),
        lambda cur: lock_validation(cur, "FI", "trades"),
    ],
)
def test_work_of_one_market_never_waits_for_the_other(
    german: Settings, finnish: Settings, database: Database, lock: Callable[[Any], None]
) -> None:
    land_germany(german)
    with connect(german.warehouse_url, "finnish job") as conn, conn.cursor() as cur:
        lock(cur)
        database.rows("ALTER ROLE CURRENT_USER SET lock_timeout = '5s'")
        try:
            process(german)
        finally:
            database.rows("ALTER ROLE CURRENT_USER RESET lock_timeout")
    assert database.value("SELECT count(*) FROM curated.pnl_hourly WHERE market = 'DE'") == 1


def test_a_market_that_is_not_configured_any_more_keeps_its_numbers(
    german: Settings, finnish: Settings, database: Database
) -> None:
    land_finland(finnish)
    process(finnish)
    before = content(database, "FI")
    migrate(german.warehouse_url, [german.market])
    assert database.rows("SELECT market, position FROM ops.markets ORDER BY 1") == [("DE", 1), ("FI", None)]
    assert content(database, "FI") == before
    assert database.rows("SELECT DISTINCT market FROM ops.freshness") == [("DE",)]
    migrate(german.warehouse_url, [german.market, AUSTRIA, FINLAND])
    assert database.rows("SELECT market, position FROM ops.markets ORDER BY 2") == [
        ("DE", 1),
        ("AT", 2),
        ("FI", 3),
    ]
