"""Whatever comes in, no load stops, each line is accounted for, and SQL has what include/domain says."""

import json
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from include.capture.service import run_capture
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import Cancellation, Trade, parse_message
from include.jobs import load_trades
from include.landing import TRADES, list_files
from include.load import audit
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.factories import MARKET, Database
from tests.messages import deal, landed, read_lines, write_landing_file
from tests.torture import hostile
from tests.torture.conftest import Torture
from tests.waiting import eventually

PER_FILE, PER_SHORT_FILE = 50_000, 4_000
_NO_REJECT = ("trade", "price", "duplicate", "cancellation", "operational", "not now", "refused statement")
GUARANTEE = "Hostile input stops no load, is accounted for line by line, and changes nothing else"

Place = tuple[str, int]
"""Landing file and line."""

TRADES_BY_KEY = (
    "SELECT trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day,"
    " delivery_hour, executed_at FROM raw.trades JOIN raw.delivery_periods"
    " USING (market, delivery_day, delivery_hour, delivery_start_at, delivery_end_at)"
)
REASONS = (
    "SELECT landing_file, line_number, reason_code FROM ops.rejected_messages"
    " JOIN ops.landing_files USING (landing_file_id)"
)
COUNTS = "SELECT sum(line_count), sum(duplicate_count), sum(event_count) FROM ops.landing_files"


def assert_accounted_for(settings: Settings) -> None:
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]


def forget(settings: Settings, database: Database) -> None:
    """Everything that was landed and loaded."""
    for path in settings.landing_root.rglob("*.*"):
        if path.is_file():
            path.unlink()
    database.forget_everything()


class Expected:
    """What the specification makes of messages, in the order in which they came."""

    def __init__(self, messages: Iterator[tuple[Place, bytes]]) -> None:
        self.trades: dict[tuple[str, str, int], Trade] = {}
        self.reasons: dict[Place, str] = {}
        self.counts: Counter[str] = Counter()
        for place, payload in messages:
            self._add(place, payload)

    def _add(self, place: Place, payload: bytes) -> None:
        try:
            parsed = parse_message(payload.decode(), MARKET)
        except UnicodeDecodeError:
            self.reasons[place] = Reason.NOT_TEXT.value
        except RejectedMessageError as error:
            self.reasons[place] = error.reason.value
        else:
            if not isinstance(parsed, Trade):
                self.counts["cancellation" if isinstance(parsed, Cancellation) else "operational"] += 1
                return
            first = self.trades.setdefault((parsed.trade_id, parsed.direction, parsed.revision), parsed)
            if first.content != parsed.content:
                self.reasons[place] = Reason.CONFLICTING_DUPLICATE.value
            elif first is not parsed:
                self.counts["duplicate"] += 1


def capture(settings: Settings, sent: list[str | bytes]) -> None:
    """The messages reach a landing file through an exchange and a capture."""
    stopping = threading.Event()
    with Exchange(rate_per_second=0) as exchange:
        configured = Settings(exchange_url=exchange.url, landing_root=settings.landing_root)
        capture = threading.Thread(target=run_capture, args=(configured, "hostile", stopping.is_set))
        capture.start()
        try:
            exchange.wait_for_connections(1)
            exchange.send_all(sent)
            eventually(lambda: sum(1 for _ in landed_messages(settings)) >= len(sent), 120)
        finally:
            stopping.set()
            capture.join(timeout=20)
    assert not capture.is_alive()


def landed_messages(settings: Settings) -> Iterator[tuple[Place, bytes]]:
    """Place and content of each message, in order of receipt."""
    for file in list_files(settings.landing_root, TRADES):
        for number, line in enumerate(read_lines(file.path), start=1):
            if "event" not in line:
                raw = line.get("raw")
                yield (file.key, number), b64decode(line["raw_base64"]) if raw is None else raw.encode()


def per_file(torture: Torture) -> int:
    return PER_FILE if torture.is_long else PER_SHORT_FILE


def figure(outcomes: Counter[str]) -> str:
    """How many came to what."""
    rejected = sum(outcomes.values()) - sum(outcomes[name] for name in _NO_REJECT)
    kept = ", ".join(f"{outcomes[name]:,} {name}" for name in _NO_REJECT if outcomes[name])
    return f"{kept}, {rejected:,} rejected for {len(set(outcomes) - set(_NO_REJECT))} reasons, all as specified"


