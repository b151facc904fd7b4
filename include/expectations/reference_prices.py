"""What is expected of the reference prices of the batches that were loaded."""

from include.expectations.library import WARNING, Expectation, no_rows_where
from include.expectations.validation import Suite
from include.settings import Settings

_IDENTITY = ("load_batch_id", "delivery_day", "delivery_hour", "landing_file_id", "landing_file", "line_number")


def suite(settings: Settings) -> Suite:
    """The suite for a view as `validation_view_reference_prices` makes it.

    All of it is warnings. A reply that must not count is rejected when it is loaded, so that it holds back no
    other.
    """
    return Suite("reference_prices", _IDENTITY, _update_times())


def _update_times() -> list[Expectation]:
    return [
        no_rows_where(
            "unreadable_update_time IS NOT NULL",
            columns=(*_IDENTITY, "unreadable_update_time"),
            column="unreadable_update_time",
            severity=WARNING,
            description="each last_update is missing or a time with a zone that can be read",
        ),
        no_rows_where(
            "provider_updated_at > observed_at + interval '5 minutes'"
            " OR provider_updated_at < tradable_from - interval '1 day'",
            columns=(*_IDENTITY, "provider_updated_at", "observed_at"),
            column="provider_updated_at",
            severity=WARNING,
            description="the provider updated each price after trading opened and before we observed it",
        ),
    ]
