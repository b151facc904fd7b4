"""What every expectation needs so that its result can be read and acted on."""

import re
import string

import pytest

from include.commands.review import without_apostrophes
from include.expectations import pnl_hourly, reference_prices, trades
from include.expectations.library import CRITICAL, WARNING, ExpectNoRows
from include.expectations.validation import Suite
from include.settings import Settings

SUITES = [trades.suite(Settings()), reference_prices.suite(Settings()), pnl_hourly.suite()]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_expectation_is_described_once_and_has_a_severity(suite: Suite) -> None:
    descriptions = [expectation.description for expectation in suite.expectations]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)
    assert {expectation.severity for expectation in suite.expectations} <= {CRITICAL, WARNING}


def test_what_make_review_prints_names_one_expectation() -> None:
    descriptions = [expectation.description for suite in SUITES for expectation in suite.expectations]
    for part in map(without_apostrophes, descriptions):
        assert "'" not in part
        assert len([each for each in descriptions if part in each]) == 1, part


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
def test_a_finding_says_which_lines_it_is_about(suite: Suite) -> None:
    """The lines by which trades are quarantined, and the batch that a person looks up."""
    columns = {"load_batch_id", "landing_file_id", "line_number"}
    assert columns <= set(suite.identity)
    for expectation in suite.expectations:
        if isinstance(expectation, ExpectNoRows):
            selected = expectation.unexpected_rows_query.split("FROM", 1)[0]
            assert columns <= set(re.findall(r"\w+", selected)), expectation.description
