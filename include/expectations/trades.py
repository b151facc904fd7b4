"""What is expected of the trades of the batches that were loaded."""

from include.domain.delivery_period import Market
from include.expectations.library import (
    CRITICAL,
    WARNING,
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    no_rows_where,
)
from include.expectations.validation import Suite
from include.settings import Settings

_IDENTITY = ("load_batch_id", "trade_id", "landing_file_id", "landing_file", "line_number")
_PLANNER = {"enable_nestloop": "off", "enable_seqscan": "off"}
"""Statistics do not know a batch that was just loaded: PostgreSQL plans for one row of it, and would go through
all delivery periods once for each row. And Great Expectations tests a table by `SELECT 1 … LIMIT 1`: to find a
row of a batch, PostgreSQL would read all trades that were loaded before."""


def suite(settings: Settings) -> Suite:
    """The suite for a view as `validation_view_trades` makes it.

    A trade that breaks a critical expectation is quarantined; each of them is about one row. Whether a trade is
    plausible depends on limits that a desk sets for itself and on prices that still move: these are warnings.
    """
    expectations = (*_identity(), *_ranges(settings.market), *_delivery(), *_times(), *_plausibility(settings))
    return Suite("trades", _IDENTITY, expectations, _PLANNER)


def _identity() -> list[Expectation]:
    return [
        # ExpectColumnValueLengthsToBeBetween would take a pass of its own over the table
        no_rows_where(
            "trade_id = ''",
            columns=_IDENTITY,
            column="trade_id",
            severity=CRITICAL,
            description="each trade's id has characters",
        ),
        no_rows_where(
            "trader_id = ''",
            columns=(*_IDENTITY, "trader_id"),
            column="trader_id",
            severity=CRITICAL,
            description="each trade says who traded",
        ),
        *(
            ExpectColumnValuesToNotBeNull(
                column=column, severity=CRITICAL, description=f"each trade has its {column}"
            )
            for column in (
                "trade_id",
                "trader_id",
                "delivery_day",
                "delivery_hour",
                "received_at",
            )
        ),
        ExpectColumnValuesToNotBeNull(
            column="executed_at", severity=WARNING, description="each trade has a readable execution time"
        ),
    ]


def _ranges(market: Market) -> list[Expectation]:
    return [
        ExpectColumnValuesToBeInSet(
            column="direction",
            value_set=["buy", "sell"],
            severity=CRITICAL,
            description="each trade is a buy or a sell",
        ),
        ExpectColumnValuesToBeBetween(
            column="price_eur_per_mwh",
            min_value=float(market.price_min),
            max_value=float(market.price_max),
            severity=CRITICAL,
            description=(
                f"each price is within the exchange's bounds,"
                f" {market.price_min:,} to {market.price_max:,} EUR/MWh"
            ),
        ),
        ExpectColumnValuesToBeBetween(
            column="quantity_mw",
            min_value=0,
            strict_min=True,
            severity=CRITICAL,
            description="each quantity is above 0 MW",
        ),
    ]


def _delivery() -> list[Expectation]:
    return [
        no_rows_where(
            "(delivery_start_at, delivery_end_at) IS DISTINCT FROM (calendar_start_at, calendar_end_at)",
            columns=(*_IDENTITY, "delivery_day", "delivery_hour", "delivery_start_at", "calendar_start_at"),
            column="delivery_start_at",
            severity=CRITICAL,
            description="start and end of delivery are those of the delivery hour in the market's calendar",
        ),
        no_rows_where(
            "delivery_start_day IS DISTINCT FROM delivery_day",
            columns=(*_IDENTITY, "delivery_day", "delivery_hour", "delivery_start_at"),
            column="delivery_day",
            severity=CRITICAL,
            description="delivery starts on the delivery day, in the market's local time",
        ),
    ]


def _times() -> list[Expectation]:
    return [
        no_rows_where(
            "executed_at > delivery_begins_at",
            columns=(*_IDENTITY, "executed_at", "delivery_begins_at"),
            column="executed_at",
            severity=WARNING,
            description="no trade was executed after its delivery began",
        ),
        no_rows_where(
            # a statement (revision -1) comes at the end of the day
            "revision >= 0 AND (executed_at < received_at - interval '3 hours'"
            " OR executed_at > received_at + interval '3 hours')",
            columns=(*_IDENTITY, "executed_at", "received_at"),
            column="executed_at",
            severity=WARNING,
            description="each trade was executed within 3 hours of its receipt",
        ),
        no_rows_where(
            "received_at > loaded_at + interval '1 minute'",
            columns=(*_IDENTITY, "received_at", "loaded_at"),
            column="received_at",
            severity=WARNING,
            description="no trade was received after it was loaded (the clock of the capture would be ahead)",
        ),
    ]


def _plausibility(settings: Settings) -> list[Expectation]:
    quantity, deviation = settings.trade_max_quantity_mw, settings.trade_max_deviation_eur_per_mwh
    return [
        ExpectColumnValuesToBeBetween(
            column="quantity_mw",
            max_value=quantity,
            severity=WARNING,
            description=f"each quantity is at most {quantity:,} MW",
        ),
        no_rows_where(
            f"price_eur_per_mwh NOT BETWEEN lowest_reference_price - {deviation}"
            f" AND highest_reference_price + {deviation}",
            columns=(*_IDENTITY, "price_eur_per_mwh", "lowest_reference_price", "highest_reference_price"),
            column="price_eur_per_mwh",
            severity=WARNING,
            description=(
                f"each price is at most {deviation:,} EUR/MWh away from the reference price of its hour, if"
                " there is one"
            ),
        ),
    ]
