"""Batches of prices: what counts, and which delivery periods have to be built again for it."""

from decimal import Decimal

import pytest

from include.jobs import validate_reference_prices
from include.settings import Settings
from tests.integration.expectations.conftest import DAY, Warehouse


@pytest.fixture
def pages() -> None:
    """They are written here."""


def publish_pnl(warehouse: Warehouse, hour: int, price: str | None, price_status: str) -> None:
    """PnL of one trader; only its key and price matter here."""
    label, value = warehouse.period(hour), None if price is None else Decimal(price)
    warehouse.database.pnl(DAY, label, "trader_1", value, price_status=price_status)


def test_good_prices_are_accepted(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.prices(12)
    warehouse.price(batch_id, 13, price=None, updated_at=None)
    warehouse.price(batch_id, 14, price="-9999.99")
    warehouse.rows("UPDATE ops.load_batches SET loaded_count = 3, line_count = 3")
    assert validate_reference_prices.run(settings) == {
        "batches": 1,
        "rows": 3,
        "quarantined": 0,
        "warnings": 0,
    }
    assert warehouse.state(batch_id) == "accepted"
    assert warehouse.values("SELECT DISTINCT suite FROM ops.validation_results") == ["reference_prices"]
    assert warehouse.values("SELECT delivery_hour FROM curated.reference_prices ORDER BY 1") == [
        "12-13",
        "14-15",
    ]
    assert warehouse.pending() == []  # nobody traded these hours


def test_no_observation_holds_back_another(settings: Settings, warehouse: Warehouse) -> None:
    """What must not count was rejected by the load; nothing that is stored breaks an expectation."""
    odd = warehouse.prices(12, rejected=99)
    warehouse.price(odd, 13, price="9999.99", updated_at=None, unreadable_update_time="'yesterday'")
    warehouse.price(odd, 14, updated_at="2023-02-06 23:00:00+00")
    assert validate_reference_prices.run(settings)["warnings"] == 2
    assert warehouse.state(odd) == "accepted"
    assert warehouse.values("SELECT DISTINCT severity FROM ops.validation_results") == ["warning"]
    assert len(warehouse.values("SELECT delivery_hour FROM curated.reference_prices")) == 3


def test_a_last_update_that_cannot_be_read_is_reported(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.prices(12, 13)
    warehouse.price(batch_id, 14, updated_at=None, unreadable_update_time="'yesterday'")
    warehouse.rows("UPDATE ops.load_batches SET loaded_count = 3, line_count = 3")
    assert validate_reference_prices.run(settings)["warnings"] == 1
    assert warehouse.broken() == ["each last_update is missing or a time with a zone that can be read"]
    (detail,) = warehouse.values("SELECT detail FROM ops.validation_results WHERE NOT is_success")
    assert "delivery_hour 14-15" in detail
    assert "unreadable_update_time 'yesterday'" in detail


def test_absurd_update_times_are_reported(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.batch("reference_prices", loaded=2)
    warehouse.price(batch_id, updated_at="2023-02-06 11:40:00+00")
    warehouse.price(batch_id, updated_at="2022-02-06 11:30:00+00")
    assert validate_reference_prices.run(settings)["warnings"] == 1
    assert warehouse.values("SELECT unexpected_count FROM ops.validation_results WHERE NOT is_success") == [2]


def test_a_price_that_pnl_does_not_show_makes_it_pending(settings: Settings, warehouse: Warehouse) -> None:
    publish_pnl(warehouse, 8, "9.8", "final")  # shows it already
    publish_pnl(warehouse, 9, None, "missing")
    publish_pnl(warehouse, 10, "9.7", "final")
    publish_pnl(warehouse, 11, "9.8", "provisional")
    warehouse.trades(12, state="accepted")  # not built yet: its trades have marked it
    warehouse.trades(13, state="loaded")  # does not count yet
    batch_id = warehouse.prices(8, 9, 10, 11, 12, 13, 14)
    warehouse.price(batch_id, 9)  # twice observed, once pending
    validate_reference_prices.run(settings)
    assert warehouse.pending() == [(hour, "reference_prices") for hour in ("09-10", "10-11", "11-12")]


def test_trades_are_none_of_its_business(settings: Settings, warehouse: Warehouse) -> None:
    trades, prices = warehouse.trades(12), warehouse.prices(12)
    validate_reference_prices.run(settings)
    assert (warehouse.state(trades), warehouse.state(prices)) == ("loaded", "accepted")
