"""What is expected of the reference prices of the batches that were loaded."""

from include.expectations.library import WARNING, Expectation, ExpectNoRows
from include.expectations.validation import Suite
from include.settings import Settings

_IDENTITY = ("load_batch_id", "delivery_day", "delivery_hour", "landing_file_id", "landing_file", "line_number")
_SELECT = "SELECT load_batch_id, delivery_day, delivery_hour, landing_file_id, landing_file, line_number"


def suite(settings: Settings) -> Suite:
    """The suite for a view as `validation_view_reference_prices` makes it.

    All of it is warnings. A reply that must not count is rejected when it is loaded, so that it holds back no
    other.
    """
    return Suite("reference_prices", _IDENTITY, _update_times())


def _update_times() -> list[Expectation]:
    return [
        ExpectNoRows(
            unexpected_rows_query=f"""
                {_SELECT}, unreadable_update_time
                FROM {{batch}}
                WHERE unreadable_update_time IS NOT NULL
                """,
            meta={"column": "unreadable_update_time"},
            severity=WARNING,
            description="each last_update is missing or a time with a zone that can be read",
        ),
        ExpectNoRows(
            unexpected_rows_query=f"""
                {_SELECT}, provider_updated_at, observed_at
                FROM {{batch}}
                WHERE provider_updated_at > observed_at + interval '5 minutes'
                   OR provider_updated_at < tradable_from - interval '1 day'
                """,
            meta={"column": "provider_updated_at"},
            severity=WARNING,
            description="the provider updated each price after trading opened and before we observed it",
        ),
    ]
