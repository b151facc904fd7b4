"""Batches of prices: what counts, and which delivery periods have to be built again for it."""

from decimal import Decimal

import pytest

from include.errors import TerminalError
from include.jobs import validate_reference_prices
from include.settings import Settings
from tests.integration.expectations.conftest import DAY, Warehouse


def publish_pnl(warehouse: Warehouse, hour: int, price: str | None, price_status: str) -> None:
    """PnL of one trader; only its key and price matter here."""
    label, value = warehouse.period(hour), None if price is None else Decimal(price)
    warehouse.database.pnl(DAY, label, "trader_1", value, price_status=price_status)


def test_good_prices_are_accepted(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.prices(12)
    warehouse.price(batch_id, 13, price=None, updated_at=None)
    warehouse.price(batch_id, 14, price="-9999.99")
    warehouse.rows("UPDATE ops.load_batches SET loaded_count = 3, line_count = 3")
    assert validate_reference_prices.run(settings) == {"batches": 1, "rows": 3, "warnings": 0}
    assert warehouse.state(batch_id) == "accepted"
    assert warehouse.values("SELECT DISTINCT suite FROM ops.validation_results") == ["reference_prices"]
    assert warehouse.values("SELECT delivery_hour FROM curated.reference_prices ORDER BY 1") == [
        "12-13",
        "14-15",
    ]
    assert warehouse.pending() == []  # nobody traded these hours


@pytest.mark.parametrize(
    ("changes", "expectation"),
    [
        ({"price": "10000"}, "exchange's bounds"),
        ({"observed_at": "2099-01-01 00:00:00+00"}, "no price was observed in the future"),
    ],
)
def test_a_bad_price_turns_the_run_red(
    settings: Settings, warehouse: Warehouse, changes: dict[str, str], expectation: str
) -> None:
    good, bad = warehouse.prices(12), warehouse.batch("reference_prices", loaded=1)
    warehouse.price(bad, 13, **changes)
    with pytest.raises(TerminalError, match=expectation):
        validate_reference_prices.run(settings)
    assert (warehouse.state(good), warehouse.state(bad)) == ("accepted", "blocked")


def test_a_price_of_an_unknown_period_turns_the_run_red(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.prices(12)
    warehouse.rows("DELETE FROM raw.delivery_periods")
    with pytest.raises(TerminalError, match="delivery period of the market's calendar"):
        validate_reference_prices.run(settings)
    assert warehouse.state(batch_id) == "blocked"


def test_a_provider_that_breaks_its_contract_does_not_stop_what_is_good(
    settings: Settings, warehouse: Warehouse
) -> None:
    batch_id = warehouse.prices(12, rejected=99)
    assert validate_reference_prices.run(settings)["warnings"] == 1
    assert warehouse.broken() == ["at most 5 % of the messages of a batch are rejected, or at most 9 messages"]
    assert warehouse.state(batch_id) == "accepted"


def test_absurd_update_times_are_reported(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.batch("reference_prices", loaded=2)
    warehouse.price(batch_id, updated_at="2023-02-06 11:40:00+00")
    warehouse.price(batch_id, updated_at="2022-02-06 11:30:00+00")
    assert validate_reference_prices.run(settings)["warnings"] == 1
    assert warehouse.values("SELECT unexpected_count FROM ops.validation_results WHERE NOT is_success") == [2]


@pytest.mark.parametrize(
    ("earlier", "at", "state", "is_reported"),
    [
        ("9.9", "2023-02-06 11:20:00+00", "accepted", True),
        ("9.80", "2023-02-06 11:20:00+00", "accepted", False),  # the same price
        ("9.9", "2023-02-06 10:00:00+00", "accepted", False),  # provisional then
        ("9.9", "2023-02-06 11:20:00+00", "blocked", False),  # never counted
    ],
)
def test_a_revised_final_price_is_reported_and_counts(
    settings: Settings, warehouse: Warehouse, earlier: str, at: str, state: str, is_reported: bool
) -> None:
    warehouse.price(warehouse.batch("reference_prices", loaded=1, state=state), price=earlier, observed_at=at)
    warehouse.prices(12)
    validate_reference_prices.run(settings)
    assert ("the provider did not revise a final price" in warehouse.broken()) == is_reported
    assert [str(p) for p in warehouse.values("SELECT price_eur_per_mwh FROM curated.reference_prices")] == [
        "9.8"
    ]


def test_a_price_that_pnl_does_not_show_makes_it_pending(settings: Settings, warehouse: Warehouse) -> None:
    publish_pnl(warehouse, 8, "9.8", "final")  # shows it already
    publish_pnl(warehouse, 9, None, "missing")
    publish_pnl(warehouse, 10, "9.7", "final")
    publish_pnl(warehouse, 11, "9.8", "provisional")
    warehouse.trades(12, state="accepted")  # traded, not built yet
    warehouse.trades(13, state="blocked")  # does not count
    batch_id = warehouse.prices(8, 9, 10, 11, 12, 13, 14)
    warehouse.price(batch_id, 9)  # twice observed, once pending
    validate_reference_prices.run(settings)
    assert warehouse.pending() == [(hour, "reference_prices") for hour in ("09-10", "10-11", "11-12", "12-13")]


def test_trades_are_none_of_its_business(settings: Settings, warehouse: Warehouse) -> None:
    trades, prices = warehouse.trades(12), warehouse.prices(12)
    validate_reference_prices.run(settings)
    assert (warehouse.state(trades), warehouse.state(prices)) == ("loaded", "accepted")
