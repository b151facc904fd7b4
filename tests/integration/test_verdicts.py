"""The verdict is on a message: the same whatever it is loaded with, and it holds back nothing else."""

import json
import random
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.errors import TerminalError
from include.expectations.review import Selection, decide
from include.jobs import build_pnl, load_trades, rebuild_steps, report_findings, validate_trades
from include.landing import TRADES, list_files
from include.load import audit
from include.load.loader import reload_files
from include.load.trades import TradeSink
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, deal, event, landed, write_landing_file
from tests.passes import forget_everything, take_in

HOUR = timedelta(hours=1)
FIRST = RECEIVED_AT.replace(minute=0)

QUARANTINE = (
    "SELECT trade_id, direction, revision, price_eur_per_mwh, quantity_mw, delivery_hour, expectation, review"
    " FROM ops.quarantined_trades ORDER BY trade_id, direction, revision"
)
REJECTS = (
    "SELECT landing_file, line_number, reason_code, detail, raw, received_at, delivery_day, delivery_hours,"
    " review FROM ops.rejected_messages AS m JOIN ops.landing_files USING (landing_file_id) ORDER BY 1, 2"
)
PNL = (
    "SELECT delivery_hour, trader_id, trade_count, buy_mwh, sell_mwh, cash_flow_eur, has_unreviewed_messages"
    " FROM curated.pnl_hourly ORDER BY 1, 2"
)


pytestmark = pytest.mark.usefixtures("without_check")


def state(database: Database) -> dict[str, list[Any]]:
    """What became of all messages, and PnL."""
    operational = "SELECT kind, message_count FROM ops.operational_messages ORDER BY 1"
    queries = {"quarantine": QUARANTINE, "rejects": REJECTS, "pnl": PNL, "operational": operational}
    return {name: database.rows(query) for name, query in queries.items()}


def grow(
    settings: Settings, database: Database, content: bytes, name: str = "a", hour: datetime = FIRST
) -> None:
    """Appends to a landing file, as its writer would who is still there."""
    write_landing_file(settings.landing_root, content, name, hour)
    database.rows("UPDATE ops.landing_files SET is_complete = false")


def reload(settings: Settings, number: int) -> None:
    """Loads one of the files again from its first line."""
    with closing(psycopg2.connect(settings.warehouse_url)) as conn:
        reload_files(conn, [list_files(settings.landing_root, TRADES)[number]], TradeSink(MARKET))
    validate_trades.run(settings)
    build_pnl.run(settings)


Message = Callable[[int], str]
"""A message with the number of its trade."""

GOOD: list[Message] = [
    lambda n: deal(id=f"t{n}"),
    lambda n: deal(id=f"t{n}", direction="buy", price=-3.5, delivery_hour="14:00-15:00", trader_id="b"),
    lambda n: deal(id=f"t{n}", delivery_hour="15:15-15:30", quantity=0.4),
    lambda n: deal(id=f"t{n}", delivery_hour="14-17", key="trade_confirmation"),
]
BAD: list[Message] = [
    lambda n: deal(id=f"t{n}", price=10_000),
    lambda n: deal(id=f"t{n}", price=-10_000, quantity=0, delivery_hour="14-17"),
    lambda n: deal(id=f"t{n}", quantity=-1, delivery_hour="15:15-15:30"),
]
REJECTED: list[Message] = [
    lambda _: "no json",
    lambda _: '{"deal": 1}',
    lambda n: deal(id=f"t{n}", currency="GBP"),
    lambda n: deal(id=f"t{n}", delivery_hour="14"),
]
OPERATIONAL: list[Message] = [lambda _: '{"type": "heartbeat"}', lambda _: '{"ts": 1}']

messages = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([*GOOD, *BAD, *REJECTED, *OPERATIONAL]), st.integers(0, 99)),
    min_size=1,
    max_size=9,
    # the same trade may come twice with the same content only: conflicts have tests of their own
    unique_by=lambda message: message[2],
)


