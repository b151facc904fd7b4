"""Loads a landed statement of the exchange into raw.statement_trades, exactly once: in one transaction."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date

from psycopg2.extensions import connection, cursor

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.statement import StatementParser, StatementTrade, UnknownFormatError
from include.domain.statement_format import FORMATS, StatementFormat
from include.errors import TerminalError
from include.landing import LandingFile, timestamp
from include.load.copying import NULL, array_literal, copy_rows, escaped
from include.load.ledger import begin_batch, lock_file, store_periods
from include.load.loader import Load
from include.load.portions import write_rows
from include.load.rejects import Rejects
from include.load.reload import forget_files, restore_reviews
from include.load.statement_files import day_of, is_by_delivery_day, landed_at_of, statement_lines
from include.warehouse.locks import lock_decision
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")

_COLUMNS = (
    "market",
    "statement_day",
    "trade_id",
    "direction",
    "trader_id",
    "price_eur_per_mwh",
    "quantity_mw",
    "delivery_day",
    "delivery_hour",
    "executed_at",
    "line_number",
    "load_batch_id",
    "landing_file_id",
)
_ROWS_TO_ANALYZE = 100_000
"""From so many lines on, statistics are brought up to date for the comparison that follows at once."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}
_KEY = slice(2, 4)
_CONTENT = slice(4, 9)
_LINE_NUMBER = _COLUMNS.index("line_number")


def load_statement(
    conn: connection,
    file: LandingFile,
    market: Market,
    formats: Sequence[StatementFormat] = FORMATS,
    *,
    is_reload: bool = False,
    then: Callable[[cursor], object] | None = None,
) -> Load | None:
    """Loads a statement as a whole; if it is killed, nothing was loaded.

    Args:
        conn: A connection without an open transaction.
        file: The statement, as it was landed.
        market: Its market.
        formats: Those that it may have.
        is_reload: Delete what was loaded of the file and load all of it again.
        then: Called at the end of the transaction.

    Returns:
        What was loaded; None if it was loaded before.

    Raises:
        TerminalError: The file has no header that is known, or is one of another market; nothing was changed.
        OSError: The file, or the folder that stands for its files, cannot be read.
    """
    file.check()
    with conn, conn.cursor() as cur:
        if is_reload:
            lock_decision(cur, market.market)  # what it added is deleted: no build may read in between
        known = lock_file(cur, file, market.market)
        landing_file_id = known.landing_file_id
        if known.is_complete and not is_reload:
            return None
        if is_reload:
            forget_files(cur, [landing_file_id])
        load_batch_id = begin_batch(
            cur, file, landing_file_id, 0 if is_reload else known.loaded_bytes, is_reload
        )
        landed_at = timestamp(landed_at_of(file))
        with Rejects(market.market, file.source, load_batch_id, landing_file_id) as rejects:
            parser = StatementParser(market, day_of(file), formats, is_by_delivery_day(file))
            pass_ = _Pass(file, parser, rejects, f"\t{load_batch_id}\t{landing_file_id}\n")
            store = _Store(market.market, landing_file_id)
            written = write_rows(cur, store, iter(pass_))
            store_periods(cur, pass_.periods.values())
            refused = {
                Reason.CONFLICTING_DUPLICATE: store.conflicts,
                Reason.UNSTORABLE: written.refused,
            }
            if any(refused.values()):
                for number, text, _ in statement_lines(file.path):
                    for reason, details in refused.items():
                        if number in details:
                            rejects.add(
                                number, reason, details[number], text.rstrip("\r\n").encode(), landed_at
                            )
            rejects.store(cur)
            if is_reload:
                restore_reviews(cur)
            load = Load(
                load_batch_id=load_batch_id,
                landing_file_id=landing_file_id,
                to_bytes=file.path.stat().st_size,
                line_count=pass_.line_count,
                loaded_count=pass_.row_count - written.known_count - len(written.refused),
                duplicate_count=written.known_count - len(store.conflicts),
                rejected_count=rejects.count,
                event_count=pass_.event_count,
                first_received_at=landed_at_of(file),
                last_received_at=landed_at_of(file),
                is_connected=False,
                is_at_end=True,
                is_complete=True,
            )
        run_sql(cur, QUERIES["load_batches_end"], asdict(load))
        run_sql(cur, QUERIES["landing_files_advance"], asdict(load))
        if load.loaded_count >= _ROWS_TO_ANALYZE:
            run_sql(cur, QUERIES["analyze_statement_trades"])
        if then is not None:
            then(cur)
        return load


