"""Reading JSON: exact numbers, storable texts, real times, and nothing but a rejection for the rest."""

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.message import (
    MAX_DEPTH,
    MAX_MESSAGE_CHARACTERS,
    decode_json,
    identifier,
    is_utc_text,
    parse_time,
    storable_number,
)
from include.domain.rejection import Reason, RejectedMessageError
from tests.unit.domain.messages import outcome

EXACT = st.decimals(-999_999_999, 999_999_999, allow_nan=False, places=10)


@given(EXACT)
def test_a_number_keeps_every_digit(number: Decimal) -> None:
    assert storable_number(decode_json(f"{number:f}"), "price", Reason.INVALID_PRICE) == number


@given(EXACT)
def test_a_number_may_be_written_as_a_text(number: Decimal) -> None:
    assert storable_number(f"{number:f}", "price", Reason.INVALID_PRICE) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "+1", "1.", ".5", "1e2", "1,5", "1 000", "--1", "0x10", "1_0", "NaN", "inf", "\u0661", "1\n"],
)
def test_a_text_that_is_no_plain_decimal_is_no_number(text: str) -> None:
    with pytest.raises(RejectedMessageError):
        storable_number(text, "price", Reason.INVALID_PRICE)


def test_a_byte_order_mark_before_the_json_is_skipped() -> None:
    assert decode_json('\ufeff{"a": 1}') == {"a": 1}


@given(st.integers(-(10**60), 10**60), st.integers(-70, 40))
def test_a_number_is_kept_to_ten_decimals_or_rejected(digits: int, exponent: int) -> None:
    written = Decimal(digits).scaleb(exponent, Context(prec=200))
    kept = outcome(storable_number, decode_json(f"{digits}e{exponent}"), "price", Reason.INVALID_PRICE)
    if isinstance(kept, RejectedMessageError):
        assert kept.reason == Reason.INVALID_PRICE
        assert abs(written) >= 10**9 or abs(written) < Decimal("1e-10")
    else:
        assert kept == written.quantize(Decimal("1e-10"), ROUND_HALF_UP, Context(prec=200))
        assert bool(kept) == bool(written)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("27.740000000000002", "27.74"),  # 9.4 + 18.34 in binary
        ("0.1000000000000000055511151231257827021181583404541015625", "0.1"),
        ("-0.30000000000000004", "-0.3"),
        ("0.12345678905", "0.1234567891"),
        ("999999999.99999999999", "1E+9"),
    ],
)
def test_more_than_ten_decimals_are_rounded(written: str, kept: str) -> None:
    for value in (decode_json(written), decode_json(f'"{written}"')):
        assert storable_number(value, "price", Reason.INVALID_PRICE) == Decimal(kept)


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
def test_an_id_is_kept_without_blanks_around_it_or_cannot_be_stored(text: str) -> None:
    value = outcome(identifier, decode_json(json.dumps(text)), "id", Reason.INVALID_TRADE_ID)
    if isinstance(value, RejectedMessageError):
        is_unstorable = "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
        assert is_unstorable or not text.strip()
    else:
        assert value == text.strip()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"t_123"', "t_123"),
        ('" t_123\\t"', "t_123"),
        ("2042884497", "2042884497"),
        ("0", "0"),
        ("9" * 200, "9" * 200),
        ('"007"', "007"),
    ],
)
def test_an_id_is_a_text_or_a_whole_number(written: str, expected: str) -> None:
    assert identifier(decode_json(written), "id", Reason.INVALID_TRADE_ID) == expected


@pytest.mark.parametrize(
    "written", ['""', '" "', "-1", "-0", "1.0", "1e3", "9" * 201, "true", "null", "[]", "{}"]
)
def test_what_is_no_id_is_rejected(written: str) -> None:
    with pytest.raises(RejectedMessageError):
        identifier(decode_json(written), "id", Reason.INVALID_TRADE_ID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-02-21T06:13:43+00:00", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43Z", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2023-02-21 06:13:43Z", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43+01", datetime(2023, 2, 21, 5, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43+01:00", datetime(2023, 2, 21, 5, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43+0100", datetime(2023, 2, 21, 5, 13, 43, tzinfo=UTC)),
        ("2023-02-21T06:13:43-0330", datetime(2023, 2, 21, 9, 43, 43, tzinfo=UTC)),
        ("2023-02-21T06:13Z", datetime(2023, 2, 21, 6, 13, tzinfo=UTC)),
        ("2023-02-21 06:13+01", datetime(2023, 2, 21, 5, 13, tzinfo=UTC)),
        (" 2023-02-21T06:13:43Z\n", datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)),
        ("2000-01-01T00:30:00-01:00", datetime(2000, 1, 1, 1, 30, tzinfo=UTC)),
        ("2025-06-07 15:03:44.509000+00:00", datetime(2025, 6, 7, 15, 3, 44, 509_000, tzinfo=UTC)),
        *(
            (f"2023-02-21T06:13:43.{'123456789'[:digits]}Z", datetime(2023, 2, 21, 6, 13, 43, cut, tzinfo=UTC))
            for digits, cut in enumerate(
                (100_000, 120_000, 123_000, 123_400, 123_450, 123_456, 123_456, 123_456, 123_456), start=1
            )
        ),
        ("2023-02-21T06:13:43.9999999Z", datetime(2023, 2, 21, 6, 13, 43, 999_999, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_its_instant_in_utc(text: str, expected: datetime) -> None:
    at = parse_time(text)
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
        *("2023-02-21T24:00:00Z", "2023-02-21T06Z", "2000-01-01T00:30:00+01:00", "9999-12-31T23:59:59-23:59"),
        *("0001-01-01T00:00:00+23:59", "2023-02-21T06:13:43.Z", "2023-02-21T06:13:43.1234567890Z"),
        *("2023-02-21T06:13:43,5Z", "2023-02-21T06:13:43 Z", "2023-02-21T06:13:43+1", "20230221T061343Z"),
        *("yesterday", "", None, 1676959999, Decimal(1), ["2023-02-21T06:13:43Z"]),
    ],
)
def test_what_is_no_time_with_a_zone_is_none(value: object) -> None:
    assert parse_time(value) is None


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d(:?\d\d)?)", fullmatch=True))
def test_any_text_is_a_time_in_utc_or_none(text: str) -> None:
    at = parse_time(text)
    assert at is None or (at.tzinfo is UTC and 2000 <= at.year <= 2099)


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
