"""What is expected of the reference prices of the batches that were loaded."""

from include.expectations.library import (
    CRITICAL,
    WARNING,
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectNoRows,
)
from include.expectations.trades import HIGHEST_PRICE, LOWEST_PRICE
from include.expectations.validation import Suite
from include.settings import Settings

_IDENTITY = ("load_batch_id", "delivery_day", "delivery_hour", "landing_file_id", "landing_file", "line_number")
_SELECT = "SELECT load_batch_id, delivery_day, delivery_hour, landing_file_id, landing_file, line_number"


def suite(settings: Settings) -> Suite:
    """The suite for a view as `validation_view_reference_prices` makes it."""
    return Suite("reference_prices", _IDENTITY, (*_observations(), *_plausibility()))


def _observations() -> list[Expectation]:
    return [
        ExpectNoRows(
            unexpected_rows_query=f"{_SELECT} FROM {{batch}} WHERE calendar_start_at IS NULL",
            meta={"column": "delivery_hour"},
            severity=CRITICAL,
            description="each price is for a delivery period of the market's calendar",
        ),
        ExpectColumnValuesToBeBetween(
            column="price_eur_per_mwh",
            min_value=LOWEST_PRICE,
            max_value=HIGHEST_PRICE,
            severity=CRITICAL,
            description="each price is undefined or from -9,999.99 to 9,999.99 EUR/MWh, the exchange's bounds",
        ),
        ExpectColumnValuesToNotBeNull(
            column="observed_at", severity=CRITICAL, description="each price says when it was observed"
        ),
        ExpectNoRows(
            unexpected_rows_query=f"""
                {_SELECT}, observed_at, loaded_at
                FROM {{batch}}
                WHERE observed_at > loaded_at + interval '5 minutes'
                """,
            meta={"column": "observed_at"},
            severity=CRITICAL,
            description="no price was observed in the future (it would hide all later ones)",
        ),
    ]


def _plausibility() -> list[Expectation]:
    return [
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
        ExpectNoRows(
            unexpected_rows_query="""
                SELECT r.load_batch_id, r.delivery_day, r.delivery_hour, r.landing_file_id, r.landing_file,
                    r.line_number,
                    e.price_eur_per_mwh AS earlier_price, r.price_eur_per_mwh
                FROM {batch} AS r
                JOIN raw.delivery_periods AS p
                    ON p.delivery_day = r.delivery_day AND p.delivery_hour = r.delivery_hour
                JOIN LATERAL (
                    SELECT o.price_eur_per_mwh
                    FROM raw.reference_prices AS o
                    JOIN ops.load_batches AS b ON b.load_batch_id = o.load_batch_id
                    WHERE o.delivery_day = r.delivery_day AND o.delivery_hour = r.delivery_hour
                      AND o.observed_at < r.observed_at AND o.observed_at >= p.price_final_from
                      AND o.price_eur_per_mwh IS NOT NULL
                    ORDER BY o.observed_at DESC
                    LIMIT 1
                ) AS e ON e.price_eur_per_mwh <> r.price_eur_per_mwh
                WHERE r.is_final
                """,
            meta={"column": "price_eur_per_mwh"},
            severity=WARNING,
            description="the provider did not revise a final price",
        ),
    ]
