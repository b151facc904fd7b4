"""What becomes of the trades that are landed: one pass of the pipeline over them, or their end."""

from psycopg2.extensions import cursor

from include.expectations import acceptance
from include.jobs import build_pnl, load_trades, validate_trades
from include.landing import TRADES, list_files
from include.run_scope import Window
from include.settings import Settings
from tests.factories import Database


def validate_landed(settings: Settings, window: Window | None = None) -> None:
    """Loads what is landed and validates it."""
    load_trades.run(settings, window)
    validate_trades.run(settings)


def take_in(settings: Settings, window: Window | None = None) -> None:
    """Loads, validates and builds."""
    validate_landed(settings, window)
    build_pnl.run(settings, window)


def accept_loaded(cur: cursor, settings: Settings) -> bool:
    """Accepts the trades that are loaded, but for prices out of bounds; whether there were any batches.

    As a validation does, without the seconds that Great Expectations takes.
    """
    cur.execute("SELECT load_batch_id FROM ops.load_batches WHERE state = 'loaded'")
    if batches := [batch for (batch,) in cur]:
        cur.execute(
            "INSERT INTO pg_temp.unsound_rows SELECT landing_file_id, line_number, 'a price in bounds'"
            " FROM (SELECT * FROM raw.trades UNION ALL SELECT * FROM staging.trade_copies) AS t"
            " WHERE abs(price_eur_per_mwh) > 9999.99 AND load_batch_id = ANY(%s)",
            [batches],
        )
        acceptance.accept(cur, settings, "trades", batches)
    return bool(batches)


def forget_everything(settings: Settings, database: Database) -> None:
    """Removes the landed trades, and empties every table but the market's settings."""
    for file in list_files(settings.landing_root, TRADES):
        file.path.unlink()
    database.forget_everything()
