"""The ledger rows of a load: its file, its batch, and the delivery periods of its rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec
from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod
from include.errors import TerminalError
from include.landing import LandingFile
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """How far a landing file is loaded."""

    landing_file_id: int
    loaded_bytes: int = 0
    line_count: int = 0
    is_complete: bool = False
    is_connected: bool = False
    last_received_at: datetime | None = None


def lock_file(cur: cursor, file: LandingFile, market: str) -> LedgerRow:
    """Locks the ledger row of a file until the load commits, made if there is none.

    Raises:
        TerminalError: The file was loaded for another market.
    """
    run_sql(cur, QUERIES["landing_files_lock"], file_parameters(file, market))
    ((*ledger, known_market),) = cur.fetchall()
    if known_market != market:
        raise TerminalError(f"{file.path} was loaded as a file of market {known_market}, not {market}")
    return LedgerRow(*ledger)


def begin_batch(cur: cursor, file: LandingFile, landing_file_id: int, from_bytes: int, is_reload: bool) -> int:
    """A new batch of the file; returns its id."""
    batch = {"source": file.source, "landing_file_id": landing_file_id, "from_bytes": from_bytes}
    run_sql(cur, QUERIES["load_batches_begin"], batch | {"is_reload": is_reload})
    ((load_batch_id,),) = cur.fetchall()
    return int(load_batch_id)


def store_periods(
    cur: cursor, periods: Iterable[DeliveryPeriod], claimed: Iterable[DeliveryPeriod] = ()
) -> None:
    """Stores what the calendar says of delivery periods of a market.

    Args:
        cur: Within a transaction.
        periods: Of rows.
        claimed: Hours that rejects are about: what is open in them is shown, but they have no row of
            raw.period_hours, so that no price is asked for and no gap is counted for them alone.
    """
    loaded = _by_key(periods)
    if known := _by_key(claimed) | loaded:
        run_sql(cur, QUERIES["delivery_periods"], {"periods": _json(known)})
    if loaded:
        parameters = {"periods": _json(loaded)}
        run_sql(cur, QUERIES["period_hours_outdated"], parameters)
        run_sql(cur, QUERIES["period_hours"], parameters)


def file_parameters(file: LandingFile, market: str) -> dict[str, object]:
    """The columns by which the ledger identifies a file."""
    return {
        "market": market,
        "landing_file": file.key,
        "source": file.source,
        "hour_start_at": file.hour_start_at.astimezone(UTC),
    }


def _by_key(periods: Iterable[DeliveryPeriod]) -> dict[tuple[date, str], DeliveryPeriod]:
    return {(period.delivery_day, period.delivery_hour): period for period in periods}


def _json(periods: dict[tuple[date, str], DeliveryPeriod]) -> str:
    return msgspec.json.encode(list(periods.values())).decode()
