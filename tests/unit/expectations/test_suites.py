"""What every expectation needs so that its result can be read and acted on."""

import string

import pytest

from include.expectations import pnl_hourly, reference_prices, trades
from include.expectations.library import CRITICAL, WARNING, ExpectNoRows
from include.expectations.validation import Suite

SUITES = [trades.suite("batches"), reference_prices.suite("batches"), pnl_hourly.suite()]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_expectation_is_described_once_and_has_a_severity(suite: Suite) -> None:
    descriptions = [expectation.description for expectation in suite.expectations]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)
    assert {expectation.severity for expectation in suite.expectations} <= {CRITICAL, WARNING}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_query_names_the_view_if_and_only_if_it_joins(suite: Suite) -> None:
    queries = [e.unexpected_rows_query for e in suite.expectations if isinstance(e, ExpectNoRows)]
    assert queries
    for query in queries:
        for before, field, _, _ in string.Formatter().parse(query):
            assert field in (None, "batch"), before
        named = query.count("{batch} AS ")
        assert named == (query.count("{batch}") if "JOIN" in query else 0), query


@pytest.mark.parametrize("suite", SUITES[:2], ids=lambda suite: suite.name)
def test_what_blocks_a_batch_says_which_batch(suite: Suite) -> None:
    assert "load_batch_id" in suite.identity
    for expectation in suite.expectations:
        if isinstance(expectation, ExpectNoRows):
            selected = expectation.unexpected_rows_query.split("FROM", 1)[0]
            assert "load_batch_id" in selected, expectation.description
