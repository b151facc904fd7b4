"""The trades among the sources of the loader."""

from collections.abc import Iterator

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.rejection import Reason, RejectedMessageError
from include.landing import TRADES
from include.load.lines import Line
from include.load.trade_rows import COLUMNS, TradeRows
from include.warehouse.connection import named_sql, run_sql


class Trades:
    """`raw.trades`: the first copy of a trade wins, whichever line captured it."""

    source = TRADES
    copy_sql = f"COPY pg_temp.staged_trades ({', '.join(COLUMNS)}, received_at, line_number) FROM STDIN"

    def __init__(self, market: Market) -> None:
        self._rows = TradeRows(market)

    def stage(self, cur: cursor) -> None:
        cur.execute(named_sql("raw/trades_stage"))

    def row(self, line: Line) -> str | None:
        if line.raw is None:
            if line.raw_base64 is None:
                raise RejectedMessageError(Reason.FOREIGN_LINE, "neither a message nor an event")
            raise RejectedMessageError(Reason.NOT_TEXT, "the message is not UTF-8 text")
        return self._rows.row(line.raw)

    def insert(self, cur: cursor, load_batch_id: int, landing_file_id: int) -> int:
        return run_sql(cur, "raw/trades", {"load_batch_id": load_batch_id, "landing_file_id": landing_file_id})

    def conflicts(self, cur: cursor) -> Iterator[tuple[int, str]]:
        run_sql(cur, "raw/trades_conflicts")
        yield from cur

    def periods(self) -> list[DeliveryPeriod]:
        periods = list(self._rows.periods.values())
        self._rows.periods.clear()
        return periods
