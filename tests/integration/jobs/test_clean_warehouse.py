"""What goes of the warehouse's logs, and what somebody still looks at."""

from datetime import date

from include.jobs import clean_warehouse
from include.settings import Settings
from tests.factories import Database, ago

DAY = date(2026, 3, 2)


def request(database: Database, hour: str, days: float, status: int | None, **columns: object) -> None:
    """A request about an hour that was answered so many days ago; without a status it never was."""
    if status is None:
        columns["finished_at"] = None
    database.request(days * 24 * 60, status, delivery_day=DAY, delivery_hour=hour, **columns)


def test_the_newest_request_of_each_kind_of_a_period_stays(settings: Settings, database: Database) -> None:
    for days in (400, 300, 200):
        request(database, "10-11", days, 200)
        request(database, "10-11", days, 503)
    request(database, "11-12", 100, 404)
    request(database, "12-13", 100, None)
    request(database, "13-14", 29, None)
    request(database, "13-14", 29, 200)
    request(database, "13-14", 28, 200)
    request(database, "14-15", 100, 429, retry_at=ago(-24 * 60))
    request(database, "14-15", 99, 429)
    assert clean_warehouse.run(settings)["provider_requests"] == 5
    left = database.rows(
        "SELECT delivery_hour, status, round(extract(epoch FROM now() - requested_at) / 86400)::int"
        " FROM ops.provider_requests ORDER BY 1, 3 DESC, 2"
    )
    assert left == [
        ("10-11", 200, 200),
        ("10-11", 503, 200),
        ("11-12", 404, 100),
        ("13-14", 200, 29),
        ("13-14", None, 29),
        ("13-14", 200, 28),
        ("14-15", 429, 100),
        ("14-15", 429, 99),
    ]
    assert clean_warehouse.run(settings)["provider_requests"] == 0


def test_results_that_were_met_are_forgotten_after_a_week(settings: Settings, database: Database) -> None:
    for success, days in ((True, 8), (True, 6), (False, 8)):
        database.insert("ops.validation_results", validated_at=ago(days * 24 * 60), is_success=success)
    assert clean_warehouse.run(settings)["validation_results"] == 1
    left = database.rows(
        "SELECT is_success, extract(day FROM now() - validated_at)::int FROM ops.validation_results ORDER BY 1"
    )
    assert left == [(False, 8), (True, 6)]