@seed(20260302)
@hypothesis_settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # an example takes seconds: it is not made smaller
)
@given(messages, st.lists(st.integers(1, 3), max_size=4))
def test_a_message_has_the_same_verdict_whatever_it_is_loaded_with(
    settings: Settings, database: Database, sent: list[tuple[int, Message, int]], portions: list[int]
) -> None:
    """Loaded at once, in portions, hour by hour backwards, and again: equal quarantine, rejects and PnL.

    Each trade is captured twice, by an instance `a` that is a moment ahead of `b`.
    """
    lines = [
        (hour, landed([make(number)] * 2, FIRST + hour * HOUR + timedelta(seconds=second)))
        for second, (hour, make, number) in enumerate(sent)
    ]

    def land(part: Sequence[tuple[int, bytes]]) -> None:
        for hour, pair in part:
            for name, line in zip("ab", pair.splitlines(keepends=True), strict=True):
                grow(settings, database, line, name, FIRST + hour * HOUR)

    forget_everything(settings, database)
    land(lines)
    take_in(settings)
    at_once = state(database)
    judged = sum(len(at_once[name]) for name in ("quarantine", "rejects"))
    assert judged == len({n for _, make, n in sent if make in BAD}) + 2 * sum(m in REJECTED for _, m, _ in sent)
    for hour in (0, 1):
        reload(settings, hour)
    assert state(database) == at_once, "loaded again"

    forget_everything(settings, database)
    rest = list(lines)
    for size in [*portions, len(rest)]:
        land(rest[:size])
        rest = rest[size:]
        take_in(settings)
    assert state(database) == at_once, "loaded in portions"

    forget_everything(settings, database)
    land(lines)
    for hour in (1, 0):
        take_in(settings, Window(FIRST + hour * HOUR, FIRST + (hour + 1) * HOUR))
    assert state(database) == at_once, "backfilled"
    assert not [problem for file in audit.run(settings) for problem in file.problems]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("action", ["accept", "discard"])
@pytest.mark.parametrize("other_price", [20, 88_888])
def test_a_decision_survives_a_reload_in_which_another_copy_comes_first(
    settings: Settings,
    database: Database,
    names: tuple[str, str],
    action: Literal["accept", "discard"],
    other_price: float,
) -> None:
    """An id with two contents: the copy that was received first breaks a bound, and a person has decided."""
    for name, price, seconds in zip(names, (12_345, other_price), (0, 1), strict=True):
        content = landed([deal(id="x", price=price)], FIRST + timedelta(seconds=seconds))
        write_landing_file(settings.landing_root, content, name, FIRST)
    take_in(settings)
    decide(settings, action, "seen", Selection(trade_id="x"))
    decide(settings, "discard", "seen", Selection(reason_code="conflicting_duplicate"))
    build_pnl.run(settings)
    decided = state(database)
    assert [row[-1] for row in decided["quarantine"]] == [action]
    assert [row[-1] for row in decided["rejects"]] == ["discard"]
    assert len(decided["pnl"]) == (action == "accept")
    days = DeliveryDays(date(2026, 3, 2), date(2026, 3, 2))
    rebuild_steps.run(settings, Rebuild("again", days, reload=True))
    assert state(database) == decided
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def test_line_by_line_is_as_all_at_once(settings: Settings, database: Database) -> None:
    sent = [make(number) for number, make in enumerate([*BAD, *REJECTED, *OPERATIONAL, *GOOD])]
    lines = landed([*sent, *sent]).splitlines(keepends=True)
    write_landing_file(settings.landing_root, b"".join(lines))
    take_in(settings)
    at_once = state(database)
    forget_everything(settings, database)
    for line in lines[: len(sent)]:
        grow(settings, database, line)
        take_in(settings)
    grow(settings, database, b"".join(lines[len(sent) :]))  # copies
    take_in(settings)
    assert state(database) == at_once
    assert len(at_once["quarantine"]) == len(BAD)
    assert len(at_once["rejects"]) == 2 * len(REJECTED)


