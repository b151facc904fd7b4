"""Removes rows of the warehouse's logs that say nothing any more: no message, no price, no decision."""

from include.settings import Settings
from include.warehouse.connection import connect, run_sql


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
            "provider_requests": run_sql(cur, "ops/provider_requests_forget"),
            "validation_results": run_sql(cur, "ops/validation_results_forget"),
        }
