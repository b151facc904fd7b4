"""Notifications to real receivers: what arrives, what is a repetition; receivers that are down, slow, rude."""

import logging
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from include.health import notices
from include.health.notices import Mail, NotDeliveredError, Notice, Webhook
from include.health.notify import SEND_SECONDS, deliver, notify
from include.settings import Settings
from tests.database import Database
from tests.integration.health.receivers import MailReceiver, WebhookReceiver

NOTICE = Notice(
    "task d.t", "task_failed", "FAILED d.t", "it broke\nlook there", {"dag_id": "d", "task_id": "t"}
)
HOUR = timedelta(hours=1)


def told(database: Database) -> list[tuple[str, str, str | None]]:
    return database.rows("SELECT channel, state, detail FROM ops.notifications ORDER BY notification_id")


def test_nobody_is_told_where_nothing_is_configured(settings: Settings, database: Database) -> None:
    assert notify(settings, NOTICE) == {}
    assert told(database) == []


def test_both_channels_get_it(
    settings: Settings, database: Database, webhook: WebhookReceiver, mail: MailReceiver
) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url, alert_smtp_url=mail.url(to="a@x.org,b@x.org"))
    assert notify(settings, NOTICE) == {"webhook": "sent", "mail": "sent"}
    assert webhook.bodies == [
        {
            "text": "FAILED d.t\nit broke\nlook there",
            "kind": "task_failed",
            "title": "FAILED d.t",
            "dag_id": "d",
            "task_id": "t",
        }
    ]
    assert mail.recipients == ["a@x.org", "b@x.org"]
    assert "Subject: FAILED d.t" in mail.mails[0]
    assert "From: desk@example.com" in mail.mails[0]
    assert "it broke" in mail.mails[0]
    assert sorted(told(database)) == [("mail", "sent", None), ("webhook", "sent", None)]


def test_a_login_is_used_unescaped(mail: MailReceiver) -> None:
    Mail(mail.url("desk%40x:p%3Fw")).send(NOTICE)
    assert mail.logins == ["desk@x\0p?w"]


def test_the_same_again_is_a_repetition_until_its_time_is_over(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url)
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {"webhook": "sent"}
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {}
    assert notify(settings, replace(NOTICE, about="task d.other"), HOUR) == {"webhook": "sent"}
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '61 minutes'")
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {"webhook": "sent"}
    assert len(webhook.bodies) == 3


def test_a_success_in_between_ends_the_silence(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url)
    notify(settings, NOTICE, HOUR, ("d", "t"))
    database.rows(
        "INSERT INTO ops.task_runs (dag_id, run_id, task_id, try_number, run_type, ended_at, state,"
        " dag_task_count) VALUES ('d', 'r', 't', 1, 'manual', clock_timestamp(), 'success', 1)"
    )
    assert notify(settings, NOTICE, HOUR, ("d", "other")) == {}
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {"webhook": "sent"}


def test_without_a_time_it_is_said_once_for_ever(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url)
    notify(settings, NOTICE)
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '1 year'")
    assert notify(settings, NOTICE) == {}


def test_a_receiver_that_failed_is_asked_again_after_a_while(
    settings: Settings, database: Database, webhook: WebhookReceiver, mail: MailReceiver
) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url, alert_smtp_url=mail.url())
    webhook.status, mail.refuse = 503, True
    results = notify(settings, NOTICE)
    assert results == {"webhook": "answered HTTP 503", "mail": "did not take it (SMTPRecipientsRefused)"}
    assert {state for _, state, _ in told(database)} == {"failed"}
    webhook.status, mail.refuse = 200, False
    assert notify(settings, NOTICE) == {}
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '6 minutes'")
    assert notify(settings, NOTICE) == {"webhook": "sent", "mail": "sent"}


def test_a_redirect_is_no_delivery(webhook: WebhookReceiver) -> None:
    webhook.status = 302
    with pytest.raises(NotDeliveredError, match="HTTP 302"):
        Webhook(webhook.url).send(NOTICE)


def test_receivers_that_are_slow_cost_seconds_and_no_more(webhook: WebhookReceiver, mail: MailReceiver) -> None:
    webhook.delay_seconds, mail.drip = 4.0, True
    began = time.monotonic()
    results = deliver(NOTICE, {"webhook": Webhook(webhook.url), "mail": Mail(mail.url())})
    assert time.monotonic() - began < SEND_SECONDS + 1
    assert results == {"webhook": "no answer in time", "mail": "no answer in time"}


def test_a_receiver_that_is_away_betrays_no_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "include")
    settings = replace(
        Settings(),
        warehouse_url="postgresql://u:topsecret@127.0.0.1:1/w",
        alert_webhook_url="http://127.0.0.1:1/hooks/topsecret",
        alert_smtp_url="smtp://u:topsecret@127.0.0.1:1/?to=a@x.org",
    )
    results = notify(settings, NOTICE)
    assert results == {
        "webhook": "cannot be reached (ConnectionError)",
        "mail": "cannot be reached (ConnectionRefusedError)",
    }
    assert "not known" in caplog.text, "without the warehouse it is sent all the same"
    assert "topsecret" not in caplog.text + str(results)
    assert "topsecret" not in repr(Webhook(settings.alert_webhook_url)) + repr(Mail(settings.alert_smtp_url))


def test_a_password_is_not_sent_in_clear_text(mail: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_LOOPBACK", ())
    with pytest.raises(NotDeliveredError, match="clear text"):
        Mail(mail.url("u:p")).send(NOTICE)
    assert mail.logins == mail.mails == []
    Mail(mail.url()).send(NOTICE)
    assert len(mail.mails) == 1


def test_two_at_once_say_it_once(settings: Settings, database: Database, webhook: WebhookReceiver) -> None:
    settings = replace(settings, alert_webhook_url=webhook.url)
    webhook.delay_seconds = 0.3
    threads = [threading.Thread(target=notify, args=(settings, NOTICE, HOUR)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(webhook.bodies) == 1
    assert told(database) == [("webhook", "sent", None)]
