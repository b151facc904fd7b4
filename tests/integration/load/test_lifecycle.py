"""Any messages, in any files, loaded and reloaded in any order: SQL counts what the specification counts.

LIFECYCLES says how many: `LIFECYCLES=1000 pytest …` takes half an hour.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.domain.lifecycle import Outcome, Received, outcome
from include.domain.pnl import Fill, compute_pnl
from include.domain.trade import Cancellation, Trade, parse_message
from include.expectations import acceptance
from include.jobs import build_pnl
from include.landing import TRADES, list_files, message_line
from include.load import audit
from include.load.loader import load_file, reload_files
from include.load.trades import TradeSink
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, cancellation, deal, event, write_landing_file
from tests.passes import accept_loaded, forget_everything
from tools.fingerprint import fingerprint

EXAMPLES = int(os.environ.get("LIFECYCLES", "10"))

Sent = tuple[int, int, str]
"""File, second of receipt, message."""

_ORIGIN = ("received_at", "landing_file_id", "line_number", "load_batch_id", "cancelled_at")
"""Which of several equal copies is stored may depend on the order."""

MILLISECONDS = 1_764_230_400_000
"""A revision of an exchange that counts them by the clock."""

_confirmations = st.builds(
    lambda trade, direction, price, revision, state, label: deal(
        id=trade, direction=direction, price=price, delivery_hour=label, **revision, **state
    ),
    st.sampled_from("xyz"),
    st.sampled_from(["buy", "sell"]),
    st.sampled_from([1, 1, 2, 99_999]),
    st.sampled_from([{}, {}, {"revision": 1}, {"revision": MILLISECONDS}]),
    st.sampled_from([{}, {}, {"state": "DISPUTED"}, {"state": "CANCELLED"}]),
    st.sampled_from(["15-16", "15-16", "15:15-15:30", "14-17"]),
)
_cancellations = st.builds(
    lambda trade, direction, revision: cancellation(id=trade, **direction, **revision),
    st.sampled_from("xyzw"),
    st.sampled_from([{}, {"direction": "buy"}, {"direction": "sell"}]),
    st.sampled_from([{}, {}, {"revision": 0}, {"revision": 1}, {"revision": MILLISECONDS}]),
)
_sent = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4), st.one_of(_confirmations, _confirmations, _cancellations)),
    max_size=14,
)
_reloaded = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)


@pytest.fixture
def load(settings: Settings) -> Iterator[Callable[[list[int], bool], None]]:
    """Loads files, or loads them again together, and accepts their batches as a validation would."""
    with closing(psycopg2.connect(settings.warehouse_url)) as conn:
        with conn, conn.cursor() as cur:
            cur.execute(acceptance.QUERIES["unsound_rows"])

        def load(numbers: list[int], is_reload: bool) -> None:
            listed = list_files(settings.landing_root, TRADES)
            files, sink = [listed[number] for number in numbers], TradeSink(MARKET)
            if is_reload:
                reload_files(conn, files, sink)
            else:
                for file in files:
                    load_file(conn, file, sink)
            with conn, conn.cursor() as cur:
                accept_loaded(cur, settings)

        yield load


def m(**changes: Any) -> str:
    return deal(id="x", **changes)


@seed(20260302)
@hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_sent, st.permutations(range(3)), st.lists(_reloaded, max_size=3))
# a cancellation comes first; an amendment after it brings the trade back, one before it does not
@example([(0, 0, cancellation(id="x")), (1, 1, m()), (2, 2, m(revision=1))], [2, 1, 0], [])
@example([(0, 3, cancellation(id="x")), (1, 1, m()), (2, 2, m(revision=1))], [2, 1, 0], [[1]])
# both come again, at a second instance; without the last copy the amendment is taken back
@example(
    [(0, 0, cancellation(id="x")), (0, 1, m(revision=1)), (1, 2, cancellation(id="x")), (1, 3, m(revision=1))],
    [1, 0, 2],
    [[0], [1]],
)
@example([(0, 0, cancellation(id="x")), (0, 1, m(revision=1)), (1, 2, cancellation(id="x"))], [1, 0, 2], [])
# a copy of the amendment alone brings nothing back
@example(
    [(0, 0, cancellation(id="x")), (0, 1, m(revision=1)), (0, 2, cancellation(id="x")), (1, 3, m(revision=1))],
    [1, 0, 2],
    [[1]],
)
# the copy that shows that the amendment was received first is not the stored one
@example([(0, 4, m(revision=1)), (1, 1, m(revision=1)), (2, 2, cancellation(id="x"))], [0, 1, 2], [[0]])
# of three copies the equal one proves which content came first
@example([(2, 3, m(price=1)), (0, 1, m(price=1)), (1, 2, m(price=2))], [2, 0, 1], [[0], [2], [1]])
@example([(2, 3, m(price=1)), (0, 1, m(price=1)), (1, 2, m(price=2))], [2, 0, 1], [[1, 2], [2, 1, 0]])
# an amendment in quarantine does not replace
@example([(0, 0, m(price=1)), (0, 1, m(price=99_999, revision=1))], [0, 1, 2], [[0]])
# a copy with other content says that the trade is disputed
@example([(0, 1, m(price=1)), (1, 2, m(price=2, state="DISPUTED")), (2, 0, m(price=2))], [0, 1, 2], [])
@pytest.mark.timeout(600 + 20 * EXAMPLES)
def test_sql_counts_what_the_specification_counts(
    settings: Settings,
    database: Database,
    load: Callable[[list[int], bool], None],
    sent: list[Sent],
    order: list[int],
    reloads: list[list[int]],
) -> None:
    seen = []
    for loads in (
        [([n], False) for n in range(3)],
        [*(([n], False) for n in order), *((numbers, True) for numbers in reloads)],
    ):
        forget_everything(settings, database)
        write(settings, sent)
        for numbers, is_reload in loads:
            load(numbers, is_reload)
            build_pnl.run(settings)
        assert not [problem for file in audit.run(settings) for problem in file.problems]
        seen.append(fingerprint(database, without=_ORIGIN))
        assert_counts(database, outcome(received(sent), lambda trade: abs(trade.price_eur_per_mwh) < 10_000))
    assert seen[0] == seen[1]


def assert_counts(database: Database, expected: Outcome) -> None:
    """The warehouse has this outcome, and PnL of it."""
    identity = "trade_id, direction, revision, price_eur_per_mwh, delivery_hour"
    assert set(database.rows(f"SELECT {identity}, is_disputed FROM curated.trades")) == {
        (*row_of(trade), trade.is_disputed) for trade in expected.counting.values()
    }
    assert set(database.rows(f"SELECT {identity} FROM curated.cancelled_trades")) == {
        row_of(trade) for trade in expected.cancelled.values()
    }
    assert set(database.rows(f"SELECT {identity} FROM ops.quarantined_trades")) == {
        row_of(trade) for trade in expected.quarantined
    }
    assert set(database.rows("SELECT trade_id, direction, revision FROM ops.orphan_cancellations")) == {
        (c.trade_id, c.direction, c.revision) for c in expected.orphans
    }
    fills: dict[str, list[Fill]] = {}
    for trade in expected.counting.values():
        for hour, fill in trade.fills().items():
            fills.setdefault(hour, []).append(fill)
    pnl = {hour: compute_pnl(of_hour, None) for hour, of_hour in fills.items()}
    assert {
        row[0]: row[1:]
        for row in database.rows(
            "SELECT delivery_hour, trade_count, buy_mwh, sell_mwh, cash_flow_eur FROM curated.pnl_hourly"
        )
    } == {hour: (p.trade_count, p.buy_mwh, p.sell_mwh, p.cash_flow_eur) for hour, p in pnl.items()}
    quarters = database.rows(
        "SELECT delivery_hour, sum(buy_mwh), sum(sell_mwh), sum(cash_flow_eur) FROM curated.pnl_quarter_hourly"
        " GROUP BY delivery_hour"
    )
    assert {row[0]: row[1:] for row in quarters} == {
        hour: (p.buy_mwh, p.sell_mwh, p.cash_flow_eur) for hour, p in pnl.items()
    }
    assert database.value("SELECT coalesce(sum(trade_count), 0) FROM curated.pnl_daily") == len(
        expected.counting
    )


def row_of(trade: Trade) -> tuple[str, str, int, Decimal, str]:
    return (
        trade.trade_id,
        trade.direction,
        trade.revision,
        trade.price_eur_per_mwh,
        trade.period.delivery_hour,
    )


def received(sent: list[Sent]) -> list[Received]:
    """The messages with their places in the landing files."""
    found = []
    for number in range(3):
        lines = [(at, text) for file, at, text in sent if file == number]
        for line, (at, text) in enumerate(lines, start=2):
            message = parse_message(text, MARKET)
            assert isinstance(message, Trade | Cancellation)
            found.append(Received(message, RECEIVED_AT + timedelta(seconds=at), (str(number), line)))
    return found


def write(settings: Settings, sent: list[Sent]) -> None:
    """Three landing files."""
    for number in range(3):
        content = b"".join(
            message_line(RECEIVED_AT + timedelta(seconds=at), text.encode())
            for file, at, text in sent
            if file == number
        )
        write_landing_file(settings.landing_root, event(0, "connected") + content, name=str(number))
