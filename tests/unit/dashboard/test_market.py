"""The clock of the market: what the page waits for."""

from datetime import UTC, date, datetime

import pytest

from include.dashboard.market import next_publication_at, next_refresh_at, trading_opens_at
from include.domain.delivery_period import Market
from include.jobs.follow_market import next_pass_at
from include.pull.schedule import last_publication


@pytest.mark.parametrize(
    ("now", "publication", "refresh"),
    [
        ("12:00:00", "12:10:00", "12:00:31"),
        ("12:00:30", "12:10:00", "12:00:31"),
        ("12:00:31", "12:10:00", "12:10:31"),
        ("12:09:59", "12:10:00", "12:10:31"),
        ("12:59:00", "13:00:00", "13:00:31"),
    ],
)
def test_what_comes_next(now: str, publication: str, refresh: str) -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-01T{clock}").replace(tzinfo=UTC)

    assert (next_publication_at(at(now)), next_refresh_at(at(now))) == (at(publication), at(refresh))


def test_prices_are_asked_for_when_the_page_says_so() -> None:
    publication = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
    passes = [next_pass_at(publication)]
    passes.append(next_pass_at(passes[0]))
    first = next(at for at in passes if last_publication(at) > publication)
    assert first == next_refresh_at(publication)


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        ("2026-03-01", "2026-02-28T14:00"),
        ("2026-03-29", "2026-03-28T14:00"),
        ("2026-03-30", "2026-03-29T13:00"),
    ],
)
def test_a_day_opens_on_the_afternoon_before(day: str, opens: str) -> None:
    expected = datetime.fromisoformat(opens).replace(tzinfo=UTC)
    assert trading_opens_at(Market.of("Europe/Berlin"), date.fromisoformat(day)) == expected
