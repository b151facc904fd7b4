"""A warehouse from before prices could be stale: what the upgrade makes of its prices."""

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import pytest

from include.warehouse.migrate import migrate
from tests.factories import MARKET, Database

HOURS = [
    MARKET.period(date(2025, 7, 1), "12-13"),
    MARKET.period(date(2025, 3, 29), "23-24"),
    MARKET.period(date(2025, 10, 26), "02-03"),
]


@pytest.mark.parametrize("older", ["0014"], indirect=True)
def test_final_prices_that_were_never_updated_are_asked_for_again(older: str) -> None:
    with closing(Database(older)) as database:
        database.rows(
            "INSERT INTO ops.landing_files (landing_file, source, hour_start_at)"
            " VALUES ('reference_prices/a', 'reference_prices', '2026-03-02') RETURNING 1"
        )
        batch = database.insert("ops.load_batches", source="reference_prices", landing_file_id=1)
        for number, hour in enumerate(HOURS):
            key = {"market": "DE", "delivery_day": hour.delivery_day, "delivery_hour": hour.delivery_hour}
            database.insert(
                "raw.delivery_periods",
                **key,
                delivery_start_at=hour.start_at,
                delivery_end_at=hour.end_at,
                delivery_hours=hour.hours,
                is_dst_ambiguous=hour.is_dst_ambiguous,
                tradable_from=hour.tradable_from,
                tradable_until=hour.tradable_until,
                price_final_from=hour.price_final_from,
            )
            database.insert(
                "raw.reference_prices",
                **key,
                price_eur_per_mwh=40,
                provider_updated_at=hour.price_current_from - timedelta(seconds=number % 2),
                observed_at=hour.price_final_from,
                load_batch_id=batch,
                landing_file_id=1,
                line_number=number,
            )
            database.insert(
                "curated.pnl_versions",
                **key,
                trader_id="t",
                delivery_start_at=hour.start_at,
                delivery_end_at=hour.end_at,
                trade_count=1,
                buy_mwh=0,
                sell_mwh=1,
                buy_value_eur=0,
                sell_value_eur=50,
                reference_price_eur_per_mwh=Decimal(40),
                price_status="final",
                capture_gap_seconds=0,
                starting_trade_count=1,
                amendment_count=0,
                cancelled_trade_count=0,
                has_unreviewed_messages=False,
                valid_from=hour.end_at,
            )
        migrate(older)
        moments = "delivery_day, price_current_from, stale_price_final_from"
        assert set(database.rows(f"SELECT {moments} FROM raw.delivery_periods")) == {
            (hour.delivery_day, hour.price_current_from, hour.stale_price_final_from) for hour in HOURS
        }
        assert database.rows(
            "SELECT delivery_day, price_status, is_stale FROM curated.reference_prices ORDER BY delivery_day"
        ) == [
            (date(2025, 3, 29), "provisional", True),
            (date(2025, 7, 1), "final", False),
            (date(2025, 10, 26), "final", False),
        ]
        pending = "SELECT delivery_day, delivery_hour, cause FROM ops.pending_delivery_periods"
        assert database.rows(pending) == [(date(2025, 3, 29), "23-24", "reference_prices")]
