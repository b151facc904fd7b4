"""The sink of trades: each once, whichever capture instance received it."""

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.rejection import Reason, RejectedMessageError
from include.landing import TRADES
from include.load.copying import array_literal, copy_rows
from include.load.lines import Line
from include.load.trade_rows import COLUMNS, TradeRows
from include.warehouse.locks import lock_trades
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")
COPIES = load_queries("load/copies.sql")

_COLUMNS = (*COLUMNS, "received_at", "line_number", "load_batch_id", "landing_file_id")


class TradeSink:
    """`raw.trades`.

    Only one load at a time writes trades, so that what is found missing is still missing when it is copied:
    looking ids up and copying the new rows is twice as fast as an INSERT with ON CONFLICT.
    """

    source = TRADES
    has_connection = True

    def __init__(self, market: Market) -> None:
        self._rows = TradeRows(market)

    def lock(self, cur: cursor) -> None:
        lock_trades(cur)

    def row(self, line: Line) -> tuple[str, str] | None:
        if line.raw is None:
            if line.raw_base64 is None:
                raise RejectedMessageError(Reason.FOREIGN_LINE, "neither a message nor an event")
            raise RejectedMessageError(Reason.NOT_TEXT, "the message is not UTF-8 text")
        return self._rows.row(line.raw)

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        # otherwise the planner reads the whole table while it is small, once for each portion of ids
        cur.execute("SET LOCAL enable_seqscan = off")
        run_sql(cur, QUERIES["trades_known"], {"trade_ids": array_literal(rows)})
        known = [rows.pop(trade_id) for (trade_id,) in cur] + repeated
        if rows:
            copy_rows(cur, "raw.trades", _COLUMNS, rows.values())
        if known:
            copy_rows(cur, "staging.trade_copies", _COLUMNS, known)
        return len(known)

    def conflicts(self, cur: cursor, load_batch_id: int) -> dict[int, str]:
        run_sql(cur, COPIES["trade_conflicts"], {"load_batch_id": load_batch_id})
        return dict(cur.fetchall())

    def take_periods(self) -> list[DeliveryPeriod]:
        return self._rows.take_periods()
