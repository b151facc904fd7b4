"""What arrives counts within a minute: trades in each pass, prices once after each publication."""

import errno
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.errors import TerminalError, TransientError
from include.jobs import check_freshness, follow_market, load_trades, pull_reference_prices
from include.jobs.follow_market import next_pass_at
from include.settings import Settings
from tests.factories import Database, ago
from tests.integration.health.receivers import WebhookReceiver
from tests.integration.pull.server import Answer, ScriptedProvider, price
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

    def then(trade_id: str) -> Callable[[], None]:
        def arrives() -> None:
            seen.append(database.value("SELECT coalesce(sum(trade_count), 0) FROM curated.pnl_hourly"))
            capture(desk, trade_id)

        return arrives

    clock_ = FakeClock(clock("12:00:01"), then("1"), then("2"), then("3"))
    summary = follow_market.run(desk, clock("12:01:00"), clock_)
    seen.append(database.value("SELECT sum(trade_count) FROM curated.pnl_hourly"))
    assert seen == [0, 1, 2, 3]
    assert (summary["passes"], summary["trades"]) == (3, 3)


def test_passes_go_on_until_the_next_run_has_begun_its_own(desk: Settings) -> None:
    due = clock("12:11:00")
    old, new = FakeClock(clock("12:10:20")), FakeClock(due + timedelta(seconds=29))
    follow_market.run(desk, due, old)
    follow_market.run(desk, due + timedelta(seconds=30), new)
    assert old.waits == [clock("12:10:31"), clock("12:11:01"), clock("12:11:31")]
    assert new.waits[0] == old.waits[-1], "even if it began only half a minute after it was due"


@pytest.mark.parametrize("until", [None, "11:50:00"])
def test_a_run_that_a_person_started_or_whose_time_is_over_is_done_at_once(
    desk: Settings, until: str | None
) -> None:
    clock_ = FakeClock(clock("12:00:01"))
    assert follow_market.run(desk, until and clock(until), clock_)["passes"] == 0
    assert clock_.waits == []


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

    start = FakeClock(publication - timedelta(seconds=40), lambda: None, look, look, look)
    follow_market.run(desk, publication + timedelta(seconds=31), start)
    look()
    # passes 29 s ahead, and 1 s, 31 s and 61 s behind the publication
    assert asked == [1, 1, 2, 2]
    assert seen == [Decimal("42.5"), Decimal("42.5"), Decimal("43.5"), Decimal("43.5")]


