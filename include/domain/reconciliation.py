"""What statements of the exchange make of the captured trades: the executable specification of the SQL."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.lifecycle import (
    Identity,
    Received,
    Revision,
    cancellations_of,
    cancelled_at,
    outcome,
    revisions_of,
)
from include.domain.statement import StatementTrade
from include.domain.trade import Cancellation, Trade

STATEMENT_REVISION = -1
"""Revision of a trade that counts as a statement says."""

UNASSIGNED = "unassigned"
"""Trader of a trade that was not captured, if the statement does not say who traded."""

MIN_ALIKE = 5
"""From so many trades on that equal captured ones in all but their id, a statement may be held."""


class Finding(StrEnum):
    """How a trade came out."""

    MATCHED = "matched"
    MISSING = "missing"
    DIFFERS = "differs"
    CANCELLED = "cancelled"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement that stands for a day.

    Attributes:
        day: Local day on which its trades were executed, or deliver.
        landed_at: UTC, when it was landed.
        trades: Its lines.
        is_by_delivery_day: Whether it is that of delivery.
    """

    day: date
    landed_at: datetime
    trades: tuple[StatementTrade, ...]
    is_by_delivery_day: bool = False


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What messages and statements come to.

    Attributes:
        findings: Of each trade that a statement has or that is unexpected.
        counting: The trades of PnL; those with STATEMENT_REVISION are as the statement says.
        cancelled: The trades that were taken back.
        held: Days whose statement writes ids in another way than the messages, with how many of its trades show
            it; nothing of such a statement counts.
    """

    findings: dict[Identity, Finding]
    counting: dict[Identity, Trade]
    cancelled: dict[Identity, Trade]
    held: dict[date, int]


def reconcile(
    received: Iterable[Received],
    statements: Iterable[Statement],
    market: Market,
    is_sound: Callable[[Trade], bool] = lambda trade: True,
) -> Reconciled:
    """Compares the captured trades with the statements; no order matters.

    - A trade is `matched` if the revision that counts, or a higher one in quarantine, has the content of the
      statement. Amendments that were first received after the statement was landed are not compared. Nor does a
      statement know of those after its day, however late it is landed: a trade that is as it was at the end of
      the day is `matched`, too.
    - Else it `differs`, or is `missing` if no revision was captured. It then counts as the statement says,
      unless an amendment was first received after that: then the highest revision counts.
    - It keeps the captured trader if the statement names none, and the captured one of the two hours of a
      doubled label if the statement has the label without A or B.
    - It is taken back with the captured revision that would count; if there is none, by any cancellation.
    - A cancellation that was received before the statement was landed makes it `cancelled` instead of matched,
      differing or missing: the statement has it all the same, and a person has to decide.
    - Of several statements that have a trade the one that was landed last counts, of those the latest day's.
    - A captured trade that counts, was executed on the day of a statement (of one by delivery day: delivers on
      it) and is in none is `unexpected`. Without a time of execution its first receipt tells the day.
    - A statement is held if MIN_ALIKE of its missing trades or more, and more than half of them, each equal an
      unexpected one of its day in all but the id. Nothing of it counts.

    Args:
        received: All messages.
        statements: One a day.
        market: For local days.
        is_sound: False for a trade that is in quarantine.
    """
    messages = list(received)
    captured = revisions_of(messages)
    stream = outcome(messages, is_sound)
    result = Reconciled({}, dict(stream.counting), dict(stream.cancelled), {})
    cancellations = cancellations_of(messages)
    standing = sorted(statements, key=lambda statement: (statement.landed_at, statement.day))
    days = {(statement.day, statement.is_by_delivery_day) for statement in standing}
    lines: dict[Identity, tuple[Statement, StatementTrade]] = {
        (line.trade_id, line.direction): (statement, line)
        for statement in standing
        for line in reversed(statement.trades)  # of lines that have the same trade the first counts
    }
    rows: list[tuple[date, Identity, Trade, bool]] = []
    missing: dict[date, list[StatementTrade]] = {statement.day: [] for statement in standing}
    unexpected: dict[date, list[Trade]] = {statement.day: [] for statement in standing}
    for identity, (statement, line) in lines.items():
        of_trade = captured.get(identity, {})
        before = {n: r.trade for n, r in of_trade.items() if n == 0 or r.first_at <= statement.landed_at}
        sound = [n for n, trade in before.items() if is_sound(trade)]
        highest = max(sound, default=STATEMENT_REVISION)
        day_end = market.span_of(statement.day)[1]
        of_day = max((n for n in sound if n == 0 or of_trade[n].first_at < day_end), default=None)
        would_count = {n: r for n, r in of_trade.items() if is_sound(r.trade)}
        taken_back_at = _cancelled_at(line, would_count, cancellations)
        if taken_back_at is not None and taken_back_at <= statement.landed_at:
            result.findings[identity] = Finding.CANCELLED
        if any((n >= highest or n == of_day) and has_content(trade, line) for n, trade in before.items()):
            result.findings.setdefault(identity, Finding.MATCHED)
            continue
        result.findings.setdefault(identity, Finding.DIFFERS if before else Finding.MISSING)
        if result.findings[identity] is Finding.MISSING:
            missing[statement.day].append(line)
        reference = before[max(sound or before)] if before else None
        row = _row(line, reference)
        is_overtaken = any(
            n > 0 and r.first_at > statement.landed_at and is_sound(r.trade) for n, r in of_trade.items()
        )
        if not is_overtaken and is_sound(row):
            rows.append((statement.day, identity, row, taken_back_at is not None))
    for key, trade in stream.counting.items():
        executed_at = trade.executed_at or captured[key][trade.revision].first_at
        its_days = {(executed_at.astimezone(market.timezone).date(), False), (trade.period.delivery_day, True)}
        if key not in result.findings and its_days & days:
            result.findings[key] = Finding.UNEXPECTED
            unexpected[min(day for day, _ in its_days & days)].append(trade)
    for day, stated in missing.items():
        alike = _alike(stated, unexpected[day])
        if alike >= MIN_ALIKE and 2 * alike > len(stated):
            result.held[day] = alike
    for day, identity, row, is_cancelled in rows:
        if day not in result.held:
            result.counting.pop(identity, None)
            result.cancelled.pop(identity, None)
            (result.cancelled if is_cancelled else result.counting)[identity] = row
    return result


def has_content(trade: Trade, line: StatementTrade) -> bool:
    """Whether a trade was captured as the statement says. Times of execution are known to be wrong by hours.

    `02-03` of the October change is the same as `02-03A` and `02-03B`: the sources cannot always tell.
    """
    return (
        (trade.price_eur_per_mwh, trade.quantity_mw, trade.period.delivery_day)
        == (line.price_eur_per_mwh, line.quantity_mw, line.period.delivery_day)
        and (
            trade.period.delivery_hour == line.period.delivery_hour
            or _is_one_of(line.period, trade.period)
            or _is_one_of(trade.period, line.period)
        )
        and line.trader_id in (None, trade.trader_id)
    )


def _alike(stated: list[StatementTrade], captured: list[Trade]) -> int:
    """How many pairs of equal content they make; a line without a trader is any trader's."""
    traders: dict[tuple[object, ...], tuple[Counter[str | None], Counter[str | None]]] = {}
    for side in (0, 1):
        for trade in captured if side else stated:
            content = (
                trade.direction,
                trade.period.delivery_day,
                trade.period.delivery_hour.rstrip("AB"),
                trade.quantity_mw,
                trade.price_eur_per_mwh,
            )
            traders.setdefault(content, (Counter(), Counter()))[side][trade.trader_id] += 1
    count = 0
    for lines, messages in traders.values():
        of_any = lines.pop(None, 0)
        named = (lines & messages).total()
        count += named + min(of_any, messages.total() - named)
    return count


