"""How answers travel: tags, compression, events, errors, and a database that goes away and comes back."""

import json
import time
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2 import sql

from include.dashboard import service as service_module
from include.dashboard.service import Service
from tests.integration.dashboard.conftest import DAY, PAUSE, Client, Desk


def test_what_has_not_changed_is_not_sent_again(dashboard: Desk, client: Client) -> None:
    first = client.get("api/v1/desk", day=str(DAY))
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Content-Encoding"] == "gzip"
    client.session.headers["If-None-Match"] = first.headers["ETag"]
    again = client.get("api/v1/desk", day=str(DAY))
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("api/v1/desk", day="2023-02-07").status_code == 200


def test_who_takes_no_compressed_answers_gets_the_same(dashboard: Desk, client: Client) -> None:
    client.session.headers["Accept-Encoding"] = "identity"
    plain = client.get("api/v1/desk", day=str(DAY))
    assert "Content-Encoding" not in plain.headers
    client.session.headers["Accept-Encoding"] = "gzip"
    assert client.get("api/v1/desk", day=str(DAY)).json()["rows"] == plain.json()["rows"]


def test_now_is_now_although_the_answer_was_made_before(dashboard: Desk, client: Client) -> None:
    for _ in range(2):
        desk = client.json("desk", day=str(DAY))
        assert abs(datetime.now(UTC) - datetime.fromisoformat(desk["now"])) < timedelta(seconds=1.2)
        time.sleep(1.1)


def test_what_was_said_long_ago_may_be_kept_for_ever(dashboard: Desk, client: Client) -> None:
    old = client.get("api/v1/desk", day=str(DAY), as_of="2023-03-01T00:00:00Z")
    assert "immutable" in old.headers["Cache-Control"]
    fresh = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert client.get("api/v1/desk", as_of=fresh).headers["Cache-Control"] == "private, no-cache"


def test_many_requests_cost_one_read(
    dashboard: Desk, client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    submit = service._quick.submit
    monkeypatch.setattr(service._quick, "submit", lambda work: (reads.append(work), submit(work))[1])
    versions = {client.json("desk", day=str(DAY))["version"] for _ in range(50)}
    assert 1 <= len(reads) == len(versions) <= 2  # two where the minute turns


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("desk", {"day": "2023-02-30"}, "day must be a day like 2026-03-01, not '2023-02-30'."),
        (
            "desk",
            {"as_of": "noon"},
            "as_of must be a moment with its zone like 2026-03-01T12:00:00Z, not 'noon'.",
        ),
        ("desk", {"as_of": "2023-02-06T12:00:00"}, "as_of must be a moment with its zone"),
        ("desk", {"as_of": "2090-01-01T00:00:00Z"}, "is yet to come"),
        ("desk", {"trader": "x" * 201}, "trader must be a name of at most 200 characters."),
        ("trades", {"day": "2025-03-30", "hour": "02-03"}, "hour must be a delivery period of 2025-03-30"),
        ("trades", {"limit": "0"}, "limit must be a whole number from 1 to 10000, not '0'."),
        ("pnl_hourly", {"from": "2023-02-07", "to": "2023-02-06"}, "must not be after to"),
        ("pnl_hourly", {"from": "2023-01-01", "to": "2023-04-03"}, "may span 92 days at most"),
        ("pnl_hourly", {"from": "2023-01-01", "to": "2023-02-01", "trader": "*"}, "may span 31 days at most"),
        ("pnl_daily", {"from": "2023-01-01", "to": "2024-01-02", "trader": "*"}, "may span 366 days at most"),
        ("pnl_weekly", {"from": "2023-01-01", "to": "2024-01-02", "trader": "*"}, "may span 366 days at most"),
        ("pnl_monthly", {"from": "2013-01-01", "to": "2023-01-09"}, "may span 3660 days at most"),
        ("range", {"from": "2023-01-01", "to": "2024-01-02"}, "may span 366 days at most"),
        ("range", {"from": "2023-02-07", "to": "2023-02-06"}, "must not be after to"),
        ("range", {"to": "2023-02-29"}, "to must be a day like 2026-03-01, not '2023-02-29'."),
        ("range", {"trader": "x\0"}, "trader must be a name of at most 200 characters."),
        ("range", {"as_of": "2090-01-01T00:00:00Z"}, "is yet to come"),
        ("pnl_daily", {"format": "ods"}, "format must be json or csv or xlsx, not 'ods'."),
        ("gaps", {"decimal": "dot"}, "decimal must be point or comma, not 'dot'."),
    ],
)
def test_a_wrong_parameter_is_named(client: Client, path: str, parameters: dict[str, str], words: str) -> None:
    reply = client.get(f"api/v1/{path}", **parameters)
    assert reply.status_code == 400
    assert words in reply.json()["error"]


