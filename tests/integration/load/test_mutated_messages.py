"""Messages with any character of any field changed: SQL has what the executable specification says.

MUTATED_MESSAGES says how many: `MUTATED_MESSAGES=2000000 pytest -o log_cli=true …` takes half an hour.
"""

import json
import logging
import os
import random
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Cancellation, Trade, parse_message
from include.jobs import load_trades
from include.landing import event_line, timestamp
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.messages import DEAL, RECEIVED_AT, deal, event, landed, write_landing_file

log = logging.getLogger(__name__)

MESSAGES = int(os.environ.get("MUTATED_MESSAGES", "30000"))
MESSAGES_PER_FILE = 50_000

CHARACTERS = "0123456789+-.,:;TZtz eE_/\\'\"[]{}<>" + "".join(
    map(chr, [0, 9, 10, 13, 31, 127, 0x85, 0xA0, 0x660, 0x661, 0x2028, 0x202E, 0xFEFF, 0xFF10, 0x1F600])
)
TIMES = [
    "2026-03-02T10:13,43+00:00", "2026-03-02T10:13.43+00:00", "2026-03-02T101343,1Z", "2026-03-02T10131343Z",
    "2026-03-02T10.34361Z", "2026-03-02T101343+00:00000", "2026-03-02 10:13:43+00:00", "2026-03-02T10:13:43.1Z",
    "2026-03-02T10:13:43.123456+01:30", "2026-03-02T10:13:43-0000", "2026-W10-1T10:13:43+00:00",
    "2026-03-02T24:00:00+00:00", "2026-061T10:13:43+00:00", "10000-03-02T10:13:43+0:00", "2026-03-02T10:13:60Z",
]  # fmt: skip
LABELS = [
    "9-10",
    "H16",
    "Hour 3A",
    "08-20",
    "23-00",
    "15 \u2013 16",
    "00-01",
    "02-03",
    "02-03A",
    "03B",
    "15:00-15:15",
    "15:45-16:00",
    "23-24",
    "24-25",
    "1-2",
    "15-17",
]
NUMBERS = [
    "-0.0",
    "1e2",
    "1E-2",
    "999999999.9999999999",
    "1e400",
    "00",
    "+1",
    "1.",
    ".1",
    "1_0",
    "Infinity",
]
DAYS = ["2026-03-29", "2026-10-25", "2026-02-30", "2026-W10-1", "20260302", "2099-12-31", "2100-01-01"]
FIELDS = tuple(DEAL)
ODD: dict[str, list[str]] = {
    "execution_time": TIMES,
    "delivery_hour": LABELS,
    "delivery_day": DAYS,
}


def mutated(random_: random.Random, number: int) -> str:
    """A message of which some characters are changed, mostly within one field."""
    text = deal(random_.choice(["deal_confirmation", "trade_confirmation"]), id=f"t{number:07}")
    field = random_.choice(FIELDS)
    value = json.dumps((DEAL | {"id": f"t{number:07}"})[field])
    start = text.index(value, text.index(f'"{field}"') + len(field) + 2)
    match random_.randrange(8):
        case 0 if field in ODD:
            odd = json.dumps(random_.choice(ODD[field]))
        case 0:
            depth = random_.choice([1, 99, 100, 101, 900, 1_000, 3_000])
            odd = random_.choice([*NUMBERS, "null", "{}", "[" * depth + "1" + "]" * depth])
        case 1:  # anywhere: keys, brackets, another field
            start = random_.randrange(len(text))
            value = text[start : start + random_.randrange(4)]
            odd = changed(random_, value)
        case _:
            odd = value
            for _ in range(random_.choice([1, 1, 1, 2, 3])):
                odd = changed(random_, odd)
    return text[:start] + odd + text[start + len(value) :]


def changed(random_: random.Random, text: str) -> str:
    """The text with one character replaced, put in, taken out, or put in the place of another."""
    at = random_.randrange(len(text) + 1)
    character = random_.choice(CHARACTERS) if random_.random() < 0.8 else chr(random_.randrange(0xD800))
    match random_.randrange(4):
        case 0:
            return text[:at] + character + text[at + 1 :]
        case 1:
            return text[:at] + character + text[at:]
        case 2:
            return text[:at] + text[at + 1 :]
        case _:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


