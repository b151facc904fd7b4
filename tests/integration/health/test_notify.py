"""Notifications to real receivers: what arrives, what is a repetition; receivers that are down, slow, rude."""

import email
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg2.extensions import AsIs

from include.errors import TransientError
from include.health import notices
from include.health.notices import Notice, channels, sender
from include.health.notify import SEND_SECONDS, deliver, notify, send_once
from include.settings import Settings
from tests.factories import Database
from tests.integration.health.receivers import MailReceiver, WebhookReceiver

NOTICE = Notice(
    "task d.t", "task_failed", "FAILED d.t", "it broke\nlook there", {"dag_id": "d", "task_id": "t"}
)
HOUR = timedelta(hours=1)


def name_of(url: str) -> str:
    (name,) = channels([url])
    return name


def told(database: Database) -> list[tuple[str, str, str | None]]:
    return database.rows("SELECT channel, state, detail FROM ops.notifications ORDER BY notification_id")


def test_nobody_is_told_where_nothing_is_configured(settings: Settings, database: Database) -> None:
    assert notify(settings, NOTICE) == {}
    assert told(database) == []


def test_every_channel_gets_it(
    settings: Settings, database: Database, webhook: WebhookReceiver, mail: MailReceiver
) -> None:
    urls = (webhook.url, mail.url(to="a@x.org,b@x.org"), f"{webhook.url}/2")
    settings = replace(settings, alert_urls=urls)
    assert notify(settings, NOTICE) == dict.fromkeys(map(name_of, urls), "sent")
    expected = {
        "text": "FAILED d.t\nit broke\nlook there",
        "kind": "task_failed",
        "title": "FAILED d.t",
        "dag_id": "d",
        "task_id": "t",
    }
    assert [{name: body[name] for name in expected} for body in webhook.bodies] == [expected] * 2
    assert mail.recipients == ["a@x.org", "b@x.org"]
    assert "Subject: FAILED d.t" in mail.mails[0]
    assert "desk@example.com" in mail.mails[0]
    assert "it broke" in mail.mails[0]
    assert "task_id: t" in mail.mails[0]
    assert set(told(database)) == {(name, "sent", None) for name in channels(urls)}


EVIL = "<script>a & b</script> @everyone [click](http://evil.example) *bold*"
HARMLESS = "«script»a + b«/script» (at)everyone (click)(http: //evil·example) •bold•"


def test_text_from_outside_is_no_markup(mail: MailReceiver, webhook: WebhookReceiver) -> None:
    """Most chats get the text as a field of a POST of JSON."""
    notice = replace(NOTICE, text=EVIL, details={"error": EVIL, "log_url": "http://ui.example/log_1"})
    assert sender(webhook.url, notice)() == "sent"
    (body,) = webhook.bodies
    assert (body["message"], body["text"]) == (HARMLESS, f"FAILED d.t\n{HARMLESS}")
    assert (body["error"], body["log_url"]) == (HARMLESS, "http://ui.example/log_1")
    assert sender(mail.url() + "&format=html", notice)() == "sent"
    (part,) = [
        part
        for part in email.message_from_string(mail.mails[0]).walk()
        if part.get_content_type() == "text/html"
    ]
    html = part.get_payload(decode=True).decode().replace("&nbsp;", " ")  # type: ignore[union-attr]
    assert html.count(HARMLESS) == 2
    assert "log_url: http://ui.example/log_1" in html


def test_a_login_is_used_unescaped(mail: MailReceiver) -> None:
    assert sender(mail.url("desk%40x:p%3Fw"), NOTICE)() == "sent"
    assert mail.logins == ["desk@x\0p?w"]


