"""The clock of the market: what the page waits for."""

from datetime import UTC, datetime

import pytest

from include.dashboard.market import next_publication_at, next_refresh_at


@pytest.mark.parametrize(
    ("now", "publication", "refresh"),
    [
        ("12:00:00", "12:10:00", "12:01:00"),
        ("12:00:59", "12:10:00", "12:01:00"),
        ("12:01:00", "12:10:00", "12:11:00"),
        ("12:09:59", "12:10:00", "12:11:00"),
        ("12:59:00", "13:00:00", "13:01:00"),
    ],
)
def test_what_comes_next(now: str, publication: str, refresh: str) -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-01T{clock}").replace(tzinfo=UTC)

    assert (next_publication_at(at(now)), next_refresh_at(at(now))) == (at(publication), at(refresh))
