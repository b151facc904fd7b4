"""Freshness alarms from landing files and warehouse to ops.alarms and people."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from include.domain.delivery_period import DeliveryPeriod, Market
from include.errors import TerminalError
from include.expectations.review import Selection, decide
from include.health.alarms import check
from include.health.notices import Notice, channels
from include.health.notify import notify
from include.jobs import load_trades
from include.jobs.check_freshness import run
from include.landing import event_line, message_line
from include.settings import Settings
from include.warehouse.roles import administer_warehouse
from tests.factories import MARKET, Database, ago
from tests.integration.health.receivers import WebhookReceiver, webhook_receiver
from tests.messages import deal, heartbeat, landed, write_landing_file
from tests.passes import validate_landed


def alarms(database: Database) -> list[tuple[str, bool]]:
    return database.rows("SELECT alarm, cleared_at IS NULL FROM ops.alarms ORDER BY alarm_id")


def troubles(database: Database) -> list[str]:
    """Codes of what the page shows, the oldest first."""
    return [code for (code,) in database.rows("SELECT code FROM ops.troubles")]


def test_an_analyst_who_changed_the_password_is_told_of_once(settings: Settings, database: Database) -> None:
    administer_warehouse(database.cursor)
    run(settings)
    password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'analyst'"
    before = database.value(password)
    database.rows("SET ROLE analyst; ALTER ROLE analyst PASSWORD 'mine'; RESET ROLE")
    with pytest.raises(TerminalError, match="analyst_changed: the role analyst had changed its own password"):
        run(settings)
    assert database.value(password) == before
    assert troubles(database) == ["analyst_changed"]
    assert run(settings) == {"cleared": 1}
    assert alarms(database) == [("analyst_changed", False)]


def test_a_platform_that_never_ran_is_quiet(settings: Settings, database: Database) -> None:
    assert run(settings) == {"cleared": 0}


def test_a_fresh_start_is_quiet_for_a_minute_and_not_longer(settings: Settings, database: Database) -> None:
    database.ran(0.9, window=0.9)
    run(settings)
    database.rows("UPDATE ops.task_runs SET started_at = started_at - interval '10 seconds'")
    with pytest.raises(TerminalError, match="capture_silent: no capture writes landing files: none yet"):
        run(settings)


def test_a_capture_that_fell_silent(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 59, silent=59)
    run(settings)
    heartbeat(settings, 62, silent=62)
    with pytest.raises(TerminalError, match=r"capture_silent: .* written 1 min ago.*section capture_silent"):
        run(settings)
    assert alarms(database) == [("capture_silent", True)]
    assert "capture_down" in troubles(database)
    database.rows("UPDATE ops.alarms SET page_code = NULL, page_text = NULL")
    with pytest.raises(TerminalError):
        run(settings)
    assert alarms(database) == [("capture_silent", True)]
    assert "capture_down" in troubles(database), "also where an earlier version raised the alarm"


def test_a_capture_that_cannot_connect(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 58, connected=False)
    run(settings)
    heartbeat(settings, 70, connected=False)
    with pytest.raises(TerminalError, match=r"capture_disconnected: capture runs but .* last was 1 min ago"):
        run(settings)
    assert "capture_down" in troubles(database)
    heartbeat(settings, 5)
    assert run(settings) == {"cleared": 1}
    assert alarms(database) == [("capture_disconnected", False)]


def test_pnl_and_prices_that_are_late(settings: Settings, database: Database) -> None:
    database.ran(76, window=76)
    heartbeat(settings, 1)
    with pytest.raises(TerminalError) as raised:
        run(settings)
    first, second = str(raised.value).splitlines()
    assert first.startswith(
        "hourly_pnl_late: the end of the last hour that hourly_pnl has done was 1 h 16 min ago"
    )
    assert "; the limit is 1 h 15 min. What to do: " in first
    assert second.startswith(
        "reference_prices_late: there never was one: last reply of the provider that was loaded; the limit is"
    )
    texts = dict(database.rows("SELECT code, text FROM ops.troubles"))
    assert texts["data_late"].startswith("The hourly calculation is late")
    assert texts["prices_late"].startswith("No new reference prices")


def test_lines_that_wait_to_be_loaded(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 1)
    received_at = ago(16)
    content = event_line(received_at, "heartbeat", connected=True)
    path = write_landing_file(settings.landing_root, content, "late", received_at)
    with pytest.raises(TerminalError) as raised:
        run(settings)
    assert re.match(
        "loading_stuck: 1 landing file holds lines that have waited for more than 15 minutes to be loaded: the"
        r" oldest was received 16 min ago, at .* UTC, in trades/date=.*/late\.jsonl\. What to do: ",
        str(raised.value),
    )
    (text,) = database.rows("SELECT text FROM ops.troubles WHERE code = 'data_late'")
    assert text == (
        "Some trades or prices that arrived more than 15 minutes ago are not in these numbers yet.",
    )
    load_trades.run(settings)
    assert run(settings) == {"cleared": 1}

    write_landing_file(settings.landing_root, event_line(received_at, "heartbeat"), "fresh", received_at)
    path.write_bytes(b"")
    database.rows("UPDATE ops.landing_files SET is_complete = false")
    load_trades.run(settings)
    with pytest.raises(
        TerminalError, match=r"loading_stuck: .*late\.jsonl: .*late\.jsonl has 0 bytes, but"
    ) as raised:
        run(settings)
    assert "to be loaded: the oldest is in trades/" in str(raised.value)  # nothing tells when it was received


def test_lines_that_have_not_waited_long(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 1)
    received_at = ago(14)
    write_landing_file(settings.landing_root, event_line(received_at, "heartbeat"), "new", received_at)
    assert run(settings) == {"cleared": 0}


def land(settings: Settings, *messages: str, name: str = "a") -> None:
    """Messages that were just received, loaded and validated."""
    now = datetime.now(UTC)
    write_landing_file(settings.landing_root, landed(messages, now), name, now)
    validate_landed(settings)


def test_quarantined_trades_are_an_alarm_until_the_last_is_reviewed(
    settings: Settings, database: Database
) -> None:
    land(settings, deal(id="x", price=99_999), deal(id="y", quantity=0), deal(id="g"))
    with pytest.raises(TerminalError) as raised:
        run(settings)
    assert str(raised.value) == (
        "trades_quarantined: 2 trades are in quarantine; expected: each price is within the exchange's"
        " bounds, -9,999.99 to 9,999.99 EUR/MWh; each quantity is above 0 MW. What to do: docs/runbook.md,"
        " section trades_quarantined"
    )
    ((code, text),) = database.rows("SELECT code, text FROM ops.troubles")
    assert (code, text) == (
        "trades_quarantined", "2 trades are held back because a check failed, until an engineer decides.",
    )  # fmt: skip
    decide(settings, "accept", "right", Selection(trade_id="x"))
    with pytest.raises(TerminalError, match=r"trades_quarantined: 1 trade is in quarantine; .* above 0 MW"):
        run(settings)
    detail = "SELECT detail FROM ops.alarms WHERE cleared_at IS NULL"
    assert str(database.value(detail)).startswith("1 trade is"), "the alarm says what is the matter by now"
    decide(settings, "discard", "wrong", Selection(trade_id="y"))
    assert run(settings) == {"cleared": 1}
    assert alarms(database) == [("trades_quarantined", False)]


def test_one_reject_is_an_alarm_until_it_is_reviewed_and_turns_nothing_red(
    settings: Settings, database: Database, webhook: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    land(settings, "no json", deal(id="g"))
    assert run(settings) == {"cleared": 0}
    assert alarms(database) == [("messages_rejected", True)]
    assert "messages_rejected: 1 message was rejected and not reviewed: invalid_json" in caplog.text
    assert database.rows("SELECT severity, code FROM ops.alarms, ops.troubles") == [
        ("warning", "messages_rejected")
    ]
    land(settings, '{"deal": 1}', name="b")
    assert run(settings) == {"cleared": 0}
    assert database.value("SELECT detail FROM ops.alarms") == (
        "2 messages were rejected and not reviewed: invalid_json; unknown_message"
    )
    decide(settings, "discard", "nothing is missing", Selection(landing_file="trades/"))
    assert run(settings) == {"cleared": 1}
    assert alarms(database) == [("messages_rejected", False)]
    assert [(body["kind"], body["title"], body["severity"]) for body in webhook.bodies] == [
        ("alarm_raised", "warning: messages_rejected", "warning"),
        ("alarm_cleared", "over: messages_rejected", "warning"),
    ]


def test_a_field_that_nobody_has_seen_before_is_an_alarm_for_a_day(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    land(settings, deal(id="g"), deal(id="h", venue="XBER"), deal(id="i", venue="XBER", **{"\u202etag": 1}))
    assert run(settings) == {"cleared": 0}
    assert database.rows("SELECT alarm, severity, detail FROM ops.alarms") == [
        (
            "unknown_fields", "warning",
            "trades have fields that were never received before: venue (in 2 messages), '\\u202etag' (in 1"
            " messages)",
        )
    ]  # fmt: skip
    assert "unknown_fields" in caplog.text
    assert troubles(database) == [], "nothing that a trader has to know"
    database.rows("UPDATE ops.message_notes SET first_received_at = now() - interval '23 hours 59 minutes'")
    assert run(settings) == {"cleared": 0}
    database.rows("UPDATE ops.message_notes SET first_received_at = now() - interval '24 hours 1 minute'")
    land(settings, deal(id="k", venue="XBER"), name="b")
    assert run(settings) == {"cleared": 1}, "known since yesterday"


def connected(database: Database, *minutes: tuple[float, float]) -> int:
    """A file of trades whose capture was connected in these spans, in minutes before now; returns its batch."""
    batch = database.batch(name="connected", loaded_count=1)
    file = database.value("SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (batch,))
    database.connected(file, *((ago(start), ago(end)) for start, end in minutes))
    return batch


def test_a_stream_without_trades(settings: Settings, database: Database) -> None:
    database.ran(60, window=20)
    heartbeat(settings, 1)
    batch = connected(database, (60, 0))
    database.price(database.batch("reference_prices", name="p"), date(2026, 3, 2), "12-13", 50, ago(1))
    database.trade(batch, date(2026, 3, 2), "12-13", received_at=ago(14.9))
    run(settings)
    database.rows("UPDATE raw.trades SET received_at = received_at - interval '20 seconds'")
    with pytest.raises(TerminalError) as raised:
        run(settings)
    assert re.match(
        r"no_trades: capture is connected to the exchange and receives no trades: the last one was received"
        r" 15 min ago, at .* UTC; the limit is 15 min\. What to do: docs/runbook\.md, section no_trades",
        str(raised.value),
    )
    assert "no_trades" in troubles(database)
    assert run(replace(settings, max_silence_seconds=960)) == {"cleared": 1}


@pytest.mark.parametrize("hours_ahead", [0, 10])
def test_a_clock_that_was_ahead_hides_no_silence(
    settings: Settings, database: Database, hours_ahead: int
) -> None:
    """More batches than are looked at, of this hour or of one that has not begun, all of them of the future."""
    database.ran(60, window=20)
    heartbeat(settings, 1)
    batch = connected(database, (60, 0))
    database.trade(batch, date(2026, 3, 2), "12-13", received_at=ago(16))
    hour = ago(0).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours_ahead)
    for number in range(5):
        ahead = database.batch(name="ahead", hour_start_at=hour, loaded_count=1)
        received_at = ago(-10 - 60 * hours_ahead - number)
        database.trade(ahead, date(2026, 3, 2), "12-13", received_at=received_at)
    with pytest.raises(TerminalError, match="receives no trades: the last one was received 16 min ago"):
        run(settings)


def test_time_with_a_connection_that_is_not_over_yet_is_no_silence(
    settings: Settings, database: Database
) -> None:
    database.ran(60, window=20)
    heartbeat(settings, 1)
    batch = connected(database, (60, 15.5), (-590, -620), (1, -20))
    database.trade(batch, date(2026, 3, 2), "12-13", received_at=ago(16))
    assert "no_trades" not in [alarm.alarm for alarm in check(settings)[0]]


def test_what_else_the_exchange_sends_ends_no_silence(settings: Settings, database: Database) -> None:
    database.ran(60, window=20)
    start = ago(20)
    lines = [event_line(start, "opened", connected=True)]
    for second in range(0, 20 * 60, 10):
        at = start + timedelta(seconds=second)
        lines.append(event_line(at, "heartbeat", connected=True))
        lines.append(message_line(at, b'{"type": "heartbeat"}'))
        lines.append(message_line(at, b"no trade at all"))
    path = write_landing_file(settings.landing_root, b"".join(lines), "silent", start)
    heartbeat(settings, 1)
    load_trades.run(settings)
    with pytest.raises(TerminalError, match="receives no trades: there never was one"):
        run(settings)
    received_at = ago(5)
    trade = deal(execution_time=received_at.isoformat(timespec="seconds")).encode()
    with path.open("ab") as file:
        file.write(message_line(received_at, trade))
    database.rows("UPDATE ops.landing_files SET is_complete = false")
    load_trades.run(settings)
    assert "no_trades" not in [str(alarm.alarm) for alarm in check(settings)[0]]


def test_a_stream_that_never_had_a_trade(settings: Settings, database: Database) -> None:
    database.ran(16, window=16)
    heartbeat(settings, 1)
    connected(database, (60, 0))
    with pytest.raises(TerminalError, match="receives no trades: there never was one; the limit is 15"):
        run(settings)
    (since_at,) = database.rows("SELECT since_at FROM ops.alarms")[0]
    assert abs(since_at - ago(16)) < timedelta(seconds=30), "when the platform first ran"


def test_only_time_with_a_connection_and_with_open_hours_is_silence(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.ran(600, window=20)
    heartbeat(settings, 1)
    database.price(database.batch("reference_prices", name="p"), date(2026, 3, 2), "12-13", 50, ago(1))
    batch = connected(database, (600, 300), (10, 0), (9, 2))
    database.trade(batch, date(2026, 3, 2), "12-13", received_at=ago(304))
    run(settings)
    connected_again = database.batch(name="other")
    file = database.value(
        "SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (connected_again,)
    )
    database.connected(file, (ago(30), ago(28)))
    with pytest.raises(TerminalError, match="no_trades"):  # 4 + 10 + 2 minutes
        run(settings)

    hours = Market.tradable_hours
    opened: list[datetime] = [ago(11)]
    monkeypatch.setattr(
        Market,
        "tradable_hours",
        lambda self, at: [replace(hour, tradable_from=opened[0]) for hour in hours(self, at)],
    )
    assert run(settings) == {"cleared": 1}
    opened[0] = ago(700)
    with pytest.raises(TerminalError, match="no_trades"):
        run(settings)
    monkeypatch.setattr(Market, "tradable_hours", lambda *_: [])
    assert run(settings) == {"cleared": 1}


def compared(database: Database, hours: int, **columns: object) -> None:
    """What an instance received in the hour that began so many whole hours before this one."""
    hour = ago(60 * hours).replace(minute=0, second=0, microsecond=0)
    row = {"capture_instance": "standalone-h", "trade_count": 10, "shared_count": 9, "missed_count": 0}
    row |= {"missed_trade_ids": []} | columns
    if row["missed_count"]:
        row |= {"first_missed_at": hour, "last_missed_at": hour + timedelta(minutes=5)}
    database.insert("ops.capture_comparisons", hour_start_at=hour, **row)


def test_a_capture_that_misses_what_another_one_received(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 1)
    missed = {"missed_count": 1234, "missed_trade_ids": ["t1", "t2", "t3", "t4"]}
    compared(database, 2, **missed)
    compared(database, 2, capture_instance="airflow-h")
    ((alarm,), _) = check(settings)
    assert (alarm.alarm, alarm.severity) == ("capture_differences", "warning"), "the numbers are complete"
    assert re.match(
        r"capture_differences: in the hour from .*:00 UTC capture instances missed trades that another one"
        r" received: standalone-h 1,234, such as t1, t2, t3\. What to do: .* section capture_differences$",
        str(alarm),
    )
    assert "capture_differences" in troubles(database)
    compared(database, 1)
    assert run(settings) == {"cleared": 1}


def test_differences_of_long_ago_are_no_alarm(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 1)
    compared(database, 6, missed_count=1, missed_trade_ids=["t1"])
    assert run(settings) == {"cleared": 0}


@pytest.mark.parametrize(
    ("hours", "is_separate"),
    [
        ([(150, 0, 150)], True),
        ([(150, 1, 149)], False),
        ([(0, 0, 5)], False),
        # too few to tell by themselves
        ([(5, 0, 5), (90, 90, 0)], False),
        ([(5, 0, 5), (90, 0, 0)], True),
        # the last 200 decide
        ([(1, 0, 198), (90, 90, 0)], False),
        ([(1, 0, 199), (90, 90, 0)], True),
        ([(1, 0, 1), *[(90, 0, 0)] * 3, (9, 9, 0)], True),
    ],
)
def test_streams_of_their_own_are_recognised(
    settings: Settings, database: Database, hours: list[tuple[int, int, int]], is_separate: bool
) -> None:
    """Trades that the instance received, shared and missed in the last hour and those before it."""
    database.ran(20, window=20)
    heartbeat(settings, 1)
    for number, (trades, shared, missed) in enumerate(hours, start=1):
        counts = {"trade_count": trades, "shared_count": shared, "missed_count": missed}
        compared(database, number, **counts, missed_trade_ids=["t1"])
    compared(database, 1, capture_instance="airflow-h", trade_count=500, shared_count=500)
    found = "SELECT is_separate_stream FROM ops.capture_differences ORDER BY hour_start_at DESC LIMIT 1"
    assert database.value(found) is is_separate
    assert [alarm.alarm for alarm in check(settings)[0]] == ["capture_differences"] * (not is_separate)


def test_people_hear_of_it_twice_not_every_minute(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    database.ran(20, window=20)
    for seconds in (70, 130, 190):
        heartbeat(settings, seconds, silent=seconds)
        with pytest.raises(TerminalError):
            run(settings)
    for _ in range(2):
        heartbeat(settings, 1)
        run(settings)
    assert [body["kind"] for body in webhook.bodies] == ["alarm_raised", "alarm_cleared"]
    assert "section capture_silent" in webhook.bodies[0]["text"]
    assert webhook.bodies[0]["alarm"] == "capture_silent"
    heartbeat(settings, 70, silent=70)
    with pytest.raises(TerminalError):
        run(settings)
    assert len(webhook.bodies) == 3, "the next one is another alarm"


def test_a_receiver_that_was_down_hears_of_it_later(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    database.ran(20, window=20)
    heartbeat(settings, 70, silent=70)
    webhook.status = 500
    for _ in range(2):
        with pytest.raises(TerminalError, match="capture_silent"):
            run(settings)
    assert len(webhook.bodies) == 1
    webhook.status = 200
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '5 minutes'")
    with pytest.raises(TerminalError):
        run(settings)
    assert database.rows("SELECT state FROM ops.notifications ORDER BY notification_id") == [
        ("failed",),
        ("sent",),
    ]


def test_the_end_of_an_alarm_that_nobody_heard_of_is_not_told(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    told = replace(settings, alert_urls=(webhook.url,))
    notify(told, Notice("task d.t", "task_failed", "FAILED d.t", "something else"))
    database.ran(20, window=20)
    heartbeat(settings, 70, silent=70)
    webhook.status = 500
    with pytest.raises(TerminalError):
        run(told)
    webhook.status = 200
    heartbeat(settings, 1)
    run(told)
    assert [body["kind"] for body in webhook.bodies] == ["task_failed", "alarm_raised"]


def pass_minutes(database: Database, minutes: float) -> None:
    """So much later."""
    for table, columns in (("alarms", ("raised_at", "cleared_at")), ("notifications", ("started_at",))):
        for column in columns:
            database.rows(f"UPDATE ops.{table} SET {column} = {column} - interval '{minutes} minutes'")


def turn(settings: Settings, *, on: bool) -> None:
    """The alarm capture_silent is raised or over."""
    heartbeat(settings, 70 if on else 1, silent=70 if on else None)
    check(settings)


def delivered(database: Database, channel: str = "%") -> list[str]:
    return [
        title
        for (title,) in database.rows(
            "SELECT title FROM ops.notifications WHERE state = 'sent' AND channel LIKE %s"
            " ORDER BY notification_id",
            (channel,),
        )
    ]


def test_the_end_is_told_to_each_who_heard_of_the_alarm_however_long_it_was_down(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    with webhook_receiver() as deaf, webhook_receiver() as well:
        receivers = (webhook, deaf, well)
        settings = replace(settings, alert_urls=tuple(each.url for each in receivers))
        (name, *_) = channels([webhook.url])
        database.ran(20, window=20)
        deaf.status = 503
        turn(settings, on=True)
        webhook.status = 503
        turn(settings, on=False)
        assert well.bodies[-1]["title"] == "over: capture_silent"
        for _ in range(11):
            pass_minutes(database, 6)
            turn(settings, on=False)
        tries = [body["title"] for body in webhook.bodies]
        assert tries == ["ALARM capture_silent"] + ["over: capture_silent"] * 12
        pass_minutes(database, 6 * 24 * 60)
        webhook.status = deaf.status = 200
        turn(settings, on=False)
        assert delivered(database, name) == ["ALARM capture_silent", "over: capture_silent"]
        pass_minutes(database, 6)
        turn(settings, on=False)
        assert [len(each.bodies) for each in receivers] == [14, 1, 2], "once, and not to who never heard of it"


def test_an_end_that_was_a_week_ago_is_told_no_more(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    database.ran(20, window=20)
    turn(settings, on=True)
    webhook.status = 503
    turn(settings, on=False)
    webhook.status = 200
    pass_minutes(database, 7 * 24 * 60 + 1)
    turn(settings, on=False)
    assert delivered(database) == ["ALARM capture_silent"]


@pytest.mark.parametrize("hears_of_it_again", [True, False])
def test_an_alarm_that_is_raised_again_is_not_answered_by_the_end_before(
    settings: Settings, database: Database, webhook: WebhookReceiver, hears_of_it_again: bool
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    database.ran(20, window=20)
    turn(settings, on=True)
    webhook.status = 503
    turn(settings, on=False)
    pass_minutes(database, 2)
    if hears_of_it_again:
        webhook.status = 200
    for _ in range(2):
        turn(settings, on=True)
        pass_minutes(database, 6)
    twice = ["ALARM capture_silent"] * (2 if hears_of_it_again else 1)
    assert delivered(database) == twice
    webhook.status = 200
    for _ in range(2):
        turn(settings, on=False)
        pass_minutes(database, 6)
    assert delivered(database) == [*twice, "over: capture_silent"], "one end of both"


def past_hour(hours: float, days: float = 0) -> DeliveryPeriod:
    """The delivery hour that was under way so many hours ago."""
    at = ago(60 * (hours + 24 * days))
    day = at.astimezone(MARKET.timezone).date()
    return next(hour for hour in MARKET.hours_of(day) if hour.start_at <= at < hour.end_at)


def observe(
    database: Database,
    hour: DeliveryPeriod,
    price: str | None,
    at: datetime,
    updated_at: datetime | None = None,
) -> None:
    batch = database.batch("reference_prices", name="p")
    key = hour.delivery_day, hour.delivery_hour
    database.price(batch, *key, price, at, provider_updated_at=updated_at)


def on(database: Database) -> dict[str, str]:
    return dict(database.rows("SELECT alarm, detail FROM ops.alarms WHERE cleared_at IS NULL"))


@pytest.fixture
def fresh(settings: Settings, database: Database) -> Database:
    """A platform of which nothing is late."""
    database.ran(20, window=20)
    heartbeat(settings, 1)
    return database


def test_a_revised_price_is_a_warning_until_a_day_later(settings: Settings, fresh: Database) -> None:
    hour = past_hour(3, days=1)
    observe(fresh, hour, "42.5", hour.price_final_from)
    run(settings)
    assert on(fresh) == {}
    observe(fresh, hour, "42.50", ago(30))
    run(settings)
    assert on(fresh) == {}, "the same price"
    observe(fresh, hour, "43.1", ago(20))
    run(settings)
    label = f"{hour.delivery_day} {hour.delivery_hour}"
    assert on(fresh) == {
        "price_revised": "the provider revised the final price of 1 delivery hour within the last day:"
        f" {label} from 42.50 to 43.1 EUR/MWh"
    }
    assert fresh.rows("SELECT text FROM ops.troubles WHERE code = 'price_revised'") == [
        (
            "The provider changed the reference price of 1 delivery hour after it was final:"
            " PnL of these hours was calculated again.",
        )
    ]
    fresh.rows(
        "UPDATE raw.reference_prices SET observed_at = observed_at - interval '1 day'"
        " WHERE observed_at > now() - interval '1 hour'"
    )
    assert run(settings) == {"cleared": 1}


def test_people_are_told_of_each_revision_and_once_of_the_end(
    settings: Settings, fresh: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    first, second = past_hour(3, days=1), past_hour(4, days=1)
    for hour in (first, second):
        observe(fresh, hour, "42.5", hour.price_final_from)
    observe(fresh, first, "43.1", ago(20))
    for _ in range(2):
        run(settings)
    observe(fresh, second, "1", ago(10))
    for _ in range(2):
        run(settings)
    fresh.rows("DELETE FROM raw.reference_prices")
    run(settings)
    told = [(body["kind"], body["alarm"], body["severity"], body["type"]) for body in webhook.bodies]
    assert told == [
        ("alarm_raised", "price_revised", "warning", "warning"),
        ("alarm_raised", "price_revised", "warning", "warning"),
        ("alarm_cleared", "price_revised", "warning", "success"),
    ]
    assert "warning: price_revised" in webhook.bodies[0]["text"]
    assert "2 delivery hours" in webhook.bodies[1]["text"]
    assert "section price_revised" in webhook.bodies[1]["text"]


def test_a_price_that_became_final_without_an_update_is_a_warning(settings: Settings, fresh: Database) -> None:
    hour = past_hour(0, days=2)
    stale = hour.price_current_from - timedelta(seconds=1)
    observe(fresh, hour, "42.5", hour.price_final_from, stale)
    run(settings)
    assert on(fresh) == {}, "provisional"
    observe(fresh, hour, "42.5", ago(30), stale)
    run(settings)
    assert on(fresh) == {
        "stale_price": "the price of 1 delivery hour is final, and the provider never updated it after the last"
        f" trades: {hour.delivery_day} {hour.delivery_hour}, last updated {stale:%Y-%m-%d %H:%M:%S} UTC"
    }
    observe(fresh, hour, "42.5", ago(20), hour.price_current_from)
    assert run(settings) == {"cleared": 1}


@pytest.mark.parametrize(
    ("prices", "is_suspicious"),
    [
        (["0", "0.00", "0"], True),
        (["42.5"] * 5, True),
        (["42.5", "42.5", "42.51"], False),
        (["0", "0"], False),
    ],
)
def test_one_price_for_all_open_hours_is_suspicious(
    settings: Settings, fresh: Database, prices: list[str], is_suspicious: bool
) -> None:
    open_now = MARKET.tradable_hours(datetime.now(UTC))
    for hour, price in zip(open_now[2:], prices, strict=False):
        observe(fresh, hour, "17", ago(15))
        observe(fresh, hour, price, ago(5))
    run(settings)
    assert ("suspicious_prices" in on(fresh)) is is_suspicious
    if is_suspicious:
        assert on(fresh)["suspicious_prices"] == (
            f"the provider answers {prices[0]} EUR/MWh for each of the open hours that have a price:"
            f" {len(prices)} delivery hours"
        )
    fresh.rows("UPDATE raw.reference_prices SET observed_at = observed_at - interval '25 minutes'")
    run(settings)
    assert "suspicious_prices" not in on(fresh), "the provider does not answer any more: that is another alarm"


@pytest.mark.parametrize(
    ("prices", "is_traded", "is_on"),
    [
        ([None] * 3, True, True),
        ([None] * 3, False, False),  # nobody trades
        ([None] * 2, True, False),
        ([None, None, "0"], True, False),
    ],
)
def test_a_provider_without_any_price_though_we_trade(
    settings: Settings, fresh: Database, prices: list[str | None], is_traded: bool, is_on: bool
) -> None:
    """As one whose address has the wrong path: it answers 404 to everything."""
    hours = MARKET.tradable_hours(datetime.now(UTC))[2:]
    for number, (hour, price) in enumerate(zip(hours, prices, strict=False)):
        observe(fresh, hour, str(number), ago(15))
        observe(fresh, hour, price, ago(5))
        fresh.request(5, 404)
    if is_traded:
        fresh.trade(fresh.batch(), hours[0].delivery_day, hours[0].delivery_hour, received_at=ago(20))
    assert run(settings) == {"cleared": 0}, "a warning"
    assert on(fresh) == (
        {
            "prices_undefined": "the provider knows no price of 3 delivery hours, all that it was asked for"
            " lately (HTTP 404), though 1 of them is traded"
        }
        if is_on
        else {}
    )
    assert ("prices_undefined" in troubles(fresh)) is is_on
    observe(fresh, hours[1], "42.5", ago(1))
    assert run(settings) == {"cleared": int(is_on)}


def test_a_warning_fails_nothing(settings: Settings, fresh: Database) -> None:
    for hour in MARKET.tradable_hours(datetime.now(UTC)):
        observe(fresh, hour, "0", ago(5))
    assert run(settings) == {"cleared": 0}
    assert fresh.rows("SELECT alarm, severity FROM ops.alarms") == [("suspicious_prices", "warning")]
    heartbeat(settings, 70, silent=70)
    with pytest.raises(TerminalError) as raised:
        run(settings)
    assert len(str(raised.value).splitlines()) == 1