Key = tuple[str, str, int]


def expected(messages: list[str], market: Market) -> tuple[dict[Key, Trade], int, int, dict[int, str]]:
    """By the specification: the trades, the numbers of cancellations and events, the reason of each reject."""
    trades: dict[Key, Trade] = {}
    reasons: dict[int, str] = {}
    cancellations = events = 0
    for line, message in enumerate(messages, start=1):
        try:
            parsed = parse_message(message, market)
        except RejectedMessageError as error:
            reasons[line] = error.reason.value
            continue
        if isinstance(parsed, Trade):
            first = trades.setdefault((parsed.trade_id, parsed.direction, parsed.revision), parsed)
            if first.content != parsed.content:
                reasons[line] = "conflicting_duplicate"
        else:
            cancellations += isinstance(parsed, Cancellation)
            events += not isinstance(parsed, Cancellation)
    return trades, cancellations, events, reasons


@pytest.mark.timeout(max(120, MESSAGES // 1_000))
def test_every_mutated_message_is_what_the_specification_says(settings: Settings, database: Database) -> None:
    market = settings.market
    random_ = random.Random(MESSAGES)
    outcomes: Counter[str] = Counter()
    for first in range(0, MESSAGES, MESSAGES_PER_FILE):
        database.rows(
            "TRUNCATE ops.landing_files, raw.trades, raw.trade_cancellations, staging.trade_copies CASCADE"
        )
        messages = [mutated(random_, n) for n in range(first, min(first + MESSAGES_PER_FILE, MESSAGES))]
        path = write_landing_file(settings.landing_root, landed(messages), str(first))
        assert load_trades.run(settings)["line_count"] == len(messages)
        trades, cancellations, events, reasons = expected(messages, market)
        assert dict(database.rows("SELECT line_number, reason_code FROM ops.rejected_messages")) == reasons
        assert stored(database) == {key: trade.content for key, trade in trades.items()}
        assert database.rows("SELECT count(*) FROM raw.trade_cancellations") == [(cancellations,)]
        assert database.rows("SELECT sum(event_count) FROM ops.landing_files") == [(events,)]
        assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
        outcomes.update(reasons.values())
        outcomes["trade"] += len(trades)
        path.unlink()
    log.info("%d messages: %s", MESSAGES, dict(outcomes.most_common()))
    assert outcomes["trade"] > MESSAGES // 10
    assert len(outcomes) >= 12, "the mutations reach most of the reasons"


def stored(database: Database) -> dict[Key, tuple[Any, ...]]:
    """What SQL says of each trade."""
    rows = database.rows(
        "SELECT trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day,"
        " delivery_hour, executed_at FROM raw.trades JOIN raw.delivery_periods"
        " USING (market, delivery_day, delivery_hour, delivery_start_at, delivery_end_at)"
    )
    return {row[:3]: row[3:] for row in rows}


def test_no_mutated_line_of_a_file_stops_a_load_or_loads_with_another_time(
    settings: Settings, database: Database
) -> None:
    random_ = random.Random(7)
    lines: list[bytes] = []
    while len(lines) < 15_000:
        number = len(lines)
        good = random_.choice(
            [
                landed([deal(id=f"t{number:07}")]),
                event(number / 1_000, "heartbeat", connected=True),
                event_line(RECEIVED_AT, "clock_stepped", seconds=-3.5, files=["trades/a.jsonl"]),
                event(number / 1_000, "disconnected", alive_until=timestamp(RECEIVED_AT)),
            ]
        ).decode()[:-1]
        end = good.index('"', good.index("received_at") + 14) if random_.random() < 0.7 else len(good)
        cut = random_.randrange(end)
        line = good[:cut] + changed(random_, good[cut:end]) + good[end:]
        lines.append(line.replace("\n", " ").encode("utf-8", "surrogatepass"))
    write_landing_file(settings.landing_root, b"\n".join(lines) + b"\n")
    assert load_trades.run(settings)["line_count"] == len(lines)
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
    rows = database.rows("SELECT line_number, received_at FROM raw.trades")
    assert len(rows) > 500
    for line_number, received_at in rows:
        text = json.loads(lines[line_number - 1])["received_at"]
        assert (datetime.fromisoformat(text), len(text)) == (received_at, 32)
