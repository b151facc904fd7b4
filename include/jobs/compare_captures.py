"""Compares what the capture instances received in an hour: which of them missed trades that another one has."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg2.extensions import connection

from include.health.capture_streams import (
    MAX_DELAY,
    Span,
    Trade,
    files_by_instance,
    first_receipts,
    merged,
    received_trades,
    was_connected,
)
from include.landing import TRADES, list_files
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/compare_captures.sql")

_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLES = 10
_TRADES_PER_QUERY = 5_000


@dataclass(slots=True)
class _Comparison:
    """A row of ops.capture_comparisons."""

    trade_count: int = 0
    shared_count: int = 0
    missed_count: int = 0
    missed_trade_ids: list[str] = field(default_factory=list)
    first_missed_at: datetime | None = None
    last_missed_at: datetime | None = None

    def miss(self, at: datetime, trade: Trade) -> None:
        self.missed_count += 1
        if len(self.missed_trade_ids) < _EXAMPLES:
            self.missed_trade_ids.append(trade[0])
        self.first_missed_at = self.first_missed_at or at
        self.last_missed_at = at


def run(settings: Settings, window: Window) -> dict[str, int]:
    """Compares the instances in each hour of receipt that ends in the window, once its files are loaded.

    A trade counts in the hour in which the 60 s end that the other instances have to receive it, too: all that
    decides has then been landed.

    Returns:
        Counts: hours, instances (added up over the hours), trades that were missed.

    Raises:
        TransientError: The warehouse went away; a rerun compares again.
        OSError: A landing file cannot be read.
    """
    total = Counter({"hours": 0, "instances": 0, "missed": 0})
    with connect(settings.warehouse_url, "compare_captures") as conn:
        for hour in _hours(window):
            compared = _compare(conn, settings, hour)
            with conn, conn.cursor() as cur:
                of_hour = {"market": settings.market.market, "hour_start_at": hour}
                known = of_hour | {"capture_instances": list(compared)}
                run_sql(cur, QUERIES["comparisons_delete"], known)
                for instance, comparison in compared.items():
                    row = of_hour | {"capture_instance": instance, **asdict(comparison)}
                    run_sql(cur, QUERIES["comparisons_store"], row)
                    if comparison.missed_count:
                        log.warning(
                            "%s missed %d trades in the hour from %s that another instance received",
                            *(instance, comparison.missed_count, hour),
                        )
                    total["missed"] += comparison.missed_count
            total["hours"] += 1
            total["instances"] += len(compared)
    return dict(total)


def _hours(window: Window) -> Iterator[datetime]:
    """The starts of the hours that end in the window."""
    end = window.start_at + _HOUR - (window.start_at - _EPOCH) % _HOUR
    while end <= window.end_at:
        yield end - _HOUR
        end += _HOUR


def _compare(conn: connection, settings: Settings, hour: datetime) -> dict[str, _Comparison]:
    """The row of each instance that has landing files of this hour or the one before."""
    from_at, until_at = hour - MAX_DELAY, hour + _HOUR - MAX_DELAY
    market = settings.market.market
    listed = list_files(
        settings.landing_root, TRADES, hour - _HOUR, hour + _HOUR, market=settings.landing_market
    )
    for file in listed:
        file.check()
    files = files_by_instance(listed)
    spans = [_connected(conn, [file.key for file in of_one]) for of_one in files.values()]
    # trades before `from_at` belong to the hour before, and their copies with them
    streams = [received_trades([f.path for f in of_one], from_at - MAX_DELAY) for of_one in files.values()]
    compared = [_Comparison() for _ in files]
    unsure: list[tuple[_Comparison, datetime, Trade]] = []
    for at, trade, bits in first_receipts(streams):
        if not from_at <= at < until_at:
            continue
        for number, comparison in enumerate(compared):
            if bits & 1 << number:
                comparison.trade_count += 1
                comparison.shared_count += bits != 1 << number
            elif was_connected(spans[number], at):
                unsure.append((comparison, at, trade))
        if len(unsure) >= _TRADES_PER_QUERY:
            _count_missed(conn, market, unsure)
            unsure.clear()
    _count_missed(conn, market, unsure)
    return dict(zip(files, compared, strict=True))


def _connected(conn: connection, landing_files: list[str]) -> list[Span]:
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["connected_intervals_of_files"], {"landing_files": landing_files})
        return merged(cur.fetchall())


def _count_missed(conn: connection, market: str, unsure: list[tuple[_Comparison, datetime, Trade]]) -> None:
    """Counts the trades that were missed, but no copy of a trade that had been received long before."""
    if not unsure:
        return
    with conn, conn.cursor() as cur:
        parameters = {
            "market": market,
            "trade_ids": [trade_id for _, _, (trade_id, _, _) in unsure],
            "directions": [direction for _, _, (_, direction, _) in unsure],
            "revisions": [revision for _, _, (_, _, revision) in unsure],
            "received_at": [at for _, at, _ in unsure],
        }
        run_sql(cur, QUERIES["trades_received_before"], parameters)
        known = {number for (number,) in cur}
    for number, (comparison, at, trade) in enumerate(unsure, start=1):
        if number not in known:
            comparison.miss(at, trade)
