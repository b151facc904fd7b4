"""Migrates the warehouse to the latest schema version; `python -m include.warehouse.migrate`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg2.extensions import cursor
from sqlalchemy.exc import OperationalError

from include.domain.delivery_period import Market
from include.errors import TerminalError, TransientError
from include.markets_file import remember_first_market
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_migration
from include.warehouse.queries import load_queries, read_script, run_sql

QUERIES = load_queries("warehouse/queries.sql")


def migrate(warehouse_url: str, markets: Sequence[Market] = ()) -> None:
    """Applies missing migrations, grants the role `analyst` its rights, and checks the functions for readers.

    Args:
        warehouse_url: `postgresql://…` of its owner.
        markets: What SQL is to know of the markets from now on, the first one first; none leaves it unchanged.

    Raises:
        TransientError: The warehouse cannot be reached, or a lock was not available in time.
        TerminalError: No warehouse is configured, a newer version migrated it, the first market is another one
            than before, or a function fails, for example because PostgreSQL does not know a time zone.
    """
    with connect(warehouse_url, "migrate") as conn, conn.cursor() as cur:
        conn.autocommit = True
        lock_migration(cur)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["warehouse_url"] = warehouse_url
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            raise TransientError(f"the warehouse: {str(error.orig).strip()}") from error
        except CommandError as error:
            raise TerminalError(
                "the warehouse was migrated by a newer version of this platform, and a migration goes forward"
                f" only (docs/deploy.md, Upgrade and rollback): {error}"
            ) from error
        cur.execute(read_script("grants"))
        if markets:
            _store(cur, markets)
        try:
            cur.execute(read_script("smoke"))
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error as error:
            raise TerminalError(f"a function of the warehouse fails: {str(error).strip()}") from error


def migrate_for(markets: Sequence[Settings]) -> None:
    """Migrates the warehouse of an installation, and notes which market is the first, here and in LANDING_ROOT.

    Args:
        markets: As `Settings.of_markets` returns them.

    Raises:
        TransientError: As `migrate`.
        TerminalError: As `migrate`, or LANDING_ROOT cannot be written.
    """
    first = markets[0]
    migrate(first.warehouse_url, [settings.market for settings in markets])
    try:
        remember_first_market(first.landing_root, first.market.market)
    except OSError as error:
        raise TerminalError(f"LANDING_ROOT cannot be written: {error}") from error


def _store(cur: cursor, markets: Sequence[Market]) -> None:
    """Writes ops.markets; a market that is not configured any more stays there if it has data or limits."""
    first = markets[0].market
    run_sql(cur, QUERIES["markets_first"])
    ((known,),) = cur.fetchall() or [(first,)]
    if known != first:
        raise TerminalError(
            f"the first market of the warehouse is {known}, whose landing files and DAGs do not name it, and"
            f" not {first}: LANDING_ROOT is that of another installation, or first_market in it was changed"
        )
    configured = {"markets": [market.market for market in markets]}
    run_sql(cur, QUERIES["markets_forget"], configured)
    run_sql(cur, QUERIES["markets_retire"], configured)
    run_sql(cur, QUERIES["markets_clear_alarms"], configured)
    for position, market in enumerate(markets, start=1):
        row = {"market": market.market, "position": position}
        row |= {"timezone": market.timezone.key, "currency": market.currency}
        run_sql(cur, QUERIES["markets_store"], row)


if __name__ == "__main__":
    try:
        migrate_for(Settings.of_markets())
    except (TerminalError, TransientError) as error:
        sys.exit(str(error))
