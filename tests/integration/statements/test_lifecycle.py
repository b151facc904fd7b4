"""Any messages and statements, loaded in any order: SQL counts what the specification counts.

RECONCILIATIONS says how many: `RECONCILIATIONS=1000 pytest …` takes half an hour.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.domain.reconciliation import Finding, Reconciled, Statement, reconcile
from include.domain.statement import StatementParser
from include.domain.trade import Trade
from include.expectations import acceptance
from include.jobs import build_pnl, rebuild_steps, reconcile_trades
from include.jobs.import_statements import reconcile_landed
from include.landing import STATEMENTS, TRADES, list_files
from include.load import audit
from include.load.loader import QUERIES, load_file, reload_files
from include.load.statement_files import BY_DELIVERY_DAY
from include.load.statements import load_statement
from include.load.trades import TradeSink
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.integration.load.test_lifecycle import (
    _ORIGIN,
    Sent,
    _cancellations,
    _confirmations,
    received,
    write,
)
from tests.messages import DEAL, RECEIVED_AT, cancellation, deal, event, write_landing_file
from tests.passes import accept_loaded, forget_everything, take_in
from tests.statements import DAY, HEADER, line, text
from tools.fingerprint import fingerprint

EXAMPLES = int(os.environ.get("RECONCILIATIONS", "10"))

_lines = st.lists(
    st.builds(
        lambda trade, direction, price, hour, trader: line(
            id=trade, direction=direction, price=price, delivery_hour=hour, trader_id=trader
        ),
        st.sampled_from("xyzv"),
        st.sampled_from(["buy", "sell"]),
        st.sampled_from([1, 1, 2, 99_999]),
        st.sampled_from(["15", "15-16", "15:15-15:30"]),
        st.sampled_from(["flex_trader_4", "", "other"]),
    ),
    max_size=6,
    unique_by=lambda row: (row.split(",")[0], row.split(",")[3]),
)
_EXECUTED, _DELIVERED = DEAL["execution_time"], f'"{DAY}"'
_trades = st.builds(
    lambda message, executed, delivered: message.replace(_EXECUTED, executed).replace(_DELIVERED, delivered),
    _confirmations,
    st.sampled_from([_EXECUTED, _EXECUTED, "2026-03-01T20:00:00Z", "?"]),
    st.sampled_from([_DELIVERED, _DELIVERED, '"2026-03-03"', '"2026-03-12"', '"2026-02-27"']),
)
_MIDNIGHT = round((MARKET.span_of(DAY)[1] - RECEIVED_AT).total_seconds())
_sent = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.integers(0, 4), st.integers(_MIDNIGHT - 1, _MIDNIGHT + 1)),
        st.one_of(_trades, _trades, _cancellations),
    ),
    max_size=10,
)


pytestmark = pytest.mark.usefixtures("without_check")


Loads = tuple[Callable[[int, bool], None], Callable[[bool], None]]


@pytest.fixture
def loads(settings: Settings) -> Iterator[Loads]:
    """Loads a file of messages, or the statements, or loads them again; validates what is loaded."""
    with closing(psycopg2.connect(settings.warehouse_url, options="-c TimeZone=UTC")) as conn:
        with conn, conn.cursor() as cur:
            cur.execute(acceptance.QUERIES["unsound_rows"])

        def validate() -> None:
            is_waiting = True
            while is_waiting:
                with conn, conn.cursor() as cur:
                    is_waiting = accept_loaded(cur, settings)

        def messages(number: int, is_reload: bool) -> None:
            file = list_files(settings.landing_root, TRADES)[number]
            sink = TradeSink(MARKET)
            reload_files(conn, [file], sink) if is_reload else load_file(conn, file, sink)
            with conn, conn.cursor() as cur:  # as each scan of the landing files does
                since = {"market": MARKET.market, "since": RECEIVED_AT - timedelta(days=9)}
                cur.execute(QUERIES["pending_capture_gaps"], since)
            validate()

        def statements(is_reload: bool) -> None:
            for file in list_files(settings.landing_root, STATEMENTS):
                load_statement(conn, file, MARKET, is_reload=is_reload)
            reconcile_trades.run(settings, [DAY])
            validate()

        yield messages, statements


def m(**changes: Any) -> str:
    return deal(id="x", **changes)


def land(root: Path, lines: list[str], second: float, is_by_delivery_day: bool) -> None:
    """The statement of the day, landed so long after RECEIVED_AT."""
    landed_at = RECEIVED_AT + timedelta(seconds=second)
    folder = root / STATEMENTS / f"date={DAY}"
    folder.mkdir(parents=True, exist_ok=True)
    kind = BY_DELIVERY_DAY if is_by_delivery_day else ".csv"
    (folder / f"{landed_at:%Y%m%dT%H%M%S%fZ}-0{kind}").write_text(text(lines))


def statement(lines: list[str], second: float, is_by_delivery_day: bool) -> Statement:
    parser = StatementParser(MARKET, DAY)
    parser.trade(HEADER)
    trades = [parser.trade(row) for row in lines]
    landed_at = RECEIVED_AT + timedelta(seconds=second)
    return Statement(DAY, landed_at, tuple(trade for trade in trades if trade), is_by_delivery_day)


@seed(20260302)
@hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    _sent,
    _lines,
    st.sampled_from([-0.5, 1.5, 9, _MIDNIGHT + 2]),
    st.permutations([0, 1, 2, "s"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.booleans(),
)
# executed on the day before: unexpected only in a file of its delivery day; and the other way round
@example([(0, 0, m(execution_time="2026-03-01T20:00:00Z"))], [], 9, [0, 1, 2, "s"], [], True)
@example([(0, 0, m(execution_time="2026-03-01T20:00:00Z"))], [], 9, ["s", 0, 1, 2], [3], False)
@example([(0, 0, m(delivery_day="2026-03-03"))], [], 9, ["s", 0, 1, 2], [], True)
@example([(0, 0, m(delivery_day="2026-03-03"))], [], 9, [0, 1, 2, "s"], [], False)
# executed on its day, whenever it delivers
@example([(0, 0, m(delivery_day="2026-03-12"))], [], 9, [0, 1, 2, "s"], [], False)
@example([(0, 0, m(delivery_day="2026-02-27"))], [], 9, ["s", 0, 1, 2], [3], False)
# nobody knows when: the copies were received before and after midnight, or both after it
@example(
    [(0, _MIDNIGHT, m(execution_time="?")), (1, _MIDNIGHT - 1, m(execution_time="?"))],
    [],
    _MIDNIGHT,
    [1, 0, 2, "s"],
    [3],
    False,
)
@example(
    [(0, _MIDNIGHT + 1, m(execution_time="?")), (1, _MIDNIGHT, m(execution_time="?"))],
    [],
    _MIDNIGHT,
    [0, "s", 1, 2],
    [],
    False,
)
@example(
    [(0, _MIDNIGHT, m(execution_time="?")), (1, _MIDNIGHT - 1, m(execution_time="?"))],
    [],
    _MIDNIGHT,
    [0, "s", 1, 2],
    [0, 1],
    False,
)
# no trade was captured: the gap of the hour is known only later
@example([], [line(price=1)], -0.5, ["s", 1, 2, 0], [], False)
# captured after the statement was reconciled: nothing is added any more
@example([(0, 0, m(price=1))], [line(price=1)], 9, ["s", 0, 1, 2], [], True)
# not captured; it is taken back by any cancellation
@example([(0, 0, cancellation(id="x"))], [line(price=1)], 9, [0, 1, 2, "s"], [3], False)
# captured as the statement says, or otherwise, and cancelled before the statement was landed, or after
@example([(0, 0, m(price=1)), (1, 1, cancellation(id="x"))], [line(price=1)], 1.5, [1, "s", 0, 2], [3], False)
@example([(0, 0, m(price=1)), (1, 1, cancellation(id="x"))], [line(price=2)], 1.5, ["s", 1, 0, 2], [1], True)
@example([(0, 0, m(price=1)), (1, 2, cancellation(id="x"))], [line(price=1)], 1.5, [1, "s", 0, 2], [], False)
# the statement has the trades under other ids: known with the last of five, and whether anything else is in it
@example(
    [(n % 3, 0, deal(id=f"{n}", price=1)) for n in range(5)],
    [line(id=f"t_{n}", price=1, trader_id="") for n in range(6)],
    9,
    [0, "s", 1, 2],
    [3, 1],
    False,
)
@example(
    [(n % 3, n, deal(id=f"{n}", price=1)) for n in range(6)],
    [*(line(id=f"t_{n}", price=1) for n in range(5)), line(id="5", price=2)],
    2.5,
    ["s", 2, 0, 1],
    [0],
    True,
)
# a reinstatement after the statement was landed
@example(
    [(0, 0, m(price=1)), (1, 1, cancellation(id="x")), (2, 2, m(price=1, revision=1))],
    [line(price=1)],
    1.5,
    [2, "s", 1, 0],
    [],
    False,
)
# an amendment before the statement gives way, one after it does not
@example([(0, 0, m(price=1)), (1, 1, m(price=3, revision=1))], [line(price=2)], 1.5, [1, "s", 0, 2], [0], False)
@example(
    [(0, 0, m(price=1)), (1, 2, m(price=3, revision=1))], [line(price=2)], 1.5, [1, "s", 0, 2], [1, 3], True
)
# an amendment after the day and before the statement, which does not know of it; its first copy is loaded last
@example(
    [(0, 0, m(price=1)), (1, _MIDNIGHT, m(price=3, revision=1))],
    [line(price=1)],
    _MIDNIGHT + 9,
    ["s", 1, 0, 2],
    [0],
    False,
)
@example(
    [(0, 0, m(price=1)), (1, _MIDNIGHT, m(price=3, revision=1)), (2, _MIDNIGHT - 1, m(price=3, revision=1))],
    [line(price=1)],
    _MIDNIGHT + 9,
    [0, 1, "s", 2],
    [1],
    True,
)
# the copy that shows that an amendment came before the statement is loaded last
@example(
    [(0, 4, m(price=3, revision=1)), (1, 1, m(price=3, revision=1))],
    [line(price=2)],
    1.5,
    [0, "s", 1, 2],
    [],
    False,
)
# in quarantine with the same content, and with another
@example([(0, 0, m(price=99_999))], [line(price=99_999)], 9, [0, "s", 1, 2], [], False)
@example([(0, 0, m(price=99_999))], [line(price=9)], 9, ["s", 0, 1, 2], [], False)
@pytest.mark.timeout(600 + 20 * EXAMPLES)
def test_sql_counts_what_the_specification_counts(
    settings: Settings,
    database: Database,
    loads: Loads,
    sent: list[Sent],
    lines: list[str],
    second: float,
    order: list[Any],
    reloads: list[int],
    is_by_delivery_day: bool,
) -> None:
    messages, statements = loads
    expected = reconcile(
        received(sent),
        [statement(lines, second, is_by_delivery_day)],
        MARKET,
        lambda trade: abs(trade.price_eur_per_mwh) < 10_000,
    )
    seen = []
    for steps in (
        [(0, False), (1, False), (2, False), ("s", False)],
        [*((n, False) for n in order), *(("s" if n == 3 else n, True) for n in reloads)],
    ):
        forget_everything(settings, database)
        for file in list_files(settings.landing_root, STATEMENTS):
            file.path.unlink()
        write(settings, sent)
        land(settings.landing_root, lines, second, is_by_delivery_day)
        for step, is_reload in steps:
            if step == "s":
                statements(is_reload)
            else:
                messages(step, is_reload)
            build_pnl.run(settings)
        assert not [problem for file in audit.run(settings) for problem in file.problems]
        assert_reconciled(database, expected)
        seen.append(fingerprint(database, without=_ORIGIN))
    assert seen[0] == seen[1]


def assert_reconciled(database: Database, expected: Reconciled) -> None:
    """The warehouse says the same."""
    content = "trade_id, direction, revision, trader_id, price_eur_per_mwh, delivery_hour"
    for view, trades in (("trades", expected.counting), ("cancelled_trades", expected.cancelled)):
        assert set(database.rows(f"SELECT {content} FROM curated.{view}")) == {
            _row(trade) for trade in trades.values()
        }, view
    assert {
        (trade_id, direction): outcome
        for trade_id, direction, outcome in database.rows(
            "SELECT trade_id, direction, outcome FROM ops.reconciliation_differences"
        )
    } == {key: str(found) for key, found in expected.findings.items() if found is not Finding.MATCHED}
    assert (
        dict(database.rows("SELECT statement_day, alike_count FROM ops.statements WHERE alike_count > 0"))
        == expected.held
    )
    counts = {finding: list(expected.findings.values()).count(finding) for finding in Finding}
    assert database.rows(
        "SELECT matched_count, missing_count, differs_count, cancelled_count, unexpected_count"
        " FROM ops.reconciliations"
    ) == [tuple(counts.values())]
    ((count, mwh),) = database.rows(
        "SELECT coalesce(sum(starting_trade_count), 0), sum(sell_mwh) FROM curated.pnl_hourly"
    )
    assert count == len(expected.counting)
    fills = [trade.fill() for trade in expected.counting.values() if trade.direction == "sell"]
    assert (mwh or 0) == sum(fill.energy_mwh for fill in fills)


def _row(trade: Trade) -> tuple[Any, ...]:
    return (
        trade.trade_id,
        trade.direction,
        trade.revision,
        trade.trader_id,
        trade.price_eur_per_mwh,
        trade.period.delivery_hour,
    )


def test_landing_files_that_are_loaded_after_the_statement(settings: Settings, database: Database) -> None:
    """The gap that they show is reconciled already, and shown as such; a rebuild finds nothing more."""
    land(settings.landing_root, [line(id="a")], 60_000, is_by_delivery_day=True)
    reconcile_landed(settings)
    build_pnl.run(settings)
    connected = event(0, "connected") + event(9, "heartbeat", connected=True)  # nothing is known of before
    write_landing_file(settings.landing_root, connected)
    take_in(settings)
    query = (
        "SELECT delivery_hour, capture_gap_seconds, reconciled_gap_seconds > 0 FROM curated.pnl_versions"
        " WHERE valid_to IS NULL"
    )
    assert database.rows(query) == [("15-16", 0, True)]
    rebuilt = rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY)))
    assert rebuilt["rebuild_pnl"]["rows_changed"] == 0
    assert database.rows(query) == [("15-16", 0, True)]
