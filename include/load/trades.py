"""The sink of trades: each revision once, whichever capture instance received it."""

from collections.abc import Iterable
from datetime import date

from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import Cancellation, Trade, claimed_hours, parse_message
from include.landing import TRADES
from include.landing_line import Line
from include.load.copying import NULL, array_literal, copy_rows, escaped
from include.load.rejects import storable
from include.load.sink import Note
from include.load.trade_rows import COLUMNS, TradeRows, key_of, trade_ids_of
from include.warehouse.locks import lock_trades, share_trades
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")
COPIES = load_queries("load/copies.sql")

MAX_NAMES = 100
"""Names of each sort that are noted of a load; further ones are counted as `other`."""

_MAX_NAME_CHARACTERS = 100
_ORIGIN = ("received_at", "line_number", "load_batch_id", "landing_file_id")
_COLUMNS = (*COLUMNS, *_ORIGIN)
_CANCELLATION_COLUMNS = ("market", "trade_id", "direction", "revision", *_ORIGIN)
_RECEIPT_COLUMNS = ("market", "trade_id", "direction", "revision", "is_disputed", *_ORIGIN)
_RECEIPT_FIELDS = [_COLUMNS.index(column) for column in _RECEIPT_COLUMNS]
_REVISION, _IS_DISPUTED = _COLUMNS.index("revision"), _COLUMNS.index("is_disputed")
_EXECUTED_AT = _COLUMNS.index("executed_at")
_CANCELLATION = "\x00"  # begins the key of a cancellation; no trade id has this character


class TradeSink:
    """`raw.trades`, `raw.trade_cancellations` and `raw.trade_receipts`.

    Looking ids up and copying the new rows is twice as fast as an INSERT with ON CONFLICT. If another load
    stores one of them in between, the primary key refuses the portion, and `write_rows` hands it over again.
    """

    source = TRADES
    has_connection = True

    def __init__(self, market: Market) -> None:
        self.market = market.market
        self._market = market
        self._rows = TradeRows(market)
        self._claimed: dict[tuple[date, str], DeliveryPeriod] = {}
        self._notes: dict[tuple[str, str], Note] = {}
        self._cancellation_count = 0
        self._has_receipts = False

    def begin(self, cur: cursor, is_alone: bool = False) -> None:
        (lock_trades if is_alone else share_trades)(cur, self.market)
        self._rows.take_periods()
        self._claimed.clear()
        self._notes.clear()
        self._cancellation_count = 0
        self._has_receipts = False

    def row(self, line: Line) -> tuple[str, str] | None:
        if line.raw is None:
            if line.raw_base64 is None:
                raise RejectedMessageError(Reason.FOREIGN_LINE, "neither a message nor an event")
            raise RejectedMessageError(Reason.NOT_TEXT, "the message is not UTF-8 text")
        if ordinary := self._rows.ordinary_row(line.raw):
            return ordinary
        message = parse_message(line.raw, self._market)
        if isinstance(message, Trade):
            self._has_receipts |= message.revision > 0 or message.is_disputed or message.executed_at is None
            for name in message.unknown_fields:
                self._note("unknown_field", name, line.received_at)
            return self._rows.row_of(message)
        if isinstance(message, Cancellation):
            self._cancellation_count += 1
            return f"{_CANCELLATION}{self._cancellation_count}", (
                f"{self.market}\t{escaped(message.trade_id)}\t{message.direction or NULL}"
                f"\t{NULL if message.revision is None else message.revision}"
            )
        self._note("operational", message.kind, line.received_at)
        return None

    def claimed_hours(self, line: Line) -> tuple[date, tuple[str, ...]] | None:
        try:
            claimed = None if line.raw is None else claimed_hours(line.raw, self._market)
            if claimed is not None:
                day, hours = claimed
                for hour in hours:
                    if (day, hour) not in self._claimed:
                        self._claimed[day, hour] = self._market.period(day, hour)
        except Exception:  # noqa: BLE001 - the load has rejected the line, whatever is wrong with it
            return None
        return claimed

    def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
        if self._cancellation_count:
            cancellations = [rows.pop(key) for key in list(rows) if key.startswith(_CANCELLATION)]
            if cancellations:
                copy_rows(cur, "raw.trade_cancellations", _CANCELLATION_COLUMNS, cancellations)
        if self._has_receipts:
            receipts = _receipts([*rows.values(), *repeated])
            copy_rows(cur, "raw.trade_receipts", _RECEIPT_COLUMNS, receipts)
        # without statistics the planner takes the key's index for slow, and reads the whole table
        cur.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        parameters = {"market": self.market, "trade_ids": array_literal(trade_ids_of(rows))}
        run_sql(cur, QUERIES["trades_known"], parameters)
        keys = [key_of(*identity) for identity in cur.fetchall()]
        known = [rows.pop(key) for key in keys if key in rows] + repeated
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

    def take_claimed_periods(self) -> list[DeliveryPeriod]:
        periods = list(self._claimed.values())
        self._claimed.clear()
        return periods

    def take_notes(self) -> list[Note]:
        return list(self._notes.values())

    def _note(self, about: str, name: str, received_at: str) -> None:
        name = storable(name.encode("utf-8", "surrogatepass"))[:_MAX_NAME_CHARACTERS]
        if (about, name) not in self._notes and sum(key[0] == about for key in self._notes) >= MAX_NAMES:
            name = "other"
        note = self._notes.setdefault((about, name), Note(about, name, 0, received_at, received_at))
        note.message_count += 1
        note.last_received_at = received_at


def _receipts(rows: Iterable[str]) -> list[str]:
    """The rows of `raw.trade_receipts`: amendments, disputed trades, and those without a time of execution."""
    receipts = []
    for row in rows:
        values = row.removesuffix("\n").split("\t")
        if values[_REVISION] != "0" or values[_IS_DISPUTED] == "t" or values[_EXECUTED_AT] == NULL:
            receipts.append("\t".join(values[field] for field in _RECEIPT_FIELDS) + "\n")
    return receipts
