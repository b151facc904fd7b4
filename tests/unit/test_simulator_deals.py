"""Deals: valid at any instant, the same again from the same seed, ids never twice."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.simulator.deals import DealGenerator
from include.simulator.prices import fair_price

BERLIN = Market.of("Europe/Berlin")
MARCH_EVE = datetime(2025, 3, 29, 22, tzinfo=UTC)
OCTOBER_EVE = datetime(2025, 10, 25, 21, tzinfo=UTC)

near_a_change = st.builds(
    lambda start, minutes: start + timedelta(minutes=minutes),
    st.sampled_from([MARCH_EVE, OCTOBER_EVE]),
    st.integers(-1500, 1500),
)
instants = near_a_change | st.datetimes(datetime(2000, 1, 2), datetime(2099, 1, 1), timezones=st.just(UTC))


@given(at=instants, seed=st.integers(0, 1000))
def test_every_deal_is_one_that_the_exchange_could_send(at: datetime, seed: int) -> None:
    generator = DealGenerator(seed, BERLIN)
    for _ in range(20):
        deal = generator.deal(at)
        assert Decimal("-9999.99") <= deal.price <= Decimal("9999.99")
        assert deal.price == deal.price.quantize(Decimal("0.01"))
        assert deal.quantity > 0
        assert deal.quantity == deal.quantity.quantize(Decimal("0.1"))
        assert deal.direction in ("buy", "sell")
        # the last hour of the period: under the doubled label of October the second of its two
        assert at + timedelta(minutes=5) <= deal.period.end_at - timedelta(hours=1)
        assert deal.period == BERLIN.period(deal.period.delivery_day, deal.period.delivery_hour)
        local_now = at.astimezone(BERLIN.timezone)
        days_ahead = (deal.period.delivery_day - local_now.date()).days
        assert days_ahead == 0 or (days_ahead == 1 and local_now.hour >= 15)


@given(at=instants)
def test_a_message_spells_the_deal_exactly(at: datetime) -> None:
    generator = DealGenerator(1, BERLIN)
    for _ in range(20):
        deal = generator.deal(at)
        ((key, body),) = json.loads(deal.message(), parse_float=Decimal).items()
        assert (body["price"], body["quantity"]) == (deal.price, deal.quantity)
        assert datetime.fromisoformat(body["execution_time"]) == at.replace(microsecond=0)
        assert (body["delivery_day"], body["delivery_hour"]) == (
            deal.period.delivery_day.isoformat(),
            deal.period.delivery_hour,
        )
        patterns = {
            "deal_confirmation": (r"[0-9a-f]{32}", r"flex_trader_[1-5]", r".*\+00:00"),
            "trade_confirmation": (r"[0-9]{1,20}", r"trader_[1-5]", r".*Z"),
        }[key]
        for pattern, name in zip(patterns, ("id", "trader_id", "execution_time"), strict=True):
            assert re.fullmatch(pattern, body[name])


@pytest.mark.parametrize(
    ("day_before", "labels"), [(MARCH_EVE, 23), (OCTOBER_EVE, 24)], ids=["march", "october"]
)
def test_the_day_of_a_change_has_its_own_labels(day_before: datetime, labels: int) -> None:
    generator = DealGenerator(3, BERLIN)
    traded = {
        deal.period.delivery_hour
        for deal in generator.between(day_before, day_before + timedelta(minutes=1), 500)
        if deal.period.delivery_day == day_before.date() + timedelta(days=1)
    }
    assert len(traded) == labels
    assert ("02-03" in traded) == (labels == 24)


def test_the_past_comes_again_from_the_same_seed() -> None:
    start = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)

    def messages(seed: int, first_minute: int = 0) -> list[str]:
        generator = DealGenerator(seed, BERLIN, has_fixed_ids=True)
        begin = start + timedelta(minutes=first_minute)
        return [deal.message() for deal in generator.between(begin, start + timedelta(minutes=5), 2)]

    whole = messages(7)
    assert len(whole) == 600
    assert whole == messages(7)
    assert whole[-120:] == messages(7, first_minute=4), "a minute does not depend on those before it"
    assert whole != messages(8)
    assert len(set(whole)) == 600


def test_ids_do_not_repeat_after_a_restart_with_the_same_seed() -> None:
    at = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
    generator = DealGenerator(7, BERLIN)
    before = [generator.deal(at) for _ in range(2000)]
    restarted = DealGenerator(7, BERLIN)
    after = [restarted.deal(at) for _ in range(2000)]
    assert [deal.price for deal in before] == [deal.price for deal in after]
    assert len({deal.id for deal in [*before, *after]}) == 4000


def test_the_mix_is_that_of_a_renewable_portfolio() -> None:
    start = datetime(2024, 6, 1, 6, 0, tzinfo=UTC)
    deals = list(DealGenerator(7, BERLIN).between(start, start + timedelta(minutes=10), 10))
    siblings = sum(deal.is_sibling for deal in deals) / len(deals)
    sells = sum(deal.direction == "sell" for deal in deals) / len(deals)
    soon = sum(deal.period.start_at < start + timedelta(hours=4) for deal in deals) / len(deals)
    assert 0.07 < siblings < 0.13
    assert 0.7 < sells < 0.9
    assert soon > 0.5
    assert {deal.trader for deal in deals} == {1, 2, 3, 4, 5}


def test_a_month_has_peaks_and_negative_middays() -> None:
    days = [datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=n) for n in range(30)]

    def mean(label: str) -> float:
        prices = [fair_price(7, BERLIN.period(day.date(), label), day) for day in days]
        return sum(prices) / len(prices)

    middays = [fair_price(7, BERLIN.period(day.date(), "13-14"), day) for day in days]
    assert 3 < sum(price < 0 for price in middays) < 27
    assert mean("13-14") < mean("03-04") < mean("19-20")
