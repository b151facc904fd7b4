"""What arrives counts within a minute: trades in each pass, prices once after each publication."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.errors import TerminalError, TransientError
from include.jobs import follow_market, load_trades
from include.jobs.follow_market import next_pass_at
from include.settings import Settings
from tests.database import Database
from tests.integration.pull.server import Answer, ScriptedProvider, price, scripted_provider
from tests.messages import deal, landed, write_landing_file

DAY = "2026-03-02"


class FakeClock(follow_market.Clock):
    """Jumps to the moment that is waited for; things happen meanwhile."""

    def __init__(self, now: datetime, *meanwhile: Callable[[], object]) -> None:
        self.at = now
        self.waits: list[datetime] = []
        self.meanwhile = list(meanwhile)

    def now(self) -> datetime:
        return self.at

    def wait_until(self, moment: datetime) -> None:
        self.waits.append(moment)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.at = moment


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as running:
        yield running


@pytest.fixture
def desk(settings: Settings, provider: ScriptedProvider) -> Settings:
    return replace(settings, market_data_url=provider.url)


def clock(text: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{text}+00:00")


def capture(settings: Settings, trade_id: str, **changes: object) -> None:
    """A trade arrives."""
    write_landing_file(settings.landing_root, landed([deal(id=trade_id, **changes)]), trade_id)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("12:00:00", "12:00:01"),
        ("12:00:01", "12:00:31"),
        ("12:00:30.999999", "12:00:31"),
        ("12:00:59", "12:01:01"),
    ],
)
def test_a_pass_starts_behind_each_half_minute(now: str, then: str) -> None:
    assert next_pass_at(clock(now)) == clock(then)


def test_what_arrives_meanwhile_counts_in_the_next_pass(desk: Settings, database: Database) -> None:
    seen = []

    def look() -> None:
        seen.append(database.value("SELECT sum(trade_count) FROM curated.pnl_hourly"))

    def then(trade_id: str) -> Callable[[], None]:
        return lambda: (look(), capture(desk, trade_id))  # type: ignore[func-returns-value,return-value]

    capture(desk, "1")
    summary = follow_market.run(desk, 60, FakeClock(clock("12:00:01"), then("2"), then("3")))
    look()
    assert seen == [1, 2, 3]
    assert (summary["passes"], summary["trades"]) == (3, 3)


def test_prices_are_asked_for_once_after_each_publication(
    desk: Settings, database: Database, provider: ScriptedProvider
) -> None:
    now = datetime.now(UTC)  # answers bear the real time: only the next publication is news
    publication = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0) + timedelta(minutes=10)
    tomorrow = f"{now + timedelta(days=1):%Y-%m-%d}"
    capture(desk, "1", delivery_day=tomorrow)
    provider.script = [price(42.5)]
    asked, seen = [], []

    def look() -> None:
        asked.append(provider.asked.count(f"{tomorrow} 15-16"))
        seen.append(database.value("SELECT reference_price_eur_per_mwh FROM curated.pnl_hourly"))
        provider.script = [price(43.5)]

    follow_market.run(desk, 90, FakeClock(publication - timedelta(seconds=29), look, look, look, look))
    # passes 29 s ahead, and 1 s, 31 s and 61 s behind the publication
    assert asked == [1, 1, 2]
    assert seen == [Decimal("42.5"), Decimal("42.5"), Decimal("43.5")]


def test_a_provider_that_is_down_is_left_to_the_refresh(
    desk: Settings, database: Database, provider: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.script = [Answer(404), Answer(500)]
    capture(desk, "1")
    asked = []
    follow_market.run(desk, 60, FakeClock(clock("12:00:31"), *[lambda: asked.append(provider.count)] * 2))
    assert asked[0] == asked[1] == provider.count > 0, "once a publication, or the budget is gone"
    assert "the market data provider failed" in caplog.text
    assert database.rows("SELECT trade_count, price_status FROM curated.pnl_hourly") == [(1, "missing")]


def test_a_blocked_batch_stops_nothing_else_and_turns_the_run_red_at_its_end(
    desk: Settings, database: Database
) -> None:
    write_landing_file(desk.landing_root, landed(["no trade"] * 10))
    with pytest.raises(TerminalError, match="1 blocked"):
        follow_market.run(desk, 30, FakeClock(clock("12:00:01"), lambda: capture(desk, "1")))
    assert database.rows("SELECT trade_count FROM curated.pnl_hourly") == [(1,)]


def test_a_warehouse_that_is_back_is_no_failure(
    desk: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load_trades.run

    def away(settings: Settings) -> dict[str, int]:
        raise TransientError("the warehouse: gone")

    capture(desk, "1")
    monkeypatch.setattr(load_trades, "run", away)
    with pytest.raises(TransientError, match="gone"):
        follow_market.run(desk, 30, FakeClock(clock("12:00:01")))
    follow_market.run(
        desk, 30, FakeClock(clock("12:00:01"), lambda: monkeypatch.setattr(load_trades, "run", real))
    )
    assert database.rows("SELECT trade_count FROM curated.pnl_hourly") == [(1,)]
