"""Freshness alarms from landing files and warehouse to ops.alarms and people."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.errors import TerminalError
from include.expectations.review import Selection, decide
from include.health.notices import Notice
from include.health.notify import notify
from include.jobs import load_trades, validate_trades
from include.jobs.check_freshness import run
from include.landing import event_line
from include.settings import Settings
from include.warehouse.roles import administer_warehouse
from tests.factories import Database, ago
from tests.integration.health.receivers import WebhookReceiver, webhook_receiver
from tests.messages import deal, heartbeat, landed, write_landing_file


@pytest.fixture
def webhook() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as receiver:
        yield receiver


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
    assert text == ("Some deals or prices that arrived more than 15 minutes ago are not in these numbers yet.",)
    load_trades.run(settings)
    assert run(settings) == {"cleared": 1}

    write_landing_file(settings.landing_root, event_line(received_at, "heartbeat"), "fresh", received_at)
    path.write_bytes(b"")
    database.rows("UPDATE ops.landing_files SET is_complete = false")
    load_trades.run(settings)
    with pytest.raises(TerminalError, match=r"loading_stuck: .*late\.jsonl: .*late\.jsonl has 0 bytes, but"):
        run(settings)


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
    load_trades.run(settings)
    validate_trades.run(settings)


def test_quarantined_trades_are_an_alarm_until_the_last_is_reviewed(
    settings: Settings, database: Database
) -> None:
    land(settings, deal(id="x", price=99_999), deal(id="y", quantity=0), deal(id="g"))
    with pytest.raises(TerminalError) as raised:
        run(settings)
    assert str(raised.value) == (
        "trades_quarantined: 2 trades are in quarantine; expected is that each price is within the exchange's"
        " bounds, -9,999.99 to 9,999.99 EUR/MWh; each quantity is above 0 MW. What to do: docs/runbook.md,"
        " section trades_quarantined"
    )
    ((code, text),) = database.rows("SELECT code, text FROM ops.troubles")
    assert (code, text) == (
        "trades_quarantined", "2 deals are held back because a check failed, until an engineer decides.",
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
