"""Deletes old requests to the provider and old results of validations."""

from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("jobs/clean_warehouse.sql")


def run(settings: Settings) -> dict[str, int]:
    """Deletes requests to the provider after 30 days, and passed validation results after 7 days.

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
