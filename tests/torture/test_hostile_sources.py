"""Replies of the provider and statements of the exchange that are not what was promised."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from include.domain.delivery_period import DeliveryPeriod
from include.domain.reference_price import UNDEFINED_STATUSES, is_transient_status, parse_reference_price
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.statement import StatementParser, StatementTrade, UnknownFormatError
from include.errors import TerminalError
from include.jobs import load_reference_prices, load_statement
from include.landing import message_line
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, write_landing_file
from tests.statements import DAY
from tests.torture import hostile
from tests.torture.conftest import Torture
from tests.torture.test_hostile_input import GUARANTEE, assert_accounted_for, figure, forget, per_file, reasons


def test_replies(torture: Torture, settings: Settings, database: Database) -> None:
    """Of a provider, or of something in its place: any status, any body."""
    hours = [hour for day in range(20, 27) for hour in MARKET.hours_of(date(2026, 2, day))]
    outcomes = Counter[str]()
    for _ in torture.trials(1, 6):
        forget(settings, database)
        content, stored, expected = [], {}, {}
        for number in range(1, per_file(torture) + 1):
            hour = torture.random.choice(hours)
            asked = {"delivery_day": hour.delivery_day.isoformat(), "delivery_hour": hour.delivery_hour}
            status, body = hostile.reply(torture.random, asked)
            at = RECEIVED_AT + timedelta(milliseconds=number)
            content.append(message_line(at, body, request=asked, status=status))
            outcome = judged_reply(status, body, hour)
            if isinstance(outcome, tuple):
                stored[number] = (hour.delivery_day, hour.delivery_hour, *outcome, at)
            elif outcome != "not now":
                expected[number] = outcome
            outcomes["price" if isinstance(outcome, tuple) else outcome] += 1
        write_landing_file(settings.landing_root, b"".join(content), source="reference_prices")
        loaded = load_reference_prices.run(settings)
        assert (loaded["line_count"], loaded["failed_files"]) == (len(content), 0)
        assert {line: reason for (_, line), reason in reasons(database).items()} == expected
        rows = database.rows(
            "SELECT line_number, delivery_day, delivery_hour, price_eur_per_mwh, provider_updated_at,"
            " observed_at FROM raw.reference_prices"
        )
        assert {row[0]: row[1:] for row in rows} == stored
        assert_accounted_for(settings)
    assert outcomes["price"] > 0.1 * outcomes.total()
    assert len(outcomes) >= 9, outcomes
    torture.report(GUARANTEE, f"{outcomes.total():,} replies", figure(outcomes))


def judged_reply(status: int, body: bytes, asked: DeliveryPeriod) -> tuple[Any, ...] | str:
    """Price and time of update by the specification, `not now`, or a reason."""
    if is_transient_status(status):
        return "not now"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if status not in UNDEFINED_STATUSES:
            return Reason.NOT_TEXT.value
        text = ""
    try:
        answer = parse_reference_price(status, text, asked)
    except RejectedMessageError as error:
        return error.reason.value
    return answer.price_eur_per_mwh, answer.provider_updated_at


def test_statements(torture: Torture, settings: Settings, database: Database) -> None:
    """Of an exchange whose end-of-day file is not what it promised, in any encoding."""
    outcomes, line_count = Counter[str](), 0
    for _ in torture.trials(6, 300):
        forget(settings, database)
        text = hostile.statement(torture.random, 1_000 if torture.is_long else 300)
        encoding = torture.random.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
        text = text.encode(encoding, "replace").decode(encoding)
        file = settings.landing_root.parent / "statement.csv"
        file.write_bytes(text.encode(encoding))
        trades, expected, events = judged_statement(text)
        outcomes.update(expected.values())
        try:
            counts = load_statement.run(settings, DAY, file)
        except TerminalError:
            counts = None
        if counts is None:
            assert not trades
            assert database.value("SELECT count(*) FROM raw.statement_trades") == 0
            outcomes["refused statement"] += 1
            continue
        assert counts["event_count"] == events
        assert {line: reason for (_, line), reason in reasons(database).items()} == expected
        rows = database.rows(
            "SELECT trade_id, direction, trader_id, price_eur_per_mwh, quantity_mw, delivery_day,"
            " delivery_hour, executed_at FROM raw.statement_trades"
        )
        assert {row[:2]: row[2:] for row in rows} == {
            key: (*trade.content, trade.executed_at) for key, trade in trades.items()
        }
        assert_accounted_for(settings)
        outcomes["trade"] += len(trades)
        line_count += counts["line_count"]
    assert outcomes["trade"] > 0.05 * line_count
    assert len(outcomes) >= 10, outcomes
    torture.report(GUARANTEE, f"{line_count:,} lines of statements", figure(outcomes))


def judged_statement(text: str) -> tuple[dict[tuple[str, str], StatementTrade], dict[int, str], int]:
    """By the specification: the trades, the reason of each reject, the number of other lines."""
    parser = StatementParser(MARKET, DAY)
    trades: dict[tuple[str, str], StatementTrade] = {}
    rejected: dict[int, str] = {}
    events = 0
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        is_torn = number == len(lines)
        if is_torn and not line:
            break
        try:
            trade = parser.trade(line, is_torn=is_torn)
        except RejectedMessageError as error:
            rejected[number] = error.reason.value
            continue
        except UnknownFormatError:
            return {}, {}, 0
        if trade is None:
            events += 1
        else:
            first = trades.setdefault((trade.trade_id, trade.direction), trade)
            if first.content != trade.content:
                rejected[number] = Reason.CONFLICTING_DUPLICATE.value
    return trades, rejected, events
