"""What real exchanges send, message by message: row or reject, and PnL, however it was loaded."""

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.jobs import rebuild_steps
from include.landing import message_line
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, cancellation, deal, event, write_landing_file
from tests.passes import take_in
from tools.fingerprint import fingerprint

_DAY = date(2026, 3, 2)
_HOUR = timedelta(hours=1)
_RECEIPT_HOUR = RECEIVED_AT.replace(minute=0)
_GAPS = ("capture_gap_seconds", "is_complete")


def m(trade: str, **changes: Any) -> str:
    """A sell of 1 MW at 10 EUR/MWh in 15-16 by a trader of that name."""
    return deal(**{"id": trade, "trader_id": trade, "price": 10, "quantity": 1} | changes)


Outcome = dict[str, tuple[str, str]] | str | None
"""Hour to MWh sold and bought, a reason of rejects, or None for what counts nowhere."""

HOUR = {"15-16": ("1", "0")}

INPUTS: dict[str, tuple[list[str], Outcome]] = {
    "plain": ([m("plain")], HOUR),
    "a copy": ([m("copy"), m("copy")], HOUR),
    "recalled": ([m("recalled"), cancellation("deal_recall", id="recalled")], None),
    "recalled before it came": ([cancellation("trade_cancellation", id="early"), m("early")], None),
    "recalled by its state": ([m("state"), m("state", Status="busted")], None),
    "restated": ([m("restated"), cancellation(id="restated"), m("restated", revision=1)], HOUR),
    "amended": ([m("amended", quantity=5), m("amended", revision_no=1)], HOUR),
    "disputed": ([m("disputed", trade_state="RECALL_REQUESTED")], HOUR),
    "self trade": ([m("self"), m("self", direction="buy")], {"15-16": ("1", "1")}),
    "one leg of it recalled": (
        [m("leg"), m("leg", direction="B"), cancellation(id="leg", direction="buy")],
        HOUR,
    ),
    "half hour": ([m("half", delivery_hour="15:30-16:00")], {"15-16": ("0.5", "0")}),
    "quarter": ([m("quarter", delivery_hour="15:45 - 16:00")], {"15-16": ("0.25", "0")}),
    "last quarter": ([m("last", delivery_hour="23:45-00:00")], {"23-24": ("0.25", "0")}),
    "block": ([m("block", delivery_hour="14-17")], dict.fromkeys(("14-15", "15-16", "16-17"), ("1", "0"))),
    "9-10": ([m("9-10", delivery_hour="9-10")], {"09-10": ("1", "0")}),
    "23-00": ([m("23-00", delivery_hour="23-00")], {"23-24": ("1", "0")}),
    "15 - 16": ([m("15 - 16", delivery_hour="15 - 16")], HOUR),
    "H16": ([m("H16", delivery_hour="H16")], HOUR),
    "two ways to write an hour net": (
        [m("net"), m("net", id="net2", delivery_hour="15:00-16:00", direction="buy")],
        {"15-16": ("1", "1")},
    ),
    "seven digits of a second": ([m("digits", execution_time="2026-03-02T10:13:43.1234567Z")], HOUR),
    "an unreadable time": ([m("time", execution_time="yesterday")], HOUR),
    "numbers as strings": ([m("strings", price="10.00", quantity="1")], HOUR),
    "a number as an id": ([m("number", id=4711)], HOUR),
    "MWh": (
        [m("MWh", quantity=0.25, quantity_unit="MWh", delivery_hour="15:00-15:15")],
        {"15-16": ("0.25", "0")},
    ),
    "a field that nobody knows": ([m("field", venue="X")], HOUR),
    "a byte order mark": (["\ufeff" + m("mark")], HOUR),
    "a bare number": ([m("bare", delivery_hour="14")], "invalid_delivery_hour"),
    "a name": ([m("name", delivery_hour="Base")], "invalid_delivery_hour"),
    "pounds": ([m("pounds", currency="GBP")], "foreign_currency"),
    "cents": ([m("cents", price_unit="ct/kWh")], "unknown_unit"),
    "a state that nobody knows": ([m("unknown", state="PENDING")], "unknown_state"),
    "other content": ([m("other"), m("other", price=11)], "conflicting_duplicate"),
    "no JSON": (["hello"], "invalid_json"),
    "out of bounds": ([m("bounds", price=99_999)], None),
    "heartbeats": (['{"type": "heartbeat"}'] * 30 + ['{"ping": 1}'], None),
}


@pytest.fixture
def written(settings: Settings) -> Settings:
    """All inputs in one landing file of an hour of receipt."""
    content = event(0, "connected")
    for second, text in enumerate(text for texts, _ in INPUTS.values() for text in texts):
        content += message_line(RECEIVED_AT + timedelta(seconds=second), text.encode())
    write_landing_file(settings.landing_root, content)
    return settings


def test_every_input(written: Settings, database: Database) -> None:
    take_in(written)
    sold = {
        (trader, hour): (sell_mwh, buy_mwh)
        for trader, hour, sell_mwh, buy_mwh in database.rows(
            "SELECT trader_id, delivery_hour, sell_mwh, buy_mwh FROM curated.pnl_hourly"
        )
    }
    expected: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    reasons: list[str] = []
    for texts, result in INPUTS.values():
        if isinstance(result, dict):
            trader = (
                next(text for text in texts if "trader_id" in text).split('"trader_id": "')[1].split('"')[0]
            )
            expected |= {(trader, hour): (Decimal(s), Decimal(b)) for hour, (s, b) in result.items()}
        elif isinstance(result, str):
            reasons.append(result)
    # the first of two contents counts
    expected["other", "15-16"] = (Decimal(1), Decimal(0))
    assert sold == expected
    assert sorted(database.rows("SELECT reason_code FROM ops.rejected_messages")) == sorted(
        (r,) for r in reasons
    )
    assert database.rows("SELECT trade_id FROM ops.quarantined_trades") == [("bounds",)]
    assert database.rows("SELECT kind, message_count FROM ops.operational_messages") == [("heartbeat", 31)]
    assert database.rows("SELECT name FROM ops.unknown_fields") == [("venue",)]
    assert database.rows("SELECT trade_id FROM curated.trades WHERE is_disputed") == [("disputed",)]
    assert set(database.rows("SELECT trade_id FROM curated.cancelled_trades")) == {
        ("recalled",), ("early",), ("state",), ("leg",),
    }  # fmt: skip
    assert database.rows("SELECT trade_id FROM raw.trades WHERE executed_at IS NULL") == [("time",)]
    assert not [problem for file in audit.run(written) for problem in file.problems]


def test_live_backfilled_and_reloaded_are_equal(
    written: Settings, database: Database, second_warehouse_url: str
) -> None:
    """Live: what has come so far, again and again; the other warehouse loads the whole hour at once."""
    whole = written.landing_root / "trades"
    (path,) = whole.glob("*/*/*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    for first in range(0, len(lines), 20):
        write_landing_file(written.landing_root, b"".join(lines[first : first + 20]), f"a{first:03}")
        take_in(written)
    live = fingerprint(database, without=_GAPS)
    rebuild_steps.run(written, Rebuild("r", DeliveryDays(_DAY, _DAY), reload=True))
    assert fingerprint(database, without=_GAPS) == live
    backfilled = replace(written, warehouse_url=second_warehouse_url)
    take_in(backfilled, Window(_RECEIPT_HOUR, _RECEIPT_HOUR + _HOUR))
    with closing(Database(second_warehouse_url)) as other:
        assert fingerprint(other, without=_GAPS) == live