class _Pass:
    """One pass over the lines: yields rows; counts events, collects rejects."""

    def __init__(self, file: LandingFile, parser: StatementParser, rejects: Rejects, row_end: str) -> None:
        self.line_count = 0
        self.row_count = 0
        self.event_count = 0
        self.periods: dict[tuple[date, str], DeliveryPeriod] = {}
        self._file = file
        self._parser = parser
        self._rejects = rejects
        self._row_end = row_end
        self._landed_at = timestamp(landed_at_of(file))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        parser = self._parser
        start = f"{parser.market.market}\t{parser.day}"
        try:
            for number, text, is_torn in statement_lines(self._file.path):
                self.line_count = number
                try:
                    trade = parser.trade(text, is_torn=is_torn)
                except RejectedMessageError as error:
                    raw = text.rstrip("\r\n").encode("utf-8", "surrogatepass")
                    self._rejects.add(number, error.reason, error.detail, raw, self._landed_at)
                    continue
                if trade is None:
                    self.event_count += 1
                    continue
                self.row_count += 1
                yield (
                    f"{escaped(trade.trade_id)}\x00{trade.direction}",
                    f"{start}\t{self._row(trade)}\t{number}{self._row_end}",
                )
        except UnknownFormatError as error:
            raise TerminalError(f"{self._file.path}: {error}") from error
        if not parser.has_header:
            raise TerminalError(f"{self._file.path}: no line names the columns of a known statement")

    def _row(self, trade: StatementTrade) -> str:
        period = trade.period
        if (period.delivery_day, period.delivery_hour) not in self.periods:
            for part in (period.delivery_hour, *(share.pnl_hour for share in period.shares)):
                known = self._parser.market.period(period.delivery_day, part)
                self.periods[period.delivery_day, part] = known
        return (
            f"{escaped(trade.trade_id)}\t{trade.direction}"
            f"\t{NULL if trade.trader_id is None else escaped(trade.trader_id)}"
            f"\t{trade.price_eur_per_mwh:f}\t{trade.quantity_mw:f}"
            f"\t{period.delivery_day}\t{period.delivery_hour}"
            f"\t{NULL if trade.executed_at is None else trade.executed_at.isoformat()}"
        )


class _Store:
    """`raw.statement_trades`, where a file has each trade once: its first line counts."""

    def __init__(self, market: str, landing_file_id: int) -> None:
        self.conflicts: dict[int, str] = {}
        self._parameters = {"market": market, "landing_file_id": landing_file_id}

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        # otherwise the planner reads the whole table while it is small, once for each portion of ids
        cur.execute("SET LOCAL enable_seqscan = off")
        ids = array_literal(_unescaped(key.partition("\x00")[0]) for key in rows)
        run_sql(cur, QUERIES["statement_trades_known"], self._parameters | {"trade_ids": ids})
        known = {
            f"{escaped(trade_id)}\x00{direction}": [NULL if trader is None else escaped(trader), *content]
            for trade_id, direction, trader, *content in cur.fetchall()
        }
        again = [rows.pop(key) for key in known if key in rows] + repeated
        for row in again:
            values = row.rstrip("\n").split("\t")
            key, content, number = "\x00".join(values[_KEY]), values[_CONTENT], int(values[_LINE_NUMBER])
            first = known.get(key) or rows[key].split("\t")[_CONTENT]
            if first != content:
                self.conflicts[number] = "an earlier line has the trade with other content, which counts"
        if rows:
            copy_rows(cur, "raw.statement_trades", _COLUMNS, rows.values())
        return len(again)


def _unescaped(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPE.sub(lambda match: _CONTROL.get(match[1], match[1]), text) if "\\" in text else text