def test_a_provider_that_is_down_is_left_to_the_refresh(
    desk: Settings, database: Database, provider: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.script = [Answer(404), Answer(500)]
    capture(desk, "1")
    asked = []
    waits = [lambda: None, *[lambda: asked.append(provider.count)] * 2]
    follow_market.run(desk, clock("12:01:00"), FakeClock(clock("12:00:01"), *waits))
    assert asked[0] == asked[1] == provider.count > 0, "once a publication, or the budget is gone"
    assert "the market data provider failed" in caplog.text
    assert database.rows("SELECT trade_count, price_status FROM curated.pnl_hourly") == [(1, "missing")]


def test_bad_messages_hold_back_only_themselves_and_are_an_alarm(
    desk: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    write_landing_file(
        desk.landing_root, landed([*["no trade"] * 10, deal(id="bad", price=99_999), deal(id="0")])
    )
    waits = [lambda: None, lambda: capture(desk, "1")]
    summary = follow_market.run(desk, clock("12:01:00"), FakeClock(clock("12:00:01"), *waits))
    assert summary["passes"] == 3
    assert database.rows("SELECT trade_count, has_unreviewed_messages FROM curated.pnl_hourly") == [(2, True)]
    assert "trades_quarantined: 1 trade is in quarantine" in caplog.text
    assert "messages_rejected: 10 messages were rejected" in caplog.text


def test_a_file_that_cannot_be_loaded_stops_nothing_else_and_turns_the_run_red_at_its_end(
    desk: Settings, database: Database
) -> None:
    (desk.landing_root / "trades/date=2026-03-02/hour=09/a.jsonl").mkdir(parents=True)
    write_landing_file(desk.landing_root, landed([deal(id="0")]), "damaged")
    load_trades.run(desk)
    next(desk.landing_root.rglob("damaged.jsonl")).write_bytes(b"")
    database.rows("UPDATE ops.landing_files SET is_complete = false")
    waits = [lambda: None, lambda: capture(desk, "1")]
    with pytest.raises(TerminalError, match=r"damaged\.jsonl is not loaded from line 2 on"):
        follow_market.run(desk, clock("12:01:00"), FakeClock(clock("12:00:01"), *waits))
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 2


def test_a_warehouse_that_is_back_is_no_failure(
    desk: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load_trades.run

    def away(settings: Settings) -> dict[str, int]:
        raise TransientError("the warehouse: gone")

    capture(desk, "1")
    monkeypatch.setattr(load_trades, "run", away)
    until = clock("12:00:32")
    with pytest.raises(TransientError, match="gone"):
        follow_market.run(desk, until, FakeClock(clock("12:00:01")))
    waits = [lambda: None, lambda: monkeypatch.setattr(load_trades, "run", real)]
    follow_market.run(desk, until, FakeClock(clock("12:00:01"), *waits))
    assert database.rows("SELECT trade_count FROM curated.pnl_hourly") == [(1,)]


def test_each_pass_checks_freshness_and_notifies_people_once(
    desk: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    database.insert("ops.task_runs", dag_id="refresh_pnl", started_at=ago(24 * 60))
    on = "SELECT count(*) FROM ops.alarms WHERE alarm = 'capture_silent' AND cleared_at IS NULL"
    seen = []
    notifying = replace(desk, alert_urls=(webhook.url,))
    waits = [lambda: seen.append(database.value(on))] * 3
    summary = follow_market.run(notifying, clock("12:01:00"), FakeClock(clock("12:00:01"), *waits))
    told = [body["alarm"] for body in webhook.bodies if body["kind"] == "alarm_raised"]
    assert (seen, summary["passes"]) == ([0, 1, 1], 3), "an alarm fails the task check_freshness, not this one"
    assert told.count("capture_silent") == 1


def test_a_notification_that_cannot_be_sent_stops_nothing(
    desk: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    write_landing_file(desk.landing_root, landed([deal(id="bad", price=99_999), deal(id="0")]))
    notifying = replace(desk, alert_urls=("mailtos://user:p[w@mail.example/?to=a@b.de", webhook.url))
    waits = [lambda: None, lambda: capture(desk, "1")]
    summary = follow_market.run(notifying, clock("12:01:00"), FakeClock(clock("12:00:01"), *waits))
    told = [body["alarm"] for body in webhook.bodies]
    assert (summary["passes"], told.count("trades_quarantined")) == (3, 1)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 2
    with pytest.raises(TerminalError, match="trades_quarantined"):
        check_freshness.run(notifying)


def test_what_nobody_foresaw_ends_its_pass_only(
    desk: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A reply that cannot be written, since the disk is full: trades count, and alarms are looked at."""
    on = "SELECT count(*) FROM ops.alarms WHERE alarm = 'trades_quarantined' AND cleared_at IS NULL"
    seen = []

    def full(*_: object, **__: object) -> dict[str, int]:
        raise OSError(errno.ENOSPC, "No space left on device")

    def look() -> None:
        seen.append((database.value("SELECT sum(trade_count) FROM curated.pnl_hourly"), database.value(on)))
        capture(desk, f"{len(seen)}")

    monkeypatch.setattr(pull_reference_prices, "run", full)
    write_landing_file(desk.landing_root, landed([deal(id="bad", price=99_999), deal(id="0")]))
    with pytest.raises(TerminalError, match=r"OSError: .*No space left"):
        follow_market.run(desk, clock("12:01:00"), FakeClock(clock("12:00:01"), lambda: None, look, look))
    look()
    assert seen == [(1, 1), (2, 1), (3, 1)]
    assert "the rest of this pass is left to the next one" in caplog.text
    monkeypatch.setattr(follow_market, "check", full)
    with pytest.raises(TerminalError, match=r"OSError: .*No space left"):
        follow_market.run(desk, clock("12:00:32"), FakeClock(clock("12:00:01")))