def test_decisions_survive_reloads_and_rebuilds(settings: Settings, database: Database) -> None:
    sent = [deal(id="g"), *(deal(id=name, price=10_000) for name in ("yes", "no", "open"))]
    sent += ["no json", deal(id="c", currency="GBP")]
    write_landing_file(settings.landing_root, event(-1, "connected") + landed(sent))
    take_in(settings)
    decide(settings, "accept", "right", Selection(trade_id="yes"))
    decide(settings, "discard", "wrong", Selection(trade_id="no"))
    decide(settings, "discard", "seen", Selection(reason_code="invalid_json"))
    build_pnl.run(settings)
    decided = state(database)
    # 1.2 MW at 20.64 and at 10,000; the open trade and the foreign currency wait
    assert [row[2:] for row in decided["pnl"]] == [
        (2, Decimal(0), Decimal("2.4"), Decimal("12024.768"), True),
    ]
    reviews = "SELECT review, review_reason, reviewed_at FROM ops.{} ORDER BY 1, 2"
    tables = ("quarantined_trades", "rejected_messages")
    before = [database.rows(reviews.format(table)) for table in tables]
    for _ in range(2):
        reload(settings, 0)
    assert state(database) == decided
    day = DeliveryDays(date(2026, 3, 2), date(2026, 3, 2))
    assert rebuild_steps.run(settings, Rebuild("r", day, reload=True))["rebuild_pnl"]["rows_changed"] == 0
    assert state(database) == decided
    assert [database.rows(reviews.format(table)) for table in tables] == before
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def test_a_decision_is_about_what_the_trade_says(settings: Settings, database: Database) -> None:
    """Another content of the trade, received earlier and loaded later, is judged by itself."""
    write_landing_file(settings.landing_root, landed([deal(id="x", price=10_000)], RECEIVED_AT + HOUR), "late")
    take_in(settings)
    decide(settings, "accept", "right", Selection(trade_id="x"))
    write_landing_file(settings.landing_root, landed([deal(id="x", price=-10_000)]), "early")
    take_in(settings)
    assert database.rows("SELECT price_eur_per_mwh, review FROM ops.quarantined_trades") == [(-10_000, None)]
    assert database.rows("SELECT trade_id FROM curated.trades") == []


def test_of_a_hundred_messages_the_bad_ones_hold_back_only_themselves(
    settings: Settings, database: Database
) -> None:
    """30 % operational, 10 % unreadable, 5 % out of bounds: everything else is in PnL; review; complete."""
    sent = [deal(id=f"g{n}", delivery_hour=("15-16", "16-17")[n % 2], quantity=0.5) for n in range(55)]
    sent += [deal(id=f"bad{n}", price=10_000, delivery_hour="16-17") for n in range(5)]
    sent += [json.dumps({"type": "heartbeat", "sequence": n}) for n in range(30)]
    sent += ["garbage"] * 10
    random.Random(20260302).shuffle(sent)
    write_landing_file(settings.landing_root, landed(sent))
    load_trades.run(settings)
    # never disconnected while these hours were traded
    file_id = database.value("SELECT landing_file_id FROM ops.landing_files")
    database.connected(file_id, (FIRST - 24 * HOUR, FIRST + 12 * HOUR))
    take_in(settings)

    def pnl() -> list[Any]:
        return database.rows(
            "SELECT delivery_hour, trade_count, sell_mwh, has_unreviewed_messages, is_complete"
            " FROM curated.pnl_hourly ORDER BY 1"
        )

    def reasons() -> list[Any]:
        return database.rows(
            "SELECT delivery_hour, reason, detail FROM ops.incomplete_periods WHERE reason <> 'price_missing'"
            " ORDER BY 1, 2"
        )

    assert pnl() == [
        ("15-16", 28, Decimal("14.0"), True, False),
        ("16-17", 27, Decimal("13.5"), True, False),
    ]
    rejected = "10 rejected messages are not reviewed: invalid_json; make review"
    quarantined = (
        "5 trades are in quarantine: each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh;"
        " make review"
    )
    assert reasons() == [
        ("15-16", "messages_rejected", rejected),
        ("16-17", "messages_rejected", rejected),
        ("16-17", "trades_quarantined", quarantined),
    ]
    assert database.rows("SELECT kind, message_count FROM ops.operational_messages") == [("heartbeat", 30)]
    window = Window(FIRST, FIRST + HOUR)
    with pytest.raises(TerminalError, match=r"5 trades in quarantine .* and 10 rejects of 70 messages"):
        report_findings.run(settings, window)

    decide(settings, "accept", "the exchange confirmed it", Selection(trade_id="bad3"))
    decide(settings, "discard", "a test of the exchange", Selection(landing_file="trades/date=2026-03-02/"))
    build_pnl.run(settings)
    assert pnl() == [
        ("15-16", 28, Decimal("14.0"), False, True),
        ("16-17", 28, Decimal("14.7"), False, True),
    ]
    assert reasons() == []
    report_findings.run(settings, window)
