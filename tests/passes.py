"""What becomes of the trades that are landed: one pass of the pipeline over them, or their end."""

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


def forget_everything(settings: Settings, database: Database) -> None:
    """Removes the landed trades, and empties every table but the market's settings."""
    for file in list_files(settings.landing_root, TRADES):
        file.path.unlink()
    database.forget_everything()
