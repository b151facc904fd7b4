"""A rebuild of days: from landing files alone, with nothing changed, with all prices changed, and reloaded."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from include.landing import REFERENCE_PRICES
from include.settings import PROJECT_ROOT
from tools.bench.dataset import reply_line, write_lines
from tools.bench.measures import MEGABYTE, Measure, WrongResultError, figure
from tools.bench.warehouses import Warehouses
from tools.database import Database
from tools.fingerprint import fingerprint
from tools.history import History, write_history

log = logging.getLogger(__name__)

_PER_MINUTE = 100
_START_AT = datetime(2025, 10, 1, tzinfo=UTC)
"""A month from here on holds the delivery day of 25 hours."""

_DAYS_PER_YEAR = 365
_BELOW_MB = 400
_MORE_EUR = 1
"""By how much every reference price changes, in EUR/MWh."""

_STATE = """
SELECT
    (SELECT count(*) FROM raw.trades) AS trades,
    (SELECT sum(trade_count)::bigint FROM curated.pnl_hourly) AS built_trades,
    (SELECT count(*) FROM curated.pnl_hourly) AS rows,
    (SELECT count(pnl_eur) FROM curated.pnl_hourly WHERE price_status = 'final') AS priced_rows,
    (SELECT count(*) FROM curated.pnl_hourly_history) AS versions,
    (SELECT sum(pnl_eur) FROM curated.pnl_hourly) AS pnl_eur,
    (SELECT sum(net_position_mwh) FROM curated.pnl_hourly) AS net_position_mwh,
    (SELECT max(built_at) FROM curated.pnl_hourly) AS built_at,
    f.lines, f.others,
    (SELECT count(*) FROM ops.pending_delivery_periods
     WHERE delivery_day IN (SELECT delivery_day FROM curated.pnl_hourly)) AS pending
