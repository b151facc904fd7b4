"""Rejections: every reason is described, reachable, and said in words that can be stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.rejection import DESCRIPTIONS, Reason, RejectedMessageError, quoted
from tests.unit.domain.messages import BAD_DEALS, BAD_REPLIES

OF_THE_LOADER = {
    Reason.NOT_TEXT,
    Reason.CONFLICTING_DUPLICATE,
    Reason.UNSTORABLE,
    Reason.TORN_LINE,
    Reason.FOREIGN_LINE,
    Reason.OBSERVED_IN_FUTURE,
}
OF_STATEMENTS = {Reason.WRONG_STATEMENT_DAY, Reason.WRONG_COLUMN_COUNT}
"""tests/unit/domain/test_statement.py has examples."""


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_description(reason: Reason) -> None:
    description = DESCRIPTIONS[reason]
    assert len(description.split()) >= 5
    assert str(reason).islower()


def test_no_two_reasons_are_described_alike() -> None:
    assert len(set(DESCRIPTIONS.values())) == len(Reason) == len(DESCRIPTIONS)


def test_every_reason_of_the_parsers_has_an_example() -> None:
    assert {example[0] for example in (*BAD_DEALS, *BAD_REPLIES)} == (
        set(Reason) - OF_THE_LOADER - OF_STATEMENTS
    )


def test_the_error_says_code_and_detail() -> None:
    error = RejectedMessageError(Reason.INVALID_PRICE, "price is 'x'")
    assert str(error) == "invalid_price: price is 'x'"
    assert (error.reason, error.detail) == (Reason.INVALID_PRICE, "price is 'x'")


@given(st.text() | st.binary() | st.lists(st.text()))
def test_a_quotation_is_short_and_safe_to_print(value: object) -> None:
    text = quoted(value)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= 80


def test_a_long_value_is_cut_where_it_shows() -> None:
    assert quoted("x" * 78) == f"'{'x' * 78}'"
    assert quoted("x" * 79) == f"'{'x' * 76}..."