def test_messages(torture: Torture, settings: Settings, database: Database) -> None:
    """As an exchange might send them; those of the first file come through an exchange and a capture."""
    outcomes = Counter[str]()
    for number in torture.trials(2, 26):
        forget(settings, database)
        first = number * per_file(torture)
        messages = [hostile.message(torture.random, n) for n in range(first, first + per_file(torture))]
        sent = [hostile.as_sent(message) for message in messages]
        if number == 0:
            capture(
                settings,
                [s if isinstance(m, bytes) else s.decode() for m, s in zip(messages, sent, strict=True)],
            )
        else:
            write_landing_file(settings.landing_root, landed(sent))
        assert [payload for _, payload in landed_messages(settings)] == sent, "landed verbatim"
        assert load_trades.run(settings)["failed_files"] == 0
        expected = Expected(landed_messages(settings))
        assert reasons(database) == expected.reasons
        stored = {row[:3]: row[3:] for row in database.rows(TRADES_BY_KEY)}
        assert stored == {key: trade.content for key, trade in expected.trades.items()}
        ((line_count, duplicate_count, event_count),) = database.rows(COUNTS)
        journal = line_count - len(sent)
        assert (duplicate_count, event_count - journal) == (
            expected.counts["duplicate"],
            expected.counts["operational"],
        )
        assert database.value("SELECT count(*) FROM raw.trade_cancellations") == expected.counts["cancellation"]
        assert database.value("SELECT count(*) FROM ops.rejected_messages WHERE length(detail) < 5") == 0
        assert_accounted_for(settings)
        outcomes.update(expected.reasons.values())
        outcomes.update(expected.counts)
        outcomes["trade"] += len(expected.trades)
    assert outcomes["trade"] > 0.05 * outcomes.total()
    assert len(outcomes) >= 20, outcomes
    torture.report(GUARANTEE, f"{outcomes.total():,} messages", figure(outcomes))


def reasons(database: Database) -> dict[Place, str]:
    return {(file, line): reason for file, line, reason in database.rows(REASONS)}


def test_a_message_of_64_megabytes(torture: Torture, settings: Settings, database: Database) -> None:
    """The longest that a capture accepts, of several kinds."""
    size = 64 * 1024 * 1024
    huge = [
        deal(id="x" * size),
        deal(trader_id="\\" * (size // 2)),
        deal(price=0).replace('"price": 0', '"price": ' + "9" * size),
        "[" * size,
        '{"heartbeat": "' + "\U0001f600" * (size // 4) + '"}',
        '{"a":' * (size // 5),
    ]
    tried = 0
    for number in torture.trials(1, len(huge)):
        forget(settings, database)
        content = landed([deal(id="before"), huge[number], deal(id="after")])
        lines = [b"[" * size, b'"' * size, b"\x00" * size]
        path = write_landing_file(
            settings.landing_root, content + lines[number % 3] + b"\n" + landed([deal(id="end")])
        )
        load_trades.run(settings)
        assert reasons(database) == {
            (file_key(settings), 2): Reason.UNREADABLE.value,
            (file_key(settings), 4): Reason.FOREIGN_LINE.value,
        }
        assert database.rows("SELECT trade_id FROM raw.trades ORDER BY 1") == [
            ("after",),
            ("before",),
            ("end",),
        ]
        assert database.value("SELECT max(length(raw)) FROM ops.rejected_messages") <= 10_000
        assert_accounted_for(settings)
        path.unlink()
        tried += 2
    torture.report(GUARANTEE, f"{tried} messages and lines of 64 MB", "each rejected, its neighbours loaded")


def file_key(settings: Settings) -> str:
    (file,) = list_files(settings.landing_root, TRADES)
    return file.key


def test_landing_lines(torture: Torture, settings: Settings, database: Database) -> None:
    """Of a file that something else than our writer damaged or wrote."""
    lines_tried = loaded_count = 0
    for _ in torture.trials(1, 4):
        forget(settings, database)
        lines = [hostile.line(torture.random, number) for number in range(per_file(torture))]
        write_landing_file(settings.landing_root, b"\n".join(lines) + b"\n")
        loaded = load_trades.run(settings)
        assert (loaded["line_count"], loaded["failed_files"]) == (len(lines), 0)
        assert_accounted_for(settings)
        rejected = {line: reason for (_, line), reason in reasons(database).items()}
        for line_number, trade_id, received_at in database.rows(
            "SELECT line_number, trade_id, received_at FROM raw.trades"
        ):
            line = json.loads(lines[line_number - 1])
            at = line["received_at"]
            assert (datetime.fromisoformat(at), len(at)) == (received_at, 32)
            parsed = parse_message(line["raw"], MARKET)
            assert isinstance(parsed, Trade)
            assert parsed.trade_id == trade_id
            loaded_count += 1
        for number, text in enumerate(lines, start=1):
            if not is_json_object(text):
                assert rejected[number] == Reason.FOREIGN_LINE
        lines_tried += len(lines)
    assert loaded_count > 0.02 * lines_tried
    tried = f"{lines_tried:,} damaged lines of landing files"
    torture.report(
        GUARANTEE, tried, f"{loaded_count:,} whole ones loaded with their own time, the others rejected"
    )


def is_json_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text.decode()), dict)
    except (ValueError, RecursionError):
        return False