def _cancelled_at(
    line: StatementTrade,
    would_count: dict[int, Revision],
    cancellations: list[tuple[Cancellation, datetime, str]],
) -> datetime | None:
    """When the trade of a line was first taken back: with its highest revision, or by any cancellation."""
    if would_count:
        return cancelled_at(would_count[max(would_count)], cancellations)
    of_trade = (
        at for cancellation, at, _ in cancellations if cancellation.names(line.trade_id, line.direction)
    )
    return min(of_trade, default=None)


def _is_one_of(doubled: DeliveryPeriod, period: DeliveryPeriod) -> bool:
    """Whether a label stands for two hours, or for parts of them, and a period is one of the two."""
    return (
        doubled.is_dst_ambiguous
        and period.delivery_day == doubled.delivery_day
        and period.delivery_hour in (doubled.delivery_hour + "A", doubled.delivery_hour + "B")
    )


def _row(line: StatementTrade, reference: Trade | None) -> Trade:
    """The trade as the statement says it."""
    captured_trader = UNASSIGNED if reference is None else reference.trader_id
    period = line.period
    if reference is not None and _is_one_of(line.period, reference.period):
        period = reference.period
    return Trade(
        trade_id=line.trade_id,
        trader_id=line.trader_id or captured_trader,
        direction=line.direction,
        price_eur_per_mwh=line.price_eur_per_mwh,
        quantity_mw=line.quantity_mw,
        period=period,
        executed_at=line.executed_at,
        revision=STATEMENT_REVISION,
        is_disputed=reference is not None and reference.is_disputed,
    )
