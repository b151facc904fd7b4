"""Decides which of several copies of a revision counts, if their contents differ: the one received first.

The copy that is loaded first is stored. A further copy with other content is rejected, and waits in
`staging.trade_copies` until its batch is accepted. It then replaces the stored one if it was received earlier
(at the same time: if its landing file's path, then its line, comes first).
"""

import logging
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import Trade, parse_message
from include.landing_keys import landing_path
from include.landing_line import decode_line
from include.load.lines import LineReader
from include.load.trade_rows import TradeRows, key_of
from include.settings import Settings
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("load/copies.sql")

_Revision = tuple[str, str, int]
"""Trade id, direction and revision."""


def decide_copies(cur: cursor, settings: Settings, load_batch_ids: list[int]) -> None:
    """Stores the waiting copies that count instead of what is stored, and forgets the others.

    Args:
        cur: Within the transaction that accepts the batches, or reloads them; it holds the locks of a decision.
        settings: Where the landing files are.
        load_batch_ids: Batches of trades.
    """
    if run_sql(cur, QUERIES["replacements"], {"load_batch_ids": load_batch_ids}):
        stored = _received_first(cur, settings)
        parameters = {
            "trade_ids": [trade_id for trade_id, _, _ in stored],
            "directions": [direction for _, direction, _ in stored],
            "revisions": [revision for _, _, revision in stored],
        }
        run_sql(cur, QUERIES["keep_stored"], parameters)
        run_sql(cur, QUERIES["reject_replaced"], {"reason_code": Reason.CONFLICTING_DUPLICATE})
        run_sql(cur, QUERIES["pending_replaced"])
        run_sql(cur, QUERIES["release_replaced"])
        run_sql(cur, QUERIES["delete_replaced"])
        run_sql(cur, QUERIES["insert_replacements"])
        run_sql(cur, QUERIES["accept_rejected"])
        recounted = _accept_equal(cur, settings.market)
        run_sql(cur, QUERIES["replaced_batches"])
        recounted.update(load_batch_id for (load_batch_id,) in cur)
        batches = {"load_batch_ids": sorted(recounted)}
        run_sql(cur, QUERIES["recount_batches"], batches)
        run_sql(cur, QUERIES["recount_files"], batches)
    run_sql(cur, QUERIES["forget_copies"], {"load_batch_ids": load_batch_ids})


def _received_first(cur: cursor, settings: Settings) -> list[_Revision]:
    """Revisions in `replacements` whose stored content came, in an equal copy, before the other content.

    The warehouse keeps only the number of equal copies, so their times of receipt are read from the landing
    files again. This is necessary only where a copy with other content was received before the stored copy.
    """
    run_sql(cur, QUERIES["contested_trades"])
    rows = cur.fetchall()
    if not rows:
        return []
    contested: dict[_Revision, tuple[tuple[datetime, str, int], tuple[object, ...]]] = {
        row[:3]: (row[3:6], row[7:]) for row in rows
    }
    market = settings.market
    span = {"from_at": min(row[6] for row in rows), "until_at": max(row[3] for row in rows)}
    run_sql(cur, QUERIES["batches_with_duplicates"], span | {"market": market.market})
    stored = set[_Revision]()
    for landing_file, from_bytes, to_bytes, lines_before in cur.fetchall():
        reader = LineReader(
            landing_path(settings.landing_root, landing_file), from_bytes, to_bytes - from_bytes
        )
        try:
            for number, received_at, trade in _copies(reader, market, {key_of(*key) for key in contested}):
                key = (trade.trade_id, trade.direction, trade.revision)
                received, content = contested[key]
                if trade.content == content and (received_at, landing_file, lines_before + number) < received:
                    stored.add(key)
        except OSError as error:
            log.warning("%s cannot be searched for equal copies: %s", landing_file, error)
    return sorted(stored)


def _accept_equal(cur: cursor, market: Market) -> set[int]:
    """Lets rejects that say the same as a trade of `replacements` be its duplicates; returns their batches.

    They were rejected while other content was stored.
    """
    run_sql(cur, QUERIES["replacing_contents"])
    contents: dict[_Revision, tuple[object, ...]] = {row[:3]: row[3:] for row in cur}
    run_sql(cur, QUERIES["rejected_copies"], {"reason_code": Reason.CONFLICTING_DUPLICATE})
    equal = []
    for landing_file_id, line_number, raw in cur.fetchall():
        with suppress(RejectedMessageError):  # a message that is too long to be stored whole
            trade = parse_message(raw, market)
            if isinstance(trade, Trade) and trade.content == contents.get(
                (trade.trade_id, trade.direction, trade.revision)
            ):
                equal.append((landing_file_id, line_number))
    files, numbers = [file for file, _ in equal], [number for _, number in equal]
    run_sql(cur, QUERIES["accept_equal"], {"landing_file_ids": files, "line_numbers": numbers})
    return {load_batch_id for (load_batch_id,) in cur}


def _copies(
    lines: Iterable[bytes], market: Market, keys: Container[str]
) -> Iterator[tuple[int, datetime, Trade]]:
    """Number, time of receipt and trade of the lines with one of these keys."""
    rows = TradeRows(market)  # many times faster than `parse_message`
    for number, text in enumerate(lines, start=1):
        try:
            line = decode_line(text)
            if line.raw is None or ((row := rows.ordinary_row(line.raw)) and row[0] not in keys):
                continue
            trade = parse_message(line.raw, market)
            if isinstance(trade, Trade) and key_of(trade.trade_id, trade.direction, trade.revision) in keys:
                yield number, datetime.fromisoformat(line.received_at), trade
        except Exception:  # the load has rejected the line, whatever is wrong with it
            log.debug("line %d of a batch holds no trade", number, exc_info=True)
