"""The URL of a question, and what Retry-After means."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pull.client import (
    DEFAULT_RETRY_SECONDS,
    MAX_RETRY_SECONDS,
    reference_price_url,
    retry_after_seconds,
)

DAY = date(2023, 5, 12)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://host:5060", "http://host:5060/reference-price?"),
        ("http://host:5060/", "http://host:5060/reference-price?"),
        ("https://host/v1", "https://host/v1/reference-price?"),
        ("https://host/v1/", "https://host/v1/reference-price?"),
        ("https://host/market/data?key=k", "https://host/market/data/reference-price?key=k&"),
        ("https://host/v1#top", "https://host/v1/reference-price?"),
    ],
)
def test_the_base_url_keeps_its_path_and_its_query(base: str, url: str) -> None:
    assert reference_price_url(base, DAY, "08-09") == url + "delivery_day=2023-05-12&delivery_hour=08-09"


@pytest.mark.parametrize("label", ["08-09", "02-03A", "15:00-15:15"])
def test_a_label_arrives_as_it_is(label: str) -> None:
    query = parse_qs(urlsplit(reference_price_url("http://host", DAY, label)).query)
    assert query == {"delivery_day": ["2023-05-12"], "delivery_hour": [label]}


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7.0),
        (503, " 30 ", 30.0),
        (429, "0", 1.0),
        (429, "86400", MAX_RETRY_SECONDS),
        (429, "Mon, 02 Mar 2026 12:00:45 GMT", 45.0),
        (503, "Mon, 02 Mar 2026 13:00:45 +0100", 45.0),
        (429, "Mon, 02 Mar 2026 11:00:00 GMT", 1.0),
        (429, "Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_SECONDS),
        (429, None, DEFAULT_RETRY_SECONDS),
        (429, "", DEFAULT_RETRY_SECONDS),
        (429, "soon", DEFAULT_RETRY_SECONDS),
        (429, "-5", DEFAULT_RETRY_SECONDS),
        (503, None, None),
        (503, "soon", None),
        (200, None, None),
        (200, "86400", None),
        (302, "7", None),
        (404, "7", None),
        (500, "7", None),
        (502, "Mon, 02 Mar 2026 12:00:45 GMT", None),
    ],
)
def test_retry_after(status: int, header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(status, header, NOW) == seconds


@given(st.integers(100, 599), st.text())
def test_no_header_breaks_it_or_stops_us_for_ever(status: int, header: str) -> None:
    seconds = retry_after_seconds(status, header, NOW)
    assert seconds is None or 1 <= seconds <= MAX_RETRY_SECONDS
