"""What is wrong in a trader's words, and what an engineer looks at first."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import NOW, ago
from tests.integration.dashboard.conftest import Client, Desk


def codes(client: Client) -> list[str]:
    return [trouble["code"] for trouble in client.json("status")["troubles"]]


def test_nothing_is_wrong_where_nothing_has_run(desk: Desk, client: Client) -> None:
    status = client.json("status")
    assert (status["data_as_of"], status["data_age_seconds"], status["troubles"]) == (None, None, [])
    now = datetime.fromisoformat(status["now"])
    publication = datetime.fromisoformat(status["next_publication_at"])
    assert timedelta() < publication - now <= timedelta(minutes=10)
    assert (publication.minute % 10, publication.second) == (0, 0)


def test_how_old_the_data_is(desk: Desk, client: Client) -> None:
    desk.database.rows("UPDATE ops.landing_files SET last_received_at = %s WHERE source = 'trades'", (ago(3),))
    assert 180 <= client.json("status")["data_age_seconds"] <= 185


def test_heartbeats_without_a_connection_are_no_data(desk: Desk, client: Client) -> None:
    desk.database.rows("UPDATE ops.landing_files SET last_received_at = %s WHERE source = 'trades'", (ago(0),))
    desk.database.connected(1, (ago(10), ago(3)))
    assert 180 <= client.json("status")["data_age_seconds"] <= 185


@pytest.mark.parametrize(
    ("page_code", "page_text", "code", "text"),
    [
        ("capture_down", "We do not record.", "capture_down", "We do not record."),
        (None, None, "one_that_comes_later", "in an engineer's words"),
    ],
)
def test_an_alarm_is_a_trouble_while_it_is_on(
    desk: Desk, client: Client, page_code: str | None, page_text: str | None, code: str, text: str
) -> None:
    desk.database.insert(
        "ops.alarms",
        alarm="one_that_comes_later",
        since_at=ago(5),
        detail="in an engineer's words",
        page_code=page_code,
        page_text=page_text,
    )
    desk.database.insert("ops.alarms", alarm="over", cleared_at=ago(0))
    (trouble,) = client.json("status")["troubles"]
    assert (trouble["code"], trouble["text"]) == (code, text)
    assert abs(datetime.fromisoformat(trouble["since"]) - ago(5)) < timedelta(seconds=10)


def test_the_oldest_trouble_comes_first_and_each_code_once(desk: Desk, client: Client) -> None:
    desk.database.request(9, 503)
    for alarm, minutes, code, text in (
        ("capture_silent", 5, "capture_down", "t"),
        ("hourly_pnl_late", 20, "data_late", "first"),
        ("loading_stuck", 10, "data_late", "second"),
    ):
        desk.database.insert("ops.alarms", alarm=alarm, since_at=ago(minutes), page_code=code, page_text=text)
    troubles = client.json("status")["troubles"]
    assert [trouble["code"] for trouble in troubles] == ["data_late", "provider_down", "capture_down"]
    assert troubles[0]["text"] == "first"


@pytest.mark.parametrize(
    ("answers", "is_down"),
    [
        ([(9, None), (8, 503)], True),
        ([(9, 200), (8, None), (3, 429)], True),
        ([(9, 200), (8, None), (7, 503)], False),  # of one pull, which asks last for what fails
        ([(9, None), (8, 200)], False),
        ([(9, 200), (8, 404)], False),
        ([(180, None)], False),
    ],
)
def test_a_provider_that_does_not_answer(
    desk: Desk, client: Client, answers: list[tuple[int, int | None]], is_down: bool
) -> None:
    for minutes, status in answers:
        desk.database.request(minutes, status)
    assert codes(client) == (["provider_down"] if is_down else [])
    if is_down:
        since = datetime.fromisoformat(client.json("status")["troubles"][0]["since"])
        first = next(m for m, s in answers if s != 200)
        assert abs(since - ago(first)) < timedelta(seconds=10)


def test_late_data_is_one_trouble(desk: Desk, client: Client) -> None:
    desk.database.ran(120, dag_id="refresh_pnl")
    assert codes(client) == ["data_late"]


@pytest.fixture
def platform(desk: Desk) -> Desk:
    """Two capture instances, rejects, requests, a validation and runs."""
    database = desk.database
    files = {}
    for name, is_complete in (
        ("standalone-host-1-7-20260302T100000000000Z", True),
        ("standalone-host-1-7-20260302T110000000000Z", False),
        ("airflow-worker-9-20260302T110000000000Z", True),
    ):
        files[name] = database.insert(
            "ops.landing_files",
            landing_file=f"trades/date=2026-03-02/hour=11/{name}.jsonl",
            hour_start_at=NOW,
            event_count=3,
            last_received_at=ago(0 if not is_complete else 30),
            is_connected=True,
            is_complete=is_complete,
        )
    first, second, other = files.values()
    for file, start, end in ((first, 90, 31), (second, 31, 0), (other, 45, 31)):
        database.connected(file, (ago(start), ago(end)))
    batch = database.batch(name="c")
    for number, received in ((1, 9), (2, 3)):
        database.insert(
            "ops.rejected_messages",
            landing_file_id=first,
            line_number=number,
            load_batch_id=batch,
            raw=f"raw {number}",
            received_at=ago(received),
        )
    database.request(0.5, 200)
    database.request(20, 200)
    database.insert(
        "ops.validation_results", expectation="e1", is_success=False, detail="3 of 4", load_batch_ids=[batch]
    )
    database.insert("ops.validation_results", expectation="e2", severity="warning", load_batch_ids=[batch])
    for dag, run, state, error in (
        ("hourly_pnl", "scheduled__2026-03-02T10:00:00+00:00", "failed", "it broke"),
        ("refresh_pnl", "quiet", "success", None),
        ("refresh_pnl", "loud", "failed", "late"),
    ):
        database.insert(
            "ops.task_runs",
            dag_id=dag,
            run_id=run,
            run_type="scheduled",
            window_start_at="2026-03-02 09:00Z",
            window_end_at="2026-03-02 10:00Z",
            ended_at=NOW,
            state=state,
            error=error,
        )
    return desk


def test_health_tells_of_everything(platform: Desk, client: Client) -> None:
    health: dict[str, Any] = client.json("health")
    assert [(line["name"], line["host"], line["is_connected"]) for line in health["lines"]] == [
        ("airflow", "worker", False),
        ("standalone", "host-1", True),
    ]
    since = datetime.fromisoformat(health["lines"][1]["connected_since"])
    assert abs(since - ago(90)) < timedelta(seconds=10)  # through the change of files
    assert health["ledger"]["files"] == 6
    assert health["ledger"]["events"] == 9
    (reject,) = health["rejects"]
    assert (reject["reason_code"], reject["count"], reject["raw"]) == ("invalid_price", 2, "raw 2")
    prices = health["prices"]
    assert (prices["spent_last_minute"], prices["spent_last_hour"], prices["per_minute"]) == (1, 2, 50)
    assert prices["open_periods"] >= prices["with_price"] == 0
    (validation,) = health["validations"]
    assert (validation["success"], validation["failed_count"], validation["expectation_count"]) == (False, 1, 2)
    assert validation["href"] == "data-docs/index.html"
    assert [(run["dag_id"], run["state"]) for run in health["runs"]] == [
        ("refresh_pnl", "failed"),
        ("refresh_pnl", "success"),
        ("hourly_pnl", "failed"),
    ]
    run = health["runs"][2]
    assert run["href"] == "../dags/hourly_pnl/runs/scheduled__2026-03-02T10%3A00%3A00%2B00%3A00"
    assert run["window"] == "2026-03-02 09:00 UTC to 2026-03-02 10:00 UTC"


def test_health_says_what_waits_for_a_review_and_how_to_decide(desk: Desk, client: Client) -> None:
    for minute, (trade_id, expectation) in enumerate((("a", "e1"), ("b", "e2"), ("c", "e1"), ("d", "e1"))):
        desk.sell("12-13", "1", trade_id=trade_id, received_at=f"2023-02-06 09:0{minute}Z")
        desk.quarantine(trade_id, expectation)
    reviewed = "review = 'discard', review_reason = 'r', reviewed_at = now()"
    desk.database.rows(f"UPDATE ops.quarantined_trades SET {reviewed} WHERE trade_id = 'a'")
    lines = [
        desk.reject("12-13", received_at=f"2023-02-06 09:0{minute}Z", raw=f"raw {minute}")
        for minute in range(3)
    ]
    desk.database.rows(f"UPDATE ops.rejected_messages SET {reviewed} WHERE line_number = {lines[0]}")
    desk.reject(reason_code="torn_line", received_at="2023-02-06 09:00Z")
    health = client.json("health")
    assert health["quarantined"] == [
        {
            "expectation": expectation,
            "count": count,
            "oldest_received_at": f"2023-02-06T09:0{minute}:00Z",
            "review_command": f"make review TRADE={trade_id} ACTION=accept|discard REASON='…'",
        }
        for expectation, count, minute, trade_id in (("e1", 2, 2, "c"), ("e2", 1, 1, "b"))
    ]
    rejects = {reject["reason_code"]: reject for reject in health["rejects"]}
    assert rejects["invalid_price"] == {
        "reason_code": "invalid_price",
        "unreviewed_count": 2,
        "oldest_unreviewed_at": "2023-02-06T09:01:00Z",
        "review_command": f"make review FILE=trades/a LINE={lines[1]} ACTION=discard REASON='…'",
        "count": 3,
        "last_at": "2023-02-06T09:02:00Z",
        "detail": "d",
        "raw": "raw 2",
    }
    torn = rejects["torn_line"]
    assert (torn["unreviewed_count"], torn["oldest_unreviewed_at"], torn["review_command"]) == (0, None, None)


def test_health_tells_what_else_the_exchange_sends(desk: Desk, client: Client) -> None:
    desk.cancel("unheard of", ago(minutes=7))
    desk.cancel("of months ago", ago(minutes=60 * 24 * 40))
    for about, name, count in (("operational", "heartbeat", 7), ("unknown_field", "venue", 3)):
        desk.database.insert(
            "ops.message_notes", market="DE", landing_file_id=1, about=about, name=name, message_count=count,
            first_received_at="2023-02-06 09:00Z", last_received_at="2023-02-06 10:00Z",
        )  # fmt: skip
    health = client.json("health")
    first, last = "2023-02-06T09:00:00Z", "2023-02-06T10:00:00Z"
    assert health["operational_messages"] == [
        {"kind": "heartbeat", "message_count": 7, "first_received_at": first, "last_received_at": last}
    ]
    assert health["unknown_fields"] == [
        {"name": "venue", "message_count": 3, "first_seen_at": first, "last_seen_at": last}
    ]
    (orphan,) = health["orphan_cancellations"]
    assert orphan | {"trade_id": "unheard of", "landing_file": "trades/a"} == orphan


def test_the_pages_of_the_validations_are_served_without_scripts(platform: Desk, client: Client) -> None:
    root = platform.settings.data_docs_root
    root.mkdir()
    (root / "index.html").write_text("<h1>Validations</h1>")
    (root / ".lock").write_text("")
    reply = client.get("data-docs/index.html")
    assert reply.text == "<h1>Validations</h1>"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "script-src" not in reply.headers["Content-Security-Policy"]
    assert client.get("data-docs/.lock").status_code == 404


def test_critical_alarms_come_before_older_warnings(desk: Desk, client: Client) -> None:
    for alarm, severity, minutes in (("unknown_fields", "warning", 9), ("capture_silent", "critical", 2)):
        desk.database.insert("ops.alarms", alarm=alarm, severity=severity, since_at=ago(minutes))
    assert [alarm["alarm"] for alarm in client.json("health")["alarms"]] == ["capture_silent", "unknown_fields"]
