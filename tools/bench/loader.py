"""The loader beside its limit: `COPY` of the very rows into the same table with its key and its index."""

import logging
import time
from pathlib import Path

from include.warehouse.connection import connect
from tools.bench.measures import Measure, memory, speed
from tools.bench.warehouses import Warehouses

log = logging.getLogger(__name__)

_AT_LEAST, _IN_ONE_PROCESS_AT_LEAST = 0.85, 0.6
_BELOW_MB = 64


def measure(warehouses: Warehouses, repeats: int, folder: Path) -> list[Measure]:
    """Limit, loader, and loader in one process in turns, each into an empty warehouse."""
    data = warehouses.dataset
    rows = folder / "ready-made-rows.copy"
    query = "SELECT * FROM raw.trades ORDER BY landing_file_id, line_number"
    with connect(warehouses.loaded, "bench") as conn, conn.cursor() as cur, rows.open("wb") as file:
        cur.copy_expert(f"COPY ({query}) TO STDOUT", file)
    limits, rates, alone, peaks = list[float](), list[float](), list[float](), list[int]()
    for number in range(1, repeats + 1):
        with warehouses.empty() as url:
            limits.append(data.trade_count / _copy(url, rows))
        with warehouses.empty() as url:
            rates.append(data.line_count / warehouses.load(url).seconds)
        with warehouses.empty() as url:
            run = warehouses.load(url, is_alone=True)
        alone.append(data.line_count / run.seconds)
        peaks.append(run.peak_bytes)
        log.info(
            "loader %d of %d: limit %.0f rows/s, loader %.0f lines/s, in one process %.0f lines/s",
            *(number, repeats, limits[-1], rates[-1], alone[-1]),
        )
    return [
        speed("load_trades, lines", rates, limits, _AT_LEAST),
        speed("load_trades in one process, lines", alone, limits, _IN_ONE_PROCESS_AT_LEAST),
        memory("load_trades, peak memory of a process", peaks, _BELOW_MB),
    ]


def _copy(url: str, rows: Path) -> float:
    with connect(url, "bench") as conn, rows.open("rb") as file:
        began = time.perf_counter()
        with conn, conn.cursor() as cur:
            cur.copy_expert("COPY raw.trades FROM STDIN", file, size=1 << 20)
        return time.perf_counter() - began
