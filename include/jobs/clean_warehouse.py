"""Removes rows of the warehouse's logs that say nothing any more: no message, no price, no decision."""

from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("jobs/clean_warehouse.sql")


def run(settings: Settings) -> dict[str, int]:
    """Removes old requests to the provider, and old results of expectations that were met.

    Returns:
        Counts: provider_requests and validation_results.

    Raises:
        TerminalError: No warehouse is configured.
        TransientError: The warehouse went away; nothing was removed.
    """
    with connect(settings.warehouse_url, "clean_warehouse") as conn, conn, conn.cursor() as cur:
        return {
            "provider_requests": run_sql(cur, QUERIES["provider_requests_forget"]),
            "validation_results": run_sql(cur, QUERIES["validation_results_forget"]),
        }
