"""Decides which copy of a trade counts, once the batch that brought a further copy is decided on.

The copy that is loaded first is stored. A further copy waits in `staging.trade_copies` for the decision on
its batch. It replaces the stored copy only if that one's batch is not accepted, or if its content differs and
it was received earlier (at the same time: if its landing file's path, then its line, comes first).
"""

import logging
from collections.abc import Container, Iterable, Iterator
from datetime import datetime

from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.domain.rejection import Reason
from include.domain.trade import Trade, parse_trade
from include.load.lines import LineReader, decode_line
from include.load.trade_rows import TradeRows
from include.settings import Settings
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("load/copies.sql")


def select_checked_copies(cur: cursor, load_batch_ids: list[int]) -> None:
    """Fills `staging.checked_copies` with the copies that count if just these batches are accepted."""
    run_sql(cur, QUERIES["clear_checked_copies"])
    run_sql(cur, QUERIES["checked_copies"], {"load_batch_ids": load_batch_ids})


def decide_copies(cur: cursor, settings: Settings, load_batch_ids: list[int]) -> None:
    """Stores the copies of accepted batches that count instead of what is stored, and forgets the others.

    Args:
        cur: Within the transaction that accepts the batches; it holds the locks of a decision.
        settings: Where the landing files are.
        load_batch_ids: Batches of trades.
    """
    if run_sql(cur, QUERIES["replacements"], {"load_batch_ids": load_batch_ids}):
        run_sql(cur, QUERIES["keep_stored"], {"trade_ids": _received_first(cur, settings)})
        run_sql(cur, QUERIES["reject_replaced"], {"reason_code": Reason.CONFLICTING_DUPLICATE})
        run_sql(cur, QUERIES["pending_replaced"])
        run_sql(cur, QUERIES["wait_replaced"])
        run_sql(cur, QUERIES["delete_replaced"])
        run_sql(cur, QUERIES["insert_replacements"])
        run_sql(cur, QUERIES["accept_rejected"])
        run_sql(cur, QUERIES["replaced_batches"])
        recount(cur, [load_batch_id for (load_batch_id,) in cur])
    forget_copies(cur, load_batch_ids)


def forget_copies(cur: cursor, load_batch_ids: list[int]) -> None:
    """Forgets the waiting copies of these batches."""
    run_sql(cur, QUERIES["forget_copies"], {"load_batch_ids": load_batch_ids})


def recount(cur: cursor, load_batch_ids: list[int]) -> None:
    """Sets the counts of batches whose rows changed after they were loaded, and of their landing files."""
    run_sql(cur, QUERIES["recount_batches"], {"load_batch_ids": load_batch_ids})
    run_sql(cur, QUERIES["recount_files"], {"load_batch_ids": load_batch_ids})


def _received_first(cur: cursor, settings: Settings) -> list[str]:
    """Trades in `replacements` whose stored content was, in an equal copy, received before the other content.

    The warehouse keeps only the number of equal copies, so their times of receipt are read from the landing
    files again. This is necessary only where a copy with other content was received before the stored copy.
    """
    run_sql(cur, QUERIES["contested_trades"])
    rows = cur.fetchall()
    if not rows:
        return []
    contested = {row[0]: (row[1:4], row[5:]) for row in rows}
    span = {"from_at": min(row[4] for row in rows), "until_at": max(row[1] for row in rows)}
    run_sql(cur, QUERIES["batches_with_duplicates"], span)
    market = Market.of(settings.market_timezone)
    stored = set[str]()
    for landing_file, from_bytes, to_bytes, lines_before in cur.fetchall():
        reader = LineReader(settings.landing_root / landing_file, from_bytes, to_bytes - from_bytes)
        try:
            for number, received_at, text in _messages(reader, market, contested):
                trade = parse_trade(text, market)
                received, content = contested[trade.trade_id]
                if _content(trade) == content and (received_at, landing_file, lines_before + number) < received:
                    stored.add(trade.trade_id)
        except OSError as error:
            log.warning("%s cannot be searched for equal copies: %s", landing_file, error)
    return sorted(stored)


def _messages(
    lines: Iterable[bytes], market: Market, trade_ids: Container[str]
) -> Iterator[tuple[int, datetime, str]]:
    """Number, time of receipt and message of the lines with one of these trades."""
    rows = TradeRows(market)  # many times faster than `parse_trade`
    for number, text in enumerate(lines, start=1):
        try:
            line = decode_line(text)
            if line.raw is not None and rows.row(line.raw)[0] in trade_ids:
                yield number, datetime.fromisoformat(line.received_at), line.raw
        except Exception:  # the load has rejected the line, whatever is wrong with it
            log.debug("line %d of a batch holds no trade", number, exc_info=True)


def _content(trade: Trade) -> tuple[object, ...]:
    """The columns that make the content of a trade, in the order of `contested_trades`."""
    return (
        trade.trader_id,
        trade.direction,
        trade.price_eur_per_mwh,
        trade.quantity_mw,
        trade.period.delivery_day,
        trade.period.delivery_hour,
        trade.executed_at,
    )
