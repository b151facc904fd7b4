"""The first task of a rebuild: notes what is asked for, once it is known to make sense."""

from include.run_scope import Rebuild
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("jobs/rebuild.sql")


def run(settings: Settings, rebuild: Rebuild) -> dict[str, str | int]:
    """Notes the rebuild in ops.rebuilds; one that is noted already starts over.

    Returns:
        The range and the number of its days, and which options were chosen.

    Raises:
        TransientError: The warehouse went away.
    """
    days = rebuild.days
    with connect(settings.warehouse_url, "check_range") as conn, conn, conn.cursor() as cur:
        run_sql(
            cur,
            QUERIES["rebuild_begin"],
            {
                "market": settings.market.market,
                "rebuild_id": rebuild.rebuild_id,
                "from_day": days.first,
                "to_day": days.last,
            },
        )
    return {
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "days": len(days),
        "reload": rebuild.reload,
        "force_prices": rebuild.force_prices,
    }