FROM (
    SELECT sum(line_count)::bigint AS lines, sum(duplicate_count + rejected_count)::bigint AS others
    FROM ops.landing_files WHERE source = 'trades'
) AS f
"""
_PRICES = """
SELECT DISTINCT delivery_day, delivery_hour, reference_price_eur_per_mwh FROM curated.pnl_hourly ORDER BY 1, 2
"""
_PACES = """
SELECT quarter, sum(line_count)::bigint / extract(epoch FROM max(ended_at) - min(loaded_at))::float
FROM (
    SELECT
        line_count, loaded_at, ntile(4) OVER files AS quarter,
        lead(loaded_at) OVER files AS ended_at
    FROM ops.load_batches
    WHERE source = 'trades'
    WINDOW files AS (ORDER BY load_batch_id)
) AS loads
WHERE ended_at IS NOT NULL
GROUP BY quarter
ORDER BY quarter
"""


@dataclass(frozen=True)
class Run:
    """One rebuild.

    Attributes:
        stages: Seconds of each task, by its name.
    """

    counts: Mapping[str, int]
    seconds: float
    stages: Mapping[str, float]
    peak_bytes: int


@dataclass(frozen=True)
class _Place:
    """Where the rebuilds are."""

    warehouse_url: str
    landing_root: Path
    data_docs_root: Path
    history: History

    def run(self, rebuild_id: str, *options: str) -> Run:
        """Runs it in a process of its own."""
        first, last = self.history.first_delivery_day, self.history.last_delivery_day
        log.info("rebuild of %s to %s: %s", first, last, rebuild_id)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tools.bench.processes.rebuild"),
                rebuild_id,
                str(first),
                str(last),
                *options,
            ],
            cwd=PROJECT_ROOT,
            env=os.environ
            | {
                "WAREHOUSE_URL": self.warehouse_url,
                "LANDING_ROOT": str(self.landing_root),
                "DATA_DOCS_ROOT": str(self.data_docs_root),
            },
            stdout=subprocess.PIPE,
            check=True,
        )
        return Run(**json.loads(done.stdout))


def measure(warehouses: Warehouses, days: int, folder: Path) -> list[Measure]:
    """Each rebuild once, in an order in which the next one starts from what the one before left.

    Raises:
        WrongResultError: A table says something else than the landing files.
    """
    root = folder / "history"
    log.info("rebuild: writing landing files of %d days", days)
    history = write_history(root, _START_AT, 24 * days, lines=1, is_fast=True, per_minute=_PER_MINUTE)
    with warehouses.empty() as url:
        place = _Place(url, root, folder / "data_docs", history)
        database = Database(url)
        try:
            return _measure(warehouses, place, database, days)
        finally:
            database.close()


def _measure(warehouses: Warehouses, place: _Place, database: Database, days: int) -> list[Measure]:
    history = place.history
    warehouses.settle()
    first = place.run("from landing files")
    built, prints = _state(database), fingerprint(database)
    _check_first(first, built, history)
    paces = [pace for _, pace in database.rows(_PACES)]
    log.info("rebuild: %s lines/s loaded, quarter by quarter", ", ".join(f"{pace:,.0f}" for pace in paces))

    warehouses.settle()
    again = place.run("nothing changed")
    _expect("a rebuild with nothing changed", (again.counts["rows_changed"], _state(database)), (0, built))
    _expect("a rebuild with nothing changed", fingerprint(database), prints)

    _publish_other_prices(database, place)
    warehouses.settle()
    priced = place.run("all prices changed")
    repriced, repriced_prints = _state(database), fingerprint(database)
    rows = built["rows"]
    _expect(
        "a rebuild with all prices changed",
        (priced.counts["rows_changed"], repriced["rows"], repriced["priced_rows"], repriced["versions"]),
        (rows, rows, rows, 2 * rows),
    )
    _expect("its PnL", repriced["pnl_eur"], built["pnl_eur"] + _MORE_EUR * built["net_position_mwh"])
    _expect("its trades", repriced_prints["curated.trades"], prints["curated.trades"])

    warehouses.settle()
    reloaded = place.run("reloaded", "--reload")
    _expect("a reload", (reloaded.counts["rows_changed"], _state(database)), (0, repriced))
    _expect("a reload", fingerprint(database), repriced_prints)

    of_days = f"rebuild, {_days(days)}"
    stages = first.stages
    years = _DAYS_PER_YEAR / days
    a_year = f"a year of {_DAYS_PER_YEAR * 24 * 60 * _PER_MINUTE:,} trades, extrapolated"
    return [
        figure(f"{of_days} from landing files", _seconds(first.seconds)),
        figure("- load_trades", _seconds(stages["load_trades"])),
        figure("- validate_trades", _seconds(stages["validate_trades"])),
        figure("- load and validate prices", _seconds(_of_prices(stages))),
        figure("- build_pnl", _seconds(stages["rebuild_pnl"])),
        figure("- all of it, lines", f"{history.trade_lines / first.seconds / 1000:.0f}k/s"),
        figure(
            "- peak memory",
            f"{first.peak_bytes / MEGABYTE:.0f} MB",
            f"< {_BELOW_MB} MB",
            first.peak_bytes < _BELOW_MB * MEGABYTE,
        ),
        figure(f"{of_days}, nothing changed", _seconds(again.seconds)),
        figure(f"{of_days}, all prices changed", _seconds(priced.seconds)),
        figure(f"{of_days}, landing files loaded again", _seconds(reloaded.seconds)),
        figure(f"{a_year}, from landing files", f"{first.seconds * years / 60:.1f} min"),
        figure(f"{a_year}, all prices changed", f"{priced.seconds * years / 60:.1f} min"),
    ]


def _state(database: Database) -> dict[str, Any]:
    (state,) = database.dicts(_STATE)
    return state


def _check_first(run: Run, state: Mapping[str, object], history: History) -> None:
    """Every line of the history is where it belongs after the first rebuild.

    Raises:
        WrongResultError: One is not.
    """
    rows = state["rows"]
    _expect(
        "what was built of the landing files",
        (
            *(state["trades"], state["built_trades"], state["lines"], state["others"], state["pending"]),
            *(run.counts["rows_built"], run.counts["rows_changed"], state["priced_rows"], state["versions"]),
        ),
        (
            *(history.trade_count, history.trade_count, history.trade_lines),
            *(history.broken_count + history.duplicate_or_conflict_count, 0, rows, rows, rows, rows),
        ),
    )


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise WrongResultError(f"{what} came to {found}, not to {expected}")


def _publish_other_prices(database: Database, place: _Place) -> None:
    """Lands a later reply of the provider for each delivery period, with another price."""
    at = place.history.prices_until
    lines = (
        reply_line(at + number * timedelta(milliseconds=1), day, label, price + _MORE_EUR)
        for number, (day, label, price) in enumerate(database.rows(_PRICES))
    )
    write_lines(place.landing_root, REFERENCE_PRICES, at, lines)


def _of_prices(stages: Mapping[str, float]) -> float:
    return stages["load_reference_prices"] + stages["validate_reference_prices"]


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
