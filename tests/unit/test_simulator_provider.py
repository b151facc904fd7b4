"""The provider's answers: prices, undefined ones, 400s, the budget, and its faults; without a socket."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.domain.reference_price import ReferencePrice, parse_reference_price
from include.simulator.faults import ProviderFaults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider, Reply, RequestBudget

NOW = datetime(2025, 6, 2, 10, 3, tzinfo=UTC)
YESTERDAY = "/reference-price?delivery_day=2025-06-01&delivery_hour=08-09"
IN_A_WEEK = "/reference-price?delivery_day=2025-06-09&delivery_hour=08-09"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def provider(**options: Any) -> Provider:
    return Provider(SimulatedMarket(7), clock=options.pop("clock", Clock()), **options)


def answer(provider: Provider, target: str = YESTERDAY) -> Reply:
    reply = provider.answer(target)
    assert reply is not None
    return reply


def test_a_price_has_the_five_fields_of_the_contract() -> None:
    reply = answer(provider())
    body = json.loads(reply.body)
    assert reply.status == 200
    assert list(body) == ["delivery_day", "delivery_hour", "last_update", "unit", "value"]
    assert (body["delivery_day"], body["delivery_hour"], body["unit"]) == ("2025-06-01", "08-09", "euro/mwh")
    market = SimulatedMarket(7)
    period = market.calendar.period(date(2025, 6, 1), "08-09")
    price = parse_reference_price(reply.status, reply.body, period)
    expected = market.publication(period, NOW)
    assert (price.price_eur_per_mwh, price.provider_updated_at) == (expected.value, expected.published_at)


def test_both_base_paths_answer_and_no_other() -> None:
    served = provider()
    assert answer(served, "/v1" + YESTERDAY).body == answer(served, YESTERDAY).body
    assert answer(served, "/v2" + YESTERDAY).status == 404


@pytest.mark.parametrize(
    ("mode", "status", "has_value"), [("null", 200, True), ("missing", 200, False), ("404", 404, False)]
)
def test_an_undefined_price_is_said_in_three_ways(mode: Any, status: int, has_value: bool) -> None:
    reply = answer(provider(undefined=mode), IN_A_WEEK)
    body = json.loads(reply.body)
    assert reply.status == status
    assert ("value" in body) == has_value
    assert body.get("value") is None
    assert answer(provider(undefined=mode)).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?delivery_day=2025-06-01",
        "?delivery_hour=08-09",
        "?delivery_day=2025-06-01&delivery_hour=",
        "?delivery_day=2025-06-01&delivery_hour=08-10",
        "?delivery_day=2025-06-01&delivery_hour=24-25",
        "?delivery_day=2025-06-01&delivery_hour=8-9",
        "?delivery_day=2025-06-01&delivery_hour=08:00-08:15",
        "?delivery_day=2025-06-01&delivery_hour=08:00-09:00",
        "?delivery_day=2025-06-01&delivery_hour=H9",
        "?delivery_day=2025-03-30&delivery_hour=01-03",
        "?delivery_day=2025-02-30&delivery_hour=08-09",
        "?delivery_day=20250601&delivery_hour=08-09",
        "?delivery_day=0001-01-01&delivery_hour=08-09",
        "?delivery_day=2025-03-30&delivery_hour=02-03",
        "?delivery_day=2025-06-01&delivery_day=2025-06-02&delivery_hour=08-09",
    ],
)
def test_a_bad_request_is_a_400_with_a_message(query: str) -> None:
    reply = answer(provider(), "/reference-price" + query)
    assert reply.status == 400
    assert json.loads(reply.body)["error_message"]


@pytest.mark.parametrize("label", ["02-03", "02-03A", "02-03B"])
def test_the_doubled_hour_has_a_price_under_each_of_its_labels(label: str) -> None:
    reply = answer(provider(), f"/reference-price?delivery_day=2024-10-27&delivery_hour={label}")
    assert reply.status == 200
    assert isinstance(json.loads(reply.body)["value"], float)


def test_the_budget_of_a_minute_slides() -> None:
    clock = Clock()
    served = provider(clock=clock)
    statuses = []
    for _ in range(60):
        statuses.append(answer(served).status)
        clock.now += timedelta(seconds=0.5)
    assert statuses == [200] * 50 + [429] * 10
    refused = answer(served)
    assert refused.headers == {"Retry-After": "30"}
    clock.now += timedelta(seconds=29.9)
    assert answer(served).status == 429
    clock.now += timedelta(seconds=0.1)
    assert answer(served).status == 200


def test_the_budget_of_an_hour_holds_besides() -> None:
    budget = RequestBudget([(50, 60), (1000, 3600)])
    at = NOW
    granted = 0
    while at < NOW + timedelta(hours=1):
        granted += budget.take(at) == 0
        at += timedelta(seconds=1.5)
    assert granted == 1000
    assert budget.take(NOW + timedelta(hours=1)) == 0


def test_400s_are_part_of_the_budget() -> None:
    served = provider()
    assert {answer(served, "/reference-price").status for _ in range(50)} == {400}
    assert answer(served).status == 429


def test_faults_of_the_body() -> None:
    served = provider()
    served.faults.wrong_unit = "gbp/therm"
    assert json.loads(answer(served).body)["unit"] == "gbp/therm"
    served.faults.raw_value = "NaN"
    assert answer(served).body.endswith('"value": NaN}')
    served.faults.raw_value = "null"
    assert json.loads(answer(served).body)["value"] is None
    served.faults.garbage = True
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer(served).body)


def test_faults_of_the_status() -> None:
    served = provider(faults=ProviderFaults(error_status=503))
    assert answer(served).status == 503
    served.faults.error_share = 0.5
    assert {answer(served).status for _ in range(30)} == {200, 503}
    served.faults.error_status, served.faults.too_many = 0, True
    assert (answer(served).status, answer(served).headers) == (429, {"Retry-After": "1"})
    served.faults.no_retry_after = True
    assert (answer(served).status, answer(served).headers) == (429, {})


def test_the_permissive_provider_answers_anything_and_knows_no_budget() -> None:
    served = provider(faults=ProviderFaults(permissive=True))
    nonsense = "/reference-price?delivery_day=someday&delivery_hour=25-99"
    replies = [answer(served, target) for target in (nonsense, IN_A_WEEK, YESTERDAY) for _ in range(100)]
    assert {reply.status for reply in replies} == {200}
    assert all(isinstance(json.loads(reply.body)["value"], float) for reply in replies)


def test_a_final_price_is_revised_only_on_demand() -> None:
    clock = Clock()
    served = provider(clock=clock)

    def value_in(minutes: int) -> float:
        clock.now = NOW + timedelta(minutes=minutes)
        return float(json.loads(answer(served).body)["value"])

    assert value_in(0) == value_in(25)
    served.faults.revise_final = True
    assert value_in(0) == value_in(1)
    assert value_in(1) != value_in(25)


def test_a_stale_price_is_not_updated_any_more_before_trading_ends() -> None:
    clock = Clock()
    served = provider(clock=clock, faults=ProviderFaults(stale_prices=1))
    period = SimulatedMarket(7).calendar.period(date(2025, 6, 1), "08-09")

    def price_at(at: datetime) -> ReferencePrice:
        clock.now = at
        return parse_reference_price(200, answer(served).body, period)

    frozen = price_at(period.tradable_until - timedelta(hours=1))
    assert price_at(period.tradable_until - timedelta(hours=2)) != frozen
    assert price_at(period.price_final_from) == price_at(NOW) == frozen
    assert frozen.provider_updated_at is not None
    assert frozen.provider_updated_at < period.price_current_from
    served.faults.stale_prices = 0
    healed = price_at(period.price_final_from)
    assert healed.provider_updated_at is not None
    assert healed.provider_updated_at >= period.price_current_from


def test_a_revised_price_changes_once_in_the_morning_after_delivery() -> None:
    clock = Clock()
    served = provider(clock=clock, faults=ProviderFaults(revised_prices=1))
    period = SimulatedMarket(7).calendar.period(date(2025, 6, 1), "08-09")
    at_five = period.price_recheck_from - timedelta(hours=1)

    def value_at(at: datetime) -> float:
        clock.now = at
        return float(json.loads(answer(served).body)["value"])

    final = value_at(period.price_final_from)
    assert value_at(at_five - timedelta(seconds=1)) == final
    assert value_at(at_five) == value_at(at_five + timedelta(days=9)) == pytest.approx(final + 1.25)
    assert json.loads(answer(served).body)["last_update"] == at_five.isoformat()


def test_a_share_of_the_hours_is_hit_always_the_same_ones() -> None:
    served = provider(faults=ProviderFaults(permissive=True, stale_prices=0.25))
    targets = [
        f"/reference-price?delivery_day=2025-05-{day:02}&delivery_hour={hour:02}-{hour + 1:02}"
        for day in range(1, 11)
        for hour in range(24)
    ]
    first, second = ([answer(served, target).body for target in targets] for _ in range(2))
    assert first == second
    served.faults.stale_prices = 0
    hit = sum(answer(served, target).body != body for target, body in zip(targets, first, strict=True))
    assert 30 < hit < 90
