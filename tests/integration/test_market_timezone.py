"""A market in another zone: what its labels mean, from the landing files to curated.pnl_hourly."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.delivery_period import Market
from include.jobs import (
    build_pnl,
    load_reference_prices,
    load_trades,
    pull_reference_prices,
    rebuild_steps,
    validate_reference_prices,
    validate_trades,
)
from include.landing import REFERENCE_PRICES, message_line
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.integration.pull.server import scripted_provider
from tests.messages import deal, landed, write_landing_file

# zone: day, label, start and end of delivery (UTC), the first moment at which a price is final
LONDON = [
    ("2025-03-30", "00-01", "2025-03-30 00:00", "2025-03-30 01:00", "2025-03-30 00:00:30"),
    ("2025-03-30", "02-03", "2025-03-30 01:00", "2025-03-30 02:00", "2025-03-30 01:00:30"),
    ("2025-07-01", "00-01", "2025-06-30 23:00", "2025-07-01 00:00", "2025-06-30 23:00:30"),
    ("2025-10-26", "01-02", "2025-10-26 00:00", "2025-10-26 02:00", "2025-10-26 01:00:30"),
    ("2025-10-26", "01-02A", "2025-10-26 00:00", "2025-10-26 01:00", "2025-10-26 00:00:30"),
    ("2025-10-26", "01-02B", "2025-10-26 01:00", "2025-10-26 02:00", "2025-10-26 01:00:30"),
    ("2025-10-26", "02-03", "2025-10-26 02:00", "2025-10-26 03:00", "2025-10-26 02:00:30"),
    ("2025-12-31", "23-24", "2025-12-31 23:00", "2026-01-01 00:00", "2025-12-31 23:00:30"),
]
HELSINKI = [
    ("2025-03-30", "02-03", "2025-03-30 00:00", "2025-03-30 01:00", "2025-03-30 00:00:30"),
    ("2025-03-30", "04-05", "2025-03-30 01:00", "2025-03-30 02:00", "2025-03-30 01:00:30"),
    ("2025-07-01", "00-01", "2025-06-30 21:00", "2025-06-30 22:00", "2025-06-30 21:00:30"),
    ("2025-10-26", "03-04", "2025-10-26 00:00", "2025-10-26 02:00", "2025-10-26 01:00:30"),
    ("2025-10-26", "04-05", "2025-10-26 02:00", "2025-10-26 03:00", "2025-10-26 02:00:30"),
    ("2026-01-01", "00-01", "2025-12-31 22:00", "2025-12-31 23:00", "2025-12-31 22:00:30"),
]
NEW_YORK = [
    ("2025-03-09", "01-02", "2025-03-09 06:00", "2025-03-09 07:00", "2025-03-09 06:00:30"),
    ("2025-03-09", "03-04", "2025-03-09 07:00", "2025-03-09 08:00", "2025-03-09 07:00:30"),
    ("2025-07-01", "23-24", "2025-07-02 03:00", "2025-07-02 04:00", "2025-07-02 03:00:30"),
    ("2025-11-02", "01-02", "2025-11-02 05:00", "2025-11-02 07:00", "2025-11-02 06:00:30"),
    ("2025-12-31", "20-21", "2026-01-01 01:00", "2026-01-01 02:00", "2026-01-01 01:00:30"),
]
SKIPPED = {
    "Europe/London": ("2025-03-30", "01-02"),
    "Europe/Helsinki": ("2025-03-30", "03-04"),
    "America/New_York": ("2025-03-09", "02-03"),
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def reply(day: str, label: str, at: datetime, value: int) -> bytes:
    """A landed reply of the provider."""
    request = {"delivery_day": day, "delivery_hour": label}
    body = f'{{"delivery_day": "{day}", "delivery_hour": "{label}", "unit": "euro/mwh", "value": {value}}}'
    return message_line(at, body.encode(), request=request, status=200)


@pytest.mark.parametrize(
    ("zone", "cases"),
    [("Europe/London", LONDON), ("Europe/Helsinki", HELSINKI), ("America/New_York", NEW_YORK)],
    ids=["London", "Helsinki", "New_York"],
)
def test_the_zone_of_the_market_is_configuration(
    settings: Settings, database: Database, zone: str, cases: list[tuple[str, ...]]
) -> None:
    there = replace(settings, market=Market.of(zone))
    traded = [(day, label) for day, label, *_ in cases]
    messages = [
        deal(id=f"{number} {n}", delivery_day=day, delivery_hour=label, price=50, quantity=2)
        for number, (day, label) in enumerate(traded)
        for n in range(4)
    ]
    day, label = SKIPPED[zone]
    messages.append(deal(id="skipped", delivery_day=day, delivery_hour=label))
    write_landing_file(there.landing_root, landed(messages))
    replies = [
        # the last moment at which a price is provisional, and for every other period one that is final
        reply(day, label, utc(final_from) - timedelta(microseconds=1) + timedelta(microseconds=n % 2), 40)
        for n, (day, label, _, _, final_from) in enumerate(cases)
    ]
    write_landing_file(there.landing_root, b"".join(replies), source=REFERENCE_PRICES)
    load_trades.run(there)
    load_reference_prices.run(there)
    validate_trades.run(there)
    validate_reference_prices.run(there)
    build_pnl.run(there)

    rows = database.rows(
        "SELECT delivery_day, delivery_hour, delivery_start_at, delivery_end_at, trade_count, pnl_eur,"
        " price_status FROM curated.pnl_hourly ORDER BY delivery_day, delivery_start_at, delivery_hour"
    )
    assert rows == [
        (date.fromisoformat(day), label, utc(start), utc(end), 4, Decimal(80), ("provisional", "final")[n % 2])
        for n, (day, label, start, end, _) in enumerate(cases)
    ]
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [("nonexistent_delivery_hour",)]


def test_another_zone_than_the_data_was_loaded_with_is_noticed(settings: Settings, database: Database) -> None:
    write_landing_file(settings.landing_root, landed([deal(delivery_hour="00-01")]))
    load_trades.run(settings)
    assert validate_trades.run(replace(settings, market=Market.of("Europe/London")))["quarantined"] == 1
    assert "delivery starts on the delivery day" in str(
        database.value("SELECT expectation FROM ops.quarantined_trades")
    )
    assert database.value("SELECT count(*) FROM curated.trades") == 0


@pytest.mark.parametrize(
    ("zones", "known", "mwh", "before"),
    [(("UTC", "Europe/Berlin"), "00-01 01-02 03-04 04-05 05-06", 50, 60),
     (("Europe/Berlin", "UTC"), "00-01 01-02 02-03 03-04 04-05 05-06", 60, 50)],
    ids=["an hour less", "an hour more"],
)  # fmt: skip
@pytest.mark.parametrize("reload", [True, False], ids=["reloaded", "traded again"])
def test_blocks_of_the_change_day_after_the_zone_was_corrected(
    settings: Settings,
    database: Database,
    zones: tuple[str, str],
    known: str,
    mwh: int,
    before: int,
    reload: bool,
) -> None:
    first, corrected = (replace(settings, market=Market.of(zone)) for zone in zones)
    received_at = datetime(2026, 3, 28, 16, tzinfo=UTC)
    block = {"delivery_day": "2026-03-29", "delivery_hour": "00-06", "execution_time": "2026-03-28T16:00:00Z"}
    hours = "SELECT delivery_hour, sum(sell_mwh) FROM curated.pnl_hourly GROUP BY 1 ORDER BY 1"

    def sold() -> list[tuple[str, Decimal]]:
        validate_trades.run(corrected)
        build_pnl.run(corrected)
        return database.rows(hours)

    write_landing_file(
        settings.landing_root, landed([deal(quantity=10, **block)], received_at), hour=received_at
    )
    load_trades.run(first)
    validate_trades.run(first)
    build_pnl.run(first)
    assert sum(mwh for _, mwh in database.rows(hours)) == before

    if reload:
        day = date(2026, 3, 29)
        rebuild_steps.run(corrected, Rebuild("r", DeliveryDays(day, day), reload=True))
        expected = 10
    else:  # what was loaded before in the same hours, too
        again = landed([deal(id="again", quantity=1, **block)], received_at + timedelta(minutes=1))
        write_landing_file(settings.landing_root, again, hour=received_at, name="b")
        load_trades.run(corrected)
        expected = 11
    assert sold() == [(hour, expected) for hour in known.split()]
    assert (
        database.value("SELECT sum(hours) FROM raw.period_hours WHERE delivery_hour LIKE '00-0%6'") == mwh / 10
    )
    assert database.value("SELECT count(*) FROM ops.pending_delivery_periods") == 0


def test_an_hour_that_does_not_exist_any_more_stops_no_other(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A time zone was corrected; the one before had an hour that the right one skips."""
    there = replace(settings, market=Market.of("Europe/London"))
    migrate(settings.warehouse_url, [there.market])
    hours = ("02-03", "10-11")
    write_landing_file(
        settings.landing_root,
        landed([deal(id=hour, delivery_day="2026-03-29", delivery_hour=hour) for hour in hours]),
    )
    load_trades.run(there)
    validate_trades.run(there)
    build_pnl.run(there)
    migrate(settings.warehouse_url, [settings.market])
    day, now = date(2026, 3, 29), datetime(2026, 3, 28, 17, tzinfo=UTC)
    with scripted_provider() as provider:
        settings = replace(settings, market_data_url=provider.url, reference_price_per_minute=100)
        assert pull_reference_prices.run(settings, now=now)["answered"] == 5 + 23
        days = DeliveryDays(day, day)
        forced = pull_reference_prices.run(settings, days=days, force_prices=True, now=now + timedelta(days=1))
    assert forced["answered"] == 23
    assert "2026-03-29 02-03" not in provider.asked
    assert "2026-03-29 02-03 is not asked for: nonexistent_delivery_hour" in caplog.text
