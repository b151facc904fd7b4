"""Asks the provider again for the prices of a rebuild's delivery days, within the budget."""

from include.errors import TransientError
from include.jobs import pull_reference_prices
from include.run_scope import Rebuild
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("jobs/rebuild.sql")

TIMEOUT_SECONDS = 24 * 3600.0
"""A year of hours takes half a day within the budget."""


def run(settings: Settings, rebuild: Rebuild) -> dict[str, int]:
    """Asks for each hour of the days that was not answered since the rebuild began.

    Returns:
        What `pull_reference_prices` returns; nothing unless asked for.

    Raises:
        TransientError: The provider or the warehouse went away, or time was up; a rerun asks for the rest.
    """
    if not rebuild.force_prices:
        return {}
    with connect(settings.warehouse_url, "repull_reference_prices") as conn, conn, conn.cursor() as cur:
        run_sql(
            cur,
            QUERIES["rebuild_started_at"],
            {"market": settings.market.market, "rebuild_id": rebuild.rebuild_id},
        )
        ((since,),) = cur.fetchall()
    summary = pull_reference_prices.run(
        settings,
        days=rebuild.days,
        force_prices=True,
        answered_since=since,
        deadline_seconds=TIMEOUT_SECONDS,
    )
    if summary["deferred"]:
        raise TransientError(f"{summary['deferred']} delivery periods are still to be asked for: run it again")
    return summary