def test_an_offset_whose_plus_was_not_escaped_is_understood(dashboard: Desk, client: Client) -> None:
    reply = client.session.get(f"{client.url}/api/v1/desk?as_of=2023-03-01T01:00:00+01:00")
    assert reply.json()["as_of"] == "2023-03-01T00:00:00Z"


def test_a_database_that_is_away_is_a_sentence_and_comes_back_by_itself(
    dashboard: Desk, client: Client, postgres: str
) -> None:
    assert len(client.json("desk", day=str(DAY))["rows"]) == 2
    name = dashboard.settings.warehouse_url.rsplit("/", 1)[1]
    server = psycopg2.connect(postgres)
    server.autocommit = True
    away, back = (
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.SQL(word))
        for word in ("false", "true")
    )
    with server.cursor() as cur:
        cur.execute(away)
        cur.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(PAUSE)
        client.get("api/v1/version")  # makes it look
        time.sleep(PAUSE)
        for path in ("api/v1/desk", "api/v1/version", "api/v1/events", "api/v1/status", "api/v1/pnl_daily"):
            reply = client.get(path)
            assert reply.status_code == 503, path
            assert reply.json() == {
                "error": "The database does not answer. Nothing is lost: the numbers come back by themselves."
            }
            assert int(reply.headers["Retry-After"]) >= 1
        assert client.get("").status_code in (200, 404)  # the page itself needs no database
        cur.execute(back)
    server.close()
    time.sleep(PAUSE)
    client.get("api/v1/version")
    time.sleep(PAUSE)
    assert len(client.json("desk", day=str(DAY))["rows"]) == 2


def test_a_connection_that_broke_while_it_was_idle_is_replaced_unseen(
    dashboard: Desk, client: Client, postgres: str
) -> None:
    client.json("desk", day=str(DAY))
    dashboard.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'trading desk%'"
    )
    assert client.json("desk", day="2023-02-07")["rows"] == []


def test_a_warehouse_that_is_not_set_up_is_a_sentence(desk: Desk, client: Client) -> None:
    desk.database.rows("ALTER SCHEMA ops RENAME TO later")
    reply = client.get("api/v1/desk")
    assert (reply.status_code, "being set up" in reply.json()["error"]) == (503, True)


def test_events_tell_of_the_version_at_once_and_of_a_change(dashboard: Desk, client: Client) -> None:
    versions = []
    with client.session.get(f"{client.url}/api/v1/events", stream=True, timeout=20) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith(b"data: "):
                versions.append(json.loads(line[6:])["version"])
                if len(versions) == 2:
                    break
                dashboard.sell("12-13", "20.2", "bert")
                dashboard.build()
    assert versions[0] != versions[1]
    assert versions[1] == client.json("version")["version"]


def test_a_stream_of_events_ends_so_that_the_login_is_checked_again(
    dashboard: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service_module.STREAM_SECONDS <= 15
    monkeypatch.setattr(service_module, "STREAM_SECONDS", 1.0)
    monkeypatch.setattr(service_module, "EVENT_SECONDS", 0.1)
    with client.session.get(f"{client.url}/api/v1/events", stream=True, timeout=20) as stream:
        lines = [line for line in stream.iter_lines() if line]
    assert lines[0] == b"retry: 500"
    assert lines.count(b"event: version") >= 2
