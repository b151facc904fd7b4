"""Reference prices: what a reply means, undefined values included, and which replies break the contract."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.reference_price import (
    Observation,
    ReferencePrice,
    is_stale,
    is_transient_status,
    parse_reference_price,
    price_status,
    standing_price,
    why_no_answer,
)
from include.domain.rejection import Reason, RejectedMessageError
from tests.unit.domain.messages import BAD_REPLIES, GOOD_REPLY, outcome, reply, reply_with_value

ASKED = Market.of("Europe/Berlin").period(date(2023, 5, 12), "08-09")
UPDATED_AT = datetime(2023, 2, 21, 7, 10, 20, tzinfo=UTC)

json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


def reply_without(field: str) -> str:
    return json.dumps({name: value for name, value in GOOD_REPLY.items() if name != field})


def test_a_reply_is_a_price_of_the_period_asked_for() -> None:
    assert parse_reference_price(200, reply(), ASKED) == ReferencePrice(ASKED, Decimal("27.74"), UPDATED_AT)


@pytest.mark.parametrize("label", ["8-9", " 08-09 ", "08–09", "08:00-09:00", "H9", "Hour 9"])  # noqa: RUF001
def test_a_reply_may_write_the_label_as_trades_do(label: str) -> None:
    assert parse_reference_price(200, reply(delivery_hour=label), ASKED).price_eur_per_mwh == Decimal("27.74")


@pytest.mark.parametrize("unit", ["euro/mwh", "euro"])
def test_both_spellings_of_the_unit_mean_the_same_price(unit: str) -> None:
    assert parse_reference_price(200, reply(unit=unit), ASKED).price_eur_per_mwh == Decimal("27.74")


@pytest.mark.parametrize("literal", ["-12.5", "0", "27.740000001", "1e2"])
def test_a_price_is_exactly_what_was_written(literal: str) -> None:
    price = parse_reference_price(200, reply_with_value(literal), ASKED).price_eur_per_mwh
    assert price is not None
    assert price == Decimal(literal)


@pytest.mark.parametrize("text", [reply(value=None), reply_without("value"), reply(value=None, unit=None)])
def test_null_and_missing_say_undefined_and_never_zero(text: str) -> None:
    assert parse_reference_price(200, text, ASKED) == ReferencePrice(ASKED, None, UPDATED_AT)


@pytest.mark.parametrize("text", ["", "not found", '{"error_message": "no price yet"}'])
def test_404_and_204_say_undefined_whatever_the_body(text: str) -> None:
    assert parse_reference_price(404, text, ASKED) == ReferencePrice(ASKED, None, None)
    assert parse_reference_price(204, text, ASKED) == ReferencePrice(ASKED, None, None)


@pytest.mark.parametrize("text", [reply_without("last_update"), reply(last_update=None)])
def test_the_time_of_update_may_be_missing(text: str) -> None:
    assert parse_reference_price(200, text, ASKED) == ReferencePrice(ASKED, Decimal("27.74"), None)


@pytest.mark.parametrize("value", [None, 27.74])
@pytest.mark.parametrize(
    ("updated", "said"), [("yesterday", "'yesterday'"), (1677, "Decimal('1677')"), ("", "''")]
)
def test_a_time_of_update_that_cannot_be_read_costs_no_price(
    value: float | None, updated: object, said: str
) -> None:
    price = None if value is None else Decimal("27.74")
    parsed = parse_reference_price(200, reply(last_update=updated, value=value), ASKED)
    assert parsed == ReferencePrice(ASKED, price, None, said)
    assert why_no_answer(200, reply(last_update=updated, value=value).encode(), ASKED) is None


def test_a_price_may_be_written_as_a_text() -> None:
    assert parse_reference_price(200, reply(value="-27.740"), ASKED).price_eur_per_mwh == Decimal("-27.74")


@pytest.mark.parametrize(
    ("literal", "price"),
    [
        ("27.73913043478261", "27.7391304348"),
        ("-27.73913043475", "-27.7391304348"),
        ("27.740000000000002", "27.74"),
        ("27.739999999999998", "27.74"),
        ("0.00000000015", "0.0000000002"),
    ],
)
def test_an_average_that_the_provider_does_not_round_is_a_price(literal: str, price: str) -> None:
    assert parse_reference_price(200, reply_with_value(literal), ASKED).price_eur_per_mwh == Decimal(price)


@pytest.mark.parametrize("literal", ["0.00000000001", "1e-300"])
def test_no_price_is_rounded_to_zero(literal: str) -> None:
    with pytest.raises(RejectedMessageError):
        parse_reference_price(200, reply_with_value(literal), ASKED)


@pytest.mark.parametrize("literal", ["9999.99", "-9999.99"])
def test_the_bounds_of_the_exchange_are_prices(literal: str) -> None:
    assert parse_reference_price(200, reply_with_value(literal), ASKED).price_eur_per_mwh == Decimal(literal)


@pytest.mark.parametrize(("reason", "status", "text", "explanation"), BAD_REPLIES)
def test_a_breach_of_the_contract_is_rejected_with_its_reason_in_words(
    reason: Reason, status: int, text: str, explanation: str
) -> None:
    with pytest.raises(RejectedMessageError) as rejected:
        parse_reference_price(status, text, ASKED)
    assert rejected.value.reason == reason
    assert explanation in rejected.value.detail


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_not_now_is_no_statement_about_the_price(status: int) -> None:
    assert is_transient_status(status)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 410])
def test_every_other_status_is_final(status: int) -> None:
    assert not is_transient_status(status)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, reply().encode()),
        (200, reply(value=None).encode()),
        (204, b""),
        (404, b"\xff"),
        (400, b'{"error_message": "unknown delivery hour"}'),
    ],
)
def test_a_price_no_price_and_no_such_period_are_answers(status: int, body: bytes) -> None:
    assert why_no_answer(status, body, ASKED) is None


@pytest.mark.parametrize(("reason", "status", "text", "explanation"), BAD_REPLIES)
def test_a_breach_of_the_contract_is_no_answer(
    reason: Reason, status: int, text: str, explanation: str
) -> None:
    failure = why_no_answer(status, text.encode(), ASKED)
    if reason in (Reason.BAD_REQUEST, Reason.PRICE_OUT_OF_BOUNDS):
        assert failure is None
    else:
        assert failure is not None
        assert explanation in failure
        assert f"status {status}" in failure


@pytest.mark.parametrize("body", [b"\xff", b"[" * 200_000, b'{"a":' * 200_000])
def test_what_cannot_be_read_at_all_is_no_answer(body: bytes) -> None:
    assert why_no_answer(200, body, ASKED) is not None


@given(st.integers(100, 599), st.binary())
def test_no_reply_breaks_the_decision_whether_it_is_an_answer(status: int, body: bytes) -> None:
    failure = why_no_answer(status, body, ASKED)
    assert failure is None or status not in (204, 404)
    assert failure is not None or status in (204, 400, 404)


@given(st.integers(100, 499), st.text())
def test_any_reply_is_a_price_or_rejected(status: int, text: str) -> None:
    price = outcome(parse_reference_price, status, text, ASKED)
    if isinstance(price, RejectedMessageError):
        assert price.detail.isascii()
    else:
        assert price.price_eur_per_mwh is None


@given(st.dictionaries(st.sampled_from(sorted(GOOD_REPLY)), json_values))
def test_a_reply_with_any_values_is_a_price_or_rejected(changes: dict[str, Any]) -> None:
    price = outcome(parse_reference_price, 200, reply(**changes), ASKED)
    if isinstance(price, RejectedMessageError):
        assert price.detail.isascii()
    else:
        assert price.period is ASKED
        assert (price.price_eur_per_mwh is None) == (changes.get("value", "given") is None)


GATE = datetime(2023, 5, 12, 5, 55, tzinfo=UTC)
"""Gate closure of 08-09, Berlin summer time."""
LAST_PUBLICATION = datetime(2023, 5, 12, 6, 0, 30, tzinfo=UTC)
NEXT_NOON = datetime(2023, 5, 13, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FRESH = GATE - timedelta(minutes=10)


def observed(at: datetime, updated_at: datetime | None, price: str | None = "27.74") -> Observation:
    return Observation(None if price is None else Decimal(price), updated_at, at)


@pytest.mark.parametrize(
    ("at", "updated_at", "status"),
    [
        (LAST_PUBLICATION - SECOND, FRESH, "provisional"),
        (LAST_PUBLICATION - SECOND, None, "provisional"),
        (LAST_PUBLICATION, FRESH, "final"),
        (LAST_PUBLICATION, None, "final"),  # the provider does not say, or not readably
        (LAST_PUBLICATION, FRESH - SECOND, "provisional"),
        (NEXT_NOON - SECOND, FRESH - SECOND, "provisional"),
        (NEXT_NOON - SECOND, FRESH, "final"),
        (NEXT_NOON, FRESH - SECOND, "final"),
        (NEXT_NOON, FRESH - timedelta(days=9), "final"),
    ],
)
def test_a_price_is_final_after_the_last_publication_if_the_provider_has_updated_it(
    at: datetime, updated_at: datetime | None, status: str
) -> None:
    assert price_status(ASKED, observed(at, updated_at)) == status


@pytest.mark.parametrize(
    ("at", "updated_at", "is_old"),
    [
        (LAST_PUBLICATION - SECOND, FRESH - SECOND, False),  # the next publication may bring another
        (LAST_PUBLICATION, FRESH - SECOND, True),
        (LAST_PUBLICATION, FRESH, False),
        (LAST_PUBLICATION, None, False),
        (NEXT_NOON, FRESH - SECOND, True),
    ],
)
def test_a_value_is_stale_once_a_newer_one_was_due(
    at: datetime, updated_at: datetime | None, is_old: bool
) -> None:
    assert is_stale(ASKED, observed(at, updated_at)) is is_old


def test_no_observation_with_a_price_is_no_price() -> None:
    assert standing_price([]) is None
    assert standing_price([observed(NEXT_NOON, FRESH, None)]) is None
    assert price_status(ASKED, None) == "missing"


def test_the_last_defined_observation_stands_whatever_its_order_or_status() -> None:
    early, late = observed(LAST_PUBLICATION, FRESH), observed(LAST_PUBLICATION + SECOND, FRESH - SECOND, "30")
    undefined = observed(NEXT_NOON, FRESH, None)
    assert standing_price([early, undefined, late]) == standing_price([late, early]) == late
    assert price_status(ASKED, late) == "provisional"


def test_of_observations_at_one_time_the_last_update_counts_then_the_lowest_price() -> None:
    at = LAST_PUBLICATION
    newest = observed(at, FRESH + SECOND, "50")
    assert standing_price([observed(at, None, "1"), newest, observed(at, FRESH, "2")]) == newest
    assert standing_price([observed(at, FRESH, "3"), observed(at, FRESH, "-3")]) == observed(at, FRESH, "-3")
