"""The running index: the 10-minute schedule, the delay, and the average over what was traded."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.simulator.market import SimulatedMarket

DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)


@given(
    seconds=st.integers(0, 40 * 3600),
    label=st.sampled_from(["00-01", "12-13", "23-24"]),
    seed=st.integers(0, 50),
)
def test_publications_come_every_ten_minutes_and_at_most_thirty_seconds_late(
    seconds: int, label: str, seed: int
) -> None:
    market = SimulatedMarket(seed)
    period = market.calendar.period(DAY, label)
    at = period.tradable_from + timedelta(seconds=seconds)
    published_at = market.publication(period, at).published_at
    assert published_at <= at
    assert published_at.minute % 10 == 0
    assert published_at.second <= 30
    assert published_at <= period.price_final_from
    if at >= period.price_final_from:
        assert published_at > period.tradable_until
    else:
        assert at - published_at <= timedelta(minutes=10, seconds=30)


def test_the_index_is_the_average_of_the_deals_made_before_the_publication() -> None:
    market = SimulatedMarket(7, has_background=False)
    deals = list(market.deals().between(NOON, NOON + timedelta(minutes=45), 2))
    for deal in deals:
        market.record(deal)
    volume: dict[str, Decimal] = defaultdict(Decimal)
    turnover: dict[str, Decimal] = defaultdict(Decimal)
    for deal in deals:
        if deal.executed_at < NOON + timedelta(minutes=40):
            volume[deal.period.delivery_hour] += deal.quantity
            turnover[deal.period.delivery_hour] += deal.quantity * deal.price
    assert len(volume) > 5
    for label, mwh in volume.items():
        publication = market.publication(market.calendar.period(DAY, label), NOON + timedelta(minutes=45))
        assert publication.value == (turnover[label] / mwh).quantize(Decimal("0.01"))


def test_a_deal_is_not_in_the_index_before_its_publication() -> None:
    market = SimulatedMarket(7, has_background=False)
    first = market.deals().deal(NOON + timedelta(minutes=1))
    market.record(first)
    assert market.publication(first.period, NOON + timedelta(minutes=9, seconds=59)).value is None
    assert market.publication(first.period, NOON + timedelta(minutes=10, seconds=30)).value == first.price


def test_a_price_is_undefined_until_the_first_trade_of_its_hour() -> None:
    market = SimulatedMarket(7)
    period = market.calendar.period(DAY, "18-19")
    assert market.publication(period, period.tradable_from - timedelta(days=1)).value is None
    assert market.publication(period, period.tradable_from).value is None
    assert market.publication(period, period.tradable_until).value is not None


def test_hours_before_the_start_have_the_same_final_price_for_ever() -> None:
    periods = SimulatedMarket(7).calendar.hours_of(DAY)
    a_year_later = NOON + timedelta(days=365)
    prices = [SimulatedMarket(7).publication(period, a_year_later) for period in periods]
    assert prices == [SimulatedMarket(7).publication(period, NOON + timedelta(days=2)) for period in periods]
    assert all(price.value is not None and -500 < price.value < 1000 for price in prices)
    assert len({price.value for price in prices}) > 20


def test_memory_does_not_grow_with_deals_or_days() -> None:
    market = SimulatedMarket(7)
    deal = market.deals().deal(NOON)
    for day in range(90):
        for period in market.calendar.hours_of(DAY + timedelta(days=day)):
            for minutes in range(60, 0, -10):
                at = period.tradable_until - timedelta(minutes=minutes)
                market.record(replace(deal, period=period, executed_at=at))
    assert len(market._totals) == 2000
    assert {len(totals) for totals in market._totals.values()} == {3}
