"""Since when the market has been open, by its calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from include.capture.silence import trading_since, was_trading
from include.domain.delivery_period import DeliveryPeriod, Market

BERLIN = Market.of("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "since"),
    [
        # hours of today are open since 15:00 of the day before, those of tomorrow from 15:00 on: CET is UTC+1
        (datetime(2026, 3, 2, 10, 0, tzinfo=UTC), datetime(2026, 3, 1, 14, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 21, 54, tzinfo=UTC), datetime(2026, 3, 1, 14, 0, tzinfo=UTC)),
        # 22:55 is the gate closure of today's last hour
        (datetime(2026, 3, 2, 21, 55, tzinfo=UTC), datetime(2026, 3, 2, 14, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 23, 30, tzinfo=UTC), datetime(2026, 3, 2, 14, 0, tzinfo=UTC)),
    ],
)
def test_the_market_has_been_open_since_the_first_open_hour_opened(now: datetime, since: datetime) -> None:
    assert trading_since(BERLIN, now) == since


def test_germany_always_trades() -> None:
    start = datetime(2026, 3, 28, tzinfo=UTC)
    for quarters in range(3 * 96):
        assert was_trading(BERLIN, start + timedelta(minutes=15 * quarters), 900)


def test_a_market_that_has_just_opened_or_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 2, 14, 15, tzinfo=UTC)
    tomorrow = [hour for hour in BERLIN.tradable_hours(now) if hour.delivery_day.day == 3]
    open_hours: list[list[DeliveryPeriod]] = [tomorrow]
    monkeypatch.setattr(Market, "tradable_hours", lambda *_: open_hours[0])
    assert was_trading(BERLIN, now, 900)
    assert not was_trading(BERLIN, now, 901)
    open_hours[0] = []
    assert trading_since(BERLIN, now) is None
    assert not was_trading(BERLIN, now, 0)
