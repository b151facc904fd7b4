"""PnL that was built: what may be published, and what may not."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from include.errors import TerminalError
from include.expectations.library import ExpectNoRows
from include.expectations.pnl_hourly import check_pnl, suite
from include.settings import Settings
from tests.integration.expectations.conftest import DAY, Warehouse


@pytest.fixture
def pages() -> None:
    """They are written here."""


@pytest.fixture
def days(warehouse: Warehouse) -> list[date]:
    """A sound build: one trader bought 2 MWh at 10 and sold 3 MWh at 12, the price is 11; another sold 1 MWh at
    -5 in an hour without a price."""
    batch_id = warehouse.batch(loaded=4, state="accepted")
    warehouse.trade(batch_id, direction="buy", quantity_mw="2.0", price_eur_per_mwh="10")
    warehouse.trade(batch_id, direction="sell", quantity_mw="1", price_eur_per_mwh="12")
    warehouse.trade(batch_id, direction="sell", quantity_mw="2", price_eur_per_mwh="12.00")
    warehouse.trade(batch_id, hour=13, trader_id="trader_2", quantity_mw="1", price_eur_per_mwh="-5")
    warehouse.price(warehouse.batch("reference_prices", loaded=1, state="accepted"), price="11")
    warehouse.trades(12, 12)  # not validated
    columns = """
        delivery_hour, trader_id, trade_count, buy_mwh, sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh,
        sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur, reference_price_eur_per_mwh,
        price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur, performance_eur_per_mwh,
        capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, starting_trade_count,
        amendment_count, cancelled_trade_count, has_unreviewed_messages"""
    # what is generated is checked as well, as if its definition were wrong
    generated = warehouse.values(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = 'staging.pnl_hourly'::regclass AND attgenerated = 's' AND NOT attisdropped"
    )
    dropped = ", ".join(
        f"ALTER COLUMN {name} DROP EXPRESSION"
        for name in generated
        if name in columns.replace(",", " ").split()
    )
    warehouse.rows(f"ALTER TABLE staging.pnl_hourly {dropped}")
    for values in (
        "'12-13', 'trader_1', 3, 2, 3, -1, 10, 12, 11.2, 16, 11, 'final', 5, 4, 1, 1, 0, true, 20, 36,"
        " 3, 0, 0, false",
        "'13-14', 'trader_2', 1, 0, 1, -1, NULL, -5, -5, -5, NULL, 'missing', NULL, 0, NULL, NULL, 7, false,"
        " 0, -5, 1, 0, 0, false",
    ):
        warehouse.rows(
            f"""
            INSERT INTO staging.pnl_hourly (
                market, delivery_day, delivery_start_at, delivery_end_at, {columns})
            SELECT market, delivery_day, delivery_start_at, delivery_end_at, {values}
            FROM raw.delivery_periods LIMIT 1
            """
        )
    return [DAY]


def test_a_sound_build_passes(settings: Settings, warehouse: Warehouse, days: list[date]) -> None:
    check_pnl(settings, days)
    assert warehouse.broken() == []
    assert warehouse.values("SELECT DISTINCT suite FROM ops.validation_results") == ["pnl_hourly"]
    assert (settings.data_docs_root / "expectations" / "pnl_hourly.html").exists()
    assert warehouse.values("SELECT count(*) FROM pg_views WHERE viewname LIKE 'checked%'") == [0]


@pytest.mark.parametrize(
    ("change", "expectation"),
    [
        ("buy_mwh = 2.000000000001, net_position_mwh = -0.999999999999", "equal those of the accepted trades"),
        ("trade_count = 4", "equal those of the accepted trades"),
        ("trader_id = 'trader_9'", "equal those of the accepted trades"),
        ("sell_value_eur = 35, cash_flow_eur = 15", "equal those of the accepted trades"),
        ("reference_price_eur_per_mwh = 11.5, pnl_eur = 4.5, unrealised_pnl_eur = 0.5", "no price is invented"),
        ("price_status = 'provisional'", "no price is invented"),
        (
            "reference_price_eur_per_mwh = NULL, price_status = 'missing', pnl_eur = NULL,"
            " unrealised_pnl_eur = NULL",
            "no price is invented",
        ),
        ("price_status = 'guessed'", "each price is final, provisional or missing"),
        ("realised_pnl_eur = 4.000000000001", "realised and unrealised PnL add up to PnL"),
        (
            "pnl_eur = 6, unrealised_pnl_eur = 2",
            "PnL is the cash flow and the net position at the reference price",
        ),
        (
            "pnl_eur = NULL, unrealised_pnl_eur = NULL",
            "PnL is undefined without a reference price, and only then",
        ),
        ("unrealised_pnl_eur = NULL", "PnL is undefined without a reference price"),
        ("cash_flow_eur = 15", "the cash flow is the income from sells less the cost of buys"),
        ("net_position_mwh = 1", "the net position is what was bought less what was sold"),
        ("is_complete = false", "a row is complete if and only if there was no capture gap"),
        ("capture_gap_seconds = 1", "a row is complete if and only if there was no capture gap"),
        ("has_unreviewed_messages = true", "no message waits for a review"),
        ("capture_gap_seconds = -1, is_complete = false", "no capture gap is shorter than 0 s"),
    ],
)
def test_a_tampered_row_is_not_published(
    settings: Settings, warehouse: Warehouse, days: list[date], change: str, expectation: str
) -> None:
    warehouse.rows(f"UPDATE staging.pnl_hourly SET {change} WHERE delivery_hour = '12-13'")
    with pytest.raises(TerminalError, match=expectation):
        check_pnl(settings, days)
    assert any(expectation in broken for broken in warehouse.broken())


def test_a_price_out_of_nothing_is_noticed(settings: Settings, warehouse: Warehouse, days: list[date]) -> None:
    warehouse.rows(
        "UPDATE staging.pnl_hourly SET reference_price_eur_per_mwh = 0, price_status = 'final', pnl_eur = -5,"
        " unrealised_pnl_eur = -5 WHERE delivery_hour = '13-14'"
    )
    with pytest.raises(TerminalError, match="no price is invented"):
        check_pnl(settings, days)


def test_a_trader_that_is_missing_is_noticed(
    settings: Settings, warehouse: Warehouse, days: list[date]
) -> None:
    batch_id = warehouse.batch(loaded=1, state="accepted")
    warehouse.trade(batch_id, trader_id="trader_3")
    with pytest.raises(TerminalError, match="trader_id trader_3"):
        check_pnl(settings, days)


def test_other_builds_are_none_of_its_business(
    settings: Settings, warehouse: Warehouse, days: list[date]
) -> None:
    other = DAY + timedelta(days=1)
    warehouse.rows(
        "UPDATE staging.pnl_hourly SET delivery_day = %s, pnl_eur = 99 WHERE delivery_hour = '12-13'", (other,)
    )
    check_pnl(settings, days)
    with pytest.raises(TerminalError):
        check_pnl(settings, [other])


def test_each_trade_is_compared_with_each_delivery_day_once(warehouse: Warehouse, days: list[date]) -> None:
    """And not with the day of each built row: the array is searched for each trade of the warehouse."""
    (query,) = (
        expectation.unexpected_rows_query
        for expectation in suite().expectations
        if isinstance(expectation, ExpectNoRows) and "accepted_buy_mwh" in expectation.unexpected_rows_query
    )
    explained = "EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) " + query.format(batch="staging.pnl_hourly")
    (((plan,),),) = warehouse.rows(explained)

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", []):
            yield from nodes(child)

    arrays = [
        node["Actual Rows"]
        for node in nodes(plan["Plan"])
        if "InitPlan" in node.get("Subplan Name", "") and node["Output"][0].endswith("delivery_day")
    ]
    assert arrays == [len(days)]
