"""20,000 fuzzed messages through the exchange, the capture and the loader: every one is accounted for."""

import json
import random
import threading
from collections import Counter
from typing import Any

from include.capture.service import run_capture
from include.domain.delivery_period import Market
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import Cancellation, Trade, parse_message
from include.jobs import load_trades
from include.landing import TRADES, list_files
from include.load import audit
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.factories import Database
from tests.messages import DEAL, deal, read_lines
from tests.waiting import eventually

MESSAGES = 20_000
_NO_REJECT = ("trade", "duplicate", "cancellation", "operational")

Key = tuple[str, str, int]
"""Trade id, direction and revision."""

_VALUES: list[Any] = [
    None, True, 0, -1, 1e308, "", "x" * 300, "\x00", "\ud800", "NaN", [], {}, "02-03", "25-26", "2026-03-29",
    "2026-02-30", "2026-W10-2", "2026-03-02T10:13:43", "2026-03-02T10:13:43Z", "Sell", "' OR 1=1 --",
    "\\N", "\t\n",
]  # fmt: skip


def fuzzed(random_: random.Random, number: int) -> str | bytes:
    """A good message, or one that is damaged in one of many ways."""
    text = deal(
        random_.choice(["deal_confirmation", "trade_confirmation"]), id=str(random_.randrange(MESSAGES))
    )
    match random_.randrange(8):
        case 0:
            return deal(**({"id": str(number)} | {random_.choice(sorted(DEAL)): random_.choice(_VALUES)}))
        case 1:
            return deal(**{random_.choice(sorted(DEAL)): ...})
        case 2:
            at = random_.randrange(len(text))
            return text[:at] + chr(random_.randrange(32, 0x2FFF)) + text[at + random_.randrange(4) :]
        case 3:
            return random_.randbytes(random_.randrange(60))
        case 4:
            return text[: random_.randrange(len(text))]
        case 5:
            return json.dumps(random_.choice([[], {}, 1, None, {"heartbeat": 1}, {"deal_confirmation": []}]))
        case _:
            return text


def test_every_message_is_accounted_for(settings: Settings, database: Database) -> None:
    random_ = random.Random(20_000)
    messages = [fuzzed(random_, number) for number in range(MESSAGES)]
    market = settings.market
    stopping = threading.Event()
    with Exchange(rate_per_second=0) as exchange:
        configured = Settings(
            exchange_url=exchange.url, landing_root=settings.landing_root, warehouse_url=settings.warehouse_url
        )
        capture = threading.Thread(target=run_capture, args=(configured, "fuzz", stopping.is_set))
        capture.start()
        try:
            exchange.wait_for_connections(1)
            exchange.send_all(messages)
            eventually(lambda: landed_payloads(configured) >= MESSAGES, 60)
        finally:
            stopping.set()
            capture.join(timeout=20)
    assert not capture.is_alive()

    expected: dict[Key, Trade] = {}
    outcomes: Counter[str] = Counter()
    for message in messages:
        outcomes[judge(message, market, expected)] += 1

    load_trades.run(settings)
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
    stored = database.rows(
        "SELECT trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, executed_at,"
        " delivery_start_at FROM raw.trades"
    )
    assert {row[:3]: row[3:] for row in stored} == {
        key: (t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.executed_at, t.period.start_at)
        for key, t in expected.items()
    }
    rejected = Counter(
        dict(database.rows("SELECT reason_code, count(*) FROM ops.rejected_messages GROUP BY 1"))
    )
    assert rejected == Counter({k: v for k, v in outcomes.items() if k not in _NO_REJECT})
    assert set(rejected) <= {reason.value for reason in Reason}
    assert database.value("SELECT sum(duplicate_count) FROM ops.landing_files") == outcomes["duplicate"]
    assert database.value("SELECT count(*) FROM ops.rejected_messages WHERE length(detail) < 5") == 0


def judge(message: str | bytes, market: Market, known: dict[Key, Trade]) -> str:
    """What the executable specification makes of a message: trade, duplicate or a reason."""
    try:
        text = message.decode() if isinstance(message, bytes) else message
    except UnicodeDecodeError:
        return Reason.NOT_TEXT
    try:
        trade = parse_message(text, market)
    except RejectedMessageError as error:
        return error.reason
    if not isinstance(trade, Trade):
        return "cancellation" if isinstance(trade, Cancellation) else "operational"
    first = known.setdefault((trade.trade_id, trade.direction, trade.revision), trade)
    if first is trade:
        return "trade"
    return "duplicate" if first.content == trade.content else Reason.CONFLICTING_DUPLICATE


def landed_payloads(settings: Settings) -> int:
    return sum(
        "event" not in line
        for file in list_files(settings.landing_root, TRADES)
        for line in read_lines(file.path)
    )