def test_the_same_again_is_a_repetition_until_its_time_is_over(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {name_of(webhook.url): "sent"}
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {}
    assert notify(settings, replace(NOTICE, about="task d.other"), HOUR) == {name_of(webhook.url): "sent"}
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '61 minutes'")
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {name_of(webhook.url): "sent"}
    assert len(webhook.bodies) == 3


def test_a_success_in_between_ends_the_silence(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    notify(settings, NOTICE, HOUR, ("d", "t"))
    database.insert("ops.task_runs", state="success", ended_at=AsIs("clock_timestamp()"))
    assert notify(settings, NOTICE, HOUR, ("d", "other")) == {}
    assert notify(settings, NOTICE, HOUR, ("d", "t")) == {name_of(webhook.url): "sent"}


def test_without_a_time_it_is_said_once_for_ever(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    notify(settings, NOTICE)
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '1 year'")
    assert notify(settings, NOTICE) == {}


def test_a_receiver_that_failed_is_asked_again_after_a_while(
    settings: Settings, database: Database, webhook: WebhookReceiver, mail: MailReceiver
) -> None:
    settings = replace(settings, alert_urls=(webhook.url, mail.url()))
    webhook.status, mail.refuse = 503, True
    hook, post = map(name_of, settings.alert_urls)
    results = notify(settings, NOTICE)
    assert set(results) == {hook, post}
    assert "503" in results[hook]
    assert "failed" in results[post]
    assert set(told(database)) == {(name, "failed", why) for name, why in results.items()}
    webhook.status, mail.refuse = 200, False
    assert notify(settings, NOTICE) == {}
    database.rows("UPDATE ops.notifications SET started_at = started_at - interval '6 minutes'")
    assert notify(settings, NOTICE) == {hook: "sent", post: "sent"}


def test_a_redirect_is_no_delivery(webhook: WebhookReceiver) -> None:
    webhook.status = 302
    assert "302" in sender(webhook.url, NOTICE)()
    assert len(webhook.bodies) == 1


def test_receivers_that_are_slow_cost_seconds_and_no_more(webhook: WebhookReceiver, mail: MailReceiver) -> None:
    webhook.delay_seconds, mail.drip = 4.0, True
    began = time.monotonic()
    results = deliver(NOTICE, {"json": webhook.url, "mailto": mail.url()}, seconds=1.0)
    assert time.monotonic() - began < SEND_SECONDS
    assert results == {"json": "no answer in time", "mailto": "no answer in time"}


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:1/hooks/topsecret?-sig=topsecret",
        "mailto://u:topsecret@127.0.0.1:1/?to=a@x.org",
        "slack://topsecret",
        "nothing://topsecret",
    ],
)
def test_a_receiver_that_is_away_or_unknown_betrays_no_secret(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = replace(Settings(), warehouse_url="postgresql://u:topsecret@127.0.0.1:1/w", alert_urls=(url,))
    ((name, result),) = notify(settings, NOTICE).items()
    assert name.rpartition("-")[0] == url.partition(":")[0]
    assert result != "sent"
    assert "cannot check whether" in caplog.text, "it is sent even without the warehouse"
    assert not logging.getLogger("apprise").propagate, "its log quotes the URL; caplog listens there as well"
    logged = [record.getMessage() for record in caplog.records if record.name != "apprise"]
    assert "topsecret" not in "".join([*logged, result, *capfd.readouterr()])


BROKEN = "mailtos://user:p[topsecret@mail.example/?to=a@b.de"


def test_a_url_that_cannot_be_parsed_silences_no_other_channel(
    settings: Settings, database: Database, webhook: WebhookReceiver
) -> None:
    settings = replace(settings, alert_urls=(BROKEN, webhook.url))
    results = notify(settings, NOTICE)
    assert results[name_of(webhook.url)] == "sent"
    assert len(webhook.bodies) == 1
    assert ("mailtos", "failed") in {(channel.split("-")[0], state) for channel, state, _ in told(database)}
    assert results[name_of(BROKEN)]
    assert "topsecret" not in results[name_of(BROKEN)]


@pytest.mark.parametrize("is_raised_at_once", [True, False], ids=["prepared", "sent"])
def test_whatever_one_channel_raises_the_others_are_served(
    settings: Settings,
    database: Database,
    webhook: WebhookReceiver,
    monkeypatch: pytest.MonkeyPatch,
    is_raised_at_once: bool,
) -> None:
    def fail() -> str:
        raise KeyError("topsecret")

    def prepare(url: str, notice: Notice) -> Callable[[], str]:
        if url == webhook.url:
            return sender(url, notice)
        if is_raised_at_once:
            fail()
        return fail

    monkeypatch.setattr("include.health.notify.sender", prepare)
    settings = replace(settings, alert_urls=("slack://a/b/c", webhook.url))
    results = notify(settings, NOTICE)
    assert results[name_of(webhook.url)] == "sent"
    assert results[name_of("slack://a/b/c")].startswith("KeyError was raised")
    assert "topsecret" not in str(told(database))
    with pytest.raises(TransientError, match=r"slack-.*KeyError was raised"):
        send_once(settings, replace(NOTICE, about="report"), settings.alert_urls)
    assert len(webhook.bodies) == 2


def test_it_never_raises(
    settings: Settings,
    webhook: WebhookReceiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("topsecret")

    monkeypatch.setattr("include.health.notify._claim", fail)
    assert notify(replace(settings, alert_urls=(webhook.url,)), NOTICE) == {}
    assert "notification of task d.t: KeyError was raised" in caplog.text
    assert "topsecret" not in caplog.text


@pytest.mark.parametrize("secrets", ["&user=u&pass=topsecret", "&user=u&pass=topsecret&smtp=127.0.0.1", ""])
@pytest.mark.parametrize("mode", ["", "&mode=insecure"])
def test_a_password_is_not_sent_in_clear_text(
    mail: MailReceiver, monkeypatch: pytest.MonkeyPatch, secrets: str, mode: str
) -> None:
    monkeypatch.setattr(notices, "_LOOPBACK", ())
    url = mail.url("" if secrets else "u:topsecret") + secrets + mode
    if mode:
        url = url.replace("mailto:", "mailtos:")
    assert "clear text" in sender(url, NOTICE)()
    assert mail.logins == mail.mails == []
    assert sender(mail.url(), NOTICE)() == "sent"


def test_a_password_goes_out_after_starttls_or_not_at_all(
    mail: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_LOOPBACK", ())
    reason = sender(mail.url("u:topsecret") + "&mode=starttls", NOTICE)()
    assert "clear text" not in reason
    assert reason != "sent"
    assert mail.logins == mail.mails == []


def test_two_at_once_say_it_once(settings: Settings, database: Database, webhook: WebhookReceiver) -> None:
    settings = replace(settings, alert_urls=(webhook.url,))
    webhook.delay_seconds = 0.3
    threads = [threading.Thread(target=notify, args=(settings, NOTICE, HOUR)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(webhook.bodies) == 1
    assert told(database) == [(name_of(webhook.url), "sent", None)]
