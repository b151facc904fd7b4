"""Reading JSON: exact numbers, storable texts, real times, and nothing but a rejection for the rest."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.message import (
    MAX_DEPTH,
    MAX_MESSAGE_CHARACTERS,
    decode_json,
    is_utc_text,
    storable_number,
    storable_text,
    zoned_time,
)
from include.domain.rejection import Reason, RejectedMessageError
from tests.unit.domain.messages import outcome

EXACT = st.decimals(-999_999_999, 999_999_999, allow_nan=False, places=10)


@given(EXACT)
def test_a_number_keeps_every_digit(number: Decimal) -> None:
    assert storable_number(decode_json(f"{number:f}"), "price", Reason.INVALID_PRICE) == number


@given(st.integers(-(10**27), 10**27), st.integers(-40, 40))
def test_a_number_is_kept_exactly_or_rejected(digits: int, exponent: int) -> None:
    written = Decimal(digits).scaleb(exponent)
    fits = abs(written) < 10**9 and written == round(written, 10) if abs(written) < 10**12 else False
    kept = outcome(storable_number, decode_json(f"{digits}e{exponent}"), "price", Reason.INVALID_PRICE)
    if isinstance(kept, RejectedMessageError):
        assert kept.reason == Reason.INVALID_PRICE
        assert not fits
    else:
        assert kept == written
        assert fits


@pytest.mark.parametrize("written", ["0", "-0", "0.00", "-0.0", "0e9999999", "0E-9999999"])
def test_zero_has_one_form(written: str) -> None:
    assert str(storable_number(decode_json(written), "price", Reason.INVALID_PRICE)) == "0"


@pytest.mark.parametrize("written", ["1e-9999999", "-1e-9999999", "1e9999999", "1e999999999999999"])
def test_a_number_beyond_all_bounds_is_neither_a_crash_nor_zero(written: str) -> None:
    with pytest.raises(RejectedMessageError):
        storable_number(decode_json(written), "price", Reason.INVALID_PRICE)


@pytest.mark.parametrize(
    "special", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("sNaN")]
)
def test_no_special_value_is_a_number(special: Decimal) -> None:
    with pytest.raises(RejectedMessageError):
        storable_number(special, "price", Reason.INVALID_PRICE)


@given(st.text())
def test_any_text_is_one_json_value_or_rejected(text: str) -> None:
    value = outcome(decode_json, text)
    assert not isinstance(value, RejectedMessageError) or value.reason == Reason.INVALID_JSON


@pytest.mark.parametrize("depth", [900, 950, 990, 1000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_a_message_that_is_nested_far_too_deeply_is_rejected(depth: int, brackets: str) -> None:
    opening, closing = brackets[:-1], brackets[-1]
    value = outcome(decode_json, opening * depth + "1" + closing * depth)
    assert isinstance(value, RejectedMessageError)
    assert value.detail == "nested too deeply"


@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_the_limit_of_depth_does_not_depend_on_the_caller(brackets: str) -> None:
    opening, closing = brackets[:-1], brackets[-1]
    decode_json(opening * MAX_DEPTH + "1" + closing * MAX_DEPTH)

    for depth in (MAX_DEPTH + 1, MAX_DEPTH + 2):
        value = outcome(decode_json, opening * depth + "1" + closing * depth)
        assert isinstance(value, RejectedMessageError)
        assert (value.reason, value.detail) == (Reason.INVALID_JSON, "nested too deeply")


def test_a_message_of_any_length_is_read_or_rejected_without_reading_it() -> None:
    value = outcome(decode_json, '"' + "x" * MAX_MESSAGE_CHARACTERS)
    assert isinstance(value, RejectedMessageError)
    assert (value.reason, value.detail) == (Reason.UNREADABLE, "the message has 1,000,001 characters")


@given(st.text(min_size=1, max_size=200))
def test_a_text_is_kept_verbatim_or_cannot_be_stored(text: str) -> None:
    value = outcome(storable_text, decode_json(json.dumps(text)), "id", Reason.INVALID_TRADE_ID)
    if isinstance(value, RejectedMessageError):
        assert "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
    else:
        assert value == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-02-21T06:13:43+00:00", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43Z", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2023-02-21 06:13:43.125Z", datetime(2023, 2, 21, 6, 13, 43, 125_000, tzinfo=UTC)),
        ("2023-02-21T06:13:43+0100", datetime(2023, 2, 21, 5, 13, 43, tzinfo=UTC)),
        ("2000-01-01T00:30:00-01:00", datetime(2000, 1, 1, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_its_instant_in_utc(text: str, expected: datetime) -> None:
    at = zoned_time(text, "execution_time", Reason.INVALID_EXECUTION_TIME)
    assert at == expected
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *(
            "2023-02-21T06:13:43",
            "2023-02-21",
            "06:13:43Z",
            "2023-02-30T06:13:43Z",
            "2023-02-21T06:13:43+25:00",
        ),
        *(
            "2023-02-21T24:00:00Z",
            "2023-02-21T06:13Z",
            "2000-01-01T00:30:00+01:00",
            "9999-12-31T23:59:59-23:59",
        ),
        *("2023-02-21T06:13:43Z\n", "", None, 1676959999, Decimal(1)),
    ],
)
def test_what_is_no_time_with_a_zone_is_rejected(value: object) -> None:
    with pytest.raises(RejectedMessageError) as rejected:
        zoned_time(value, "execution_time", Reason.INVALID_EXECUTION_TIME)
    assert rejected.value.reason == Reason.INVALID_EXECUTION_TIME
    assert rejected.value.detail.startswith("execution_time is ")


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", fullmatch=True))
def test_any_text_is_a_time_or_rejected(text: str) -> None:
    at = outcome(zoned_time, text, "execution_time", Reason.INVALID_EXECUTION_TIME)
    if isinstance(at, RejectedMessageError):
        assert at.reason == Reason.INVALID_EXECUTION_TIME
    else:
        assert at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T10:15:00.000000+00:00", True),
        ("2026-03-02T10:15:00.000000+01:00", False),
        ("2026-W10-2T10:15:00.00000+00:000", False),
        ("2026-02-30T10:15:00.000000+00:00", False),
        ("٢٠٢٦-03-02T10:15:00.000000+00:00", False),
        ("2026-03-02T10:15:00,000000+00:00", False),
        ("2026-03-02T101500.0000000+00:00", False),
        ("2026-03-02T10:15.00000000+00:00", False),
        ("2026-03-02 10:15:00.000000+00:00", False),
        ("2026-03-02T24:00:00.000000+00:00", False),
        ("2000-12-31T10:15:00.000000+00:00", False),
        ("2099-01-01T10:15:00.000000+00:00", False),
        ("", False),
    ],
)
def test_is_utc_text(text: str, expected: bool) -> None:
    assert is_utc_text(text, 32) is expected
