"""A message as it arrived: of the landing files that are loaded, and of no other file."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.dashboard.messages import MAX_BYTES
from include.landing_keys import landing_path
from include.settings import Settings
from tests.integration.dashboard.conftest import Client, Desk

FILE = "trades/date=2023-02-06/hour=09/standalone-desk-1.jsonl"


def land(desk: Desk, settings: Settings, lines: list[bytes], key: str = FILE, **columns: Any) -> Path:
    """A landing file with these lines, all of them loaded."""
    row = {"market": "DE", "landing_file": key, "source": "trades", "hour_start_at": "2023-02-06T09:00Z"}
    counts = {"line_count": len(lines), "event_count": len(lines)}
    desk.database.insert("ops.landing_files", **row | counts | columns)
    path = landing_path(settings.landing_root, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def line_of(raw: str) -> bytes:
    return json.dumps({"received_at": "2023-02-06T09:30:00.000001+00:00", "raw": raw}).encode()


def test_each_line_is_what_was_landed(desk: Desk, client: Client, settings: Settings) -> None:
    raws = ['{"id": "ä"}', "<img src=x onerror=alert(1)>", "x" * 3_000_000, "", "last"]
    land(desk, settings, [line_of(raw) for raw in raws])
    found = [client.json("message", landing_file=FILE, line=str(i + 1)) for i in range(len(raws))]
    assert [each["raw"] for each in found] == [raw[:MAX_BYTES] for raw in raws]
    assert [each["is_truncated"] for each in found] == [False, False, True, False, False]
    assert {each["received_at"] for each in found} == {"2023-02-06T09:30:00.000001+00:00"}
    assert (found[1]["landing_file"], found[1]["line"]) == (FILE, 2)


@pytest.mark.parametrize("name", [r"a\xff", r"a\x5cxff", r"a\b"])
def test_a_file_of_any_name_is_found(desk: Desk, client: Client, settings: Settings, name: str) -> None:
    land(desk, settings, [line_of("found")], key := f"trades/date=2023-02-06/hour=09/{name}.jsonl")
    assert client.json("message", landing_file=key, line="1")["raw"] == "found"


def test_a_line_that_wraps_no_message_is_shown_as_it_is(desk: Desk, client: Client, settings: Settings) -> None:
    event = b'{"received_at":"2023-02-06T09:00:00+00:00","event":"opened"}'
    binary = b'{"received_at":"2023-02-06T09:00:00+00:00","raw_base64":"/wBh"}'
    land(desk, settings, [event, binary, b"a;b;\xff\r", b"[1]", b'{"raw_base64":"?"}'])
    found = [client.json("message", landing_file=FILE, line=str(line))["raw"] for line in range(1, 6)]
    assert found == [event.decode(), "\\xff\0a", "a;b;\\xff", "[1]", '{"raw_base64":"?"}']


def test_a_file_that_is_gone_has_no_message(desk: Desk, client: Client, settings: Settings) -> None:
    path = land(desk, settings, [line_of("a"), line_of("b")])
    path.write_bytes(line_of("a") + b"\n")
    assert client.json("message", landing_file=FILE, line="2")["raw"] is None
    path.unlink()
    assert client.json("message", landing_file=FILE, line="1")["raw"] is None


def test_only_loaded_lines_of_landing_files_are_read(desk: Desk, client: Client, settings: Settings) -> None:
    path = land(desk, settings, [line_of("a"), line_of("not loaded yet")], line_count=1, event_count=1)
    (settings.landing_root / "trades" / "other.jsonl").write_bytes(line_of("secret") + b"\n")
    keys = [
        *("", "trades/other.jsonl", "../landing/" + FILE, "./" + FILE, FILE + "/", "/" + FILE, str(path)),
        *("/etc/passwd", "../../../../../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", FILE + "\0", "x" * 2000),
        *("%", "trades/%", FILE.upper(), "first_market"),
    ]
    for key in keys:
        reply = client.get("api/v1/message", landing_file=key, line="1")
        assert (reply.status_code, reply.json()) == (
            400,
            {"error": "landing_file must be the path of a landing file of this market."},
        ), key
    reply = client.get("api/v1/message", landing_file=FILE, line="2")
    assert reply.json() == {"error": "line must be one of the 1 lines that are loaded."}
    assert client.json("message", landing_file=FILE, line="1")["raw"] == "a"


def test_a_row_or_a_link_that_leads_out_of_the_landing_files_is_not_followed(
    desk: Desk, client: Client, settings: Settings
) -> None:
    outside = settings.landing_root.parent / "outside"
    outside.mkdir(parents=True)
    (outside / "secret").write_bytes(b"secret\n")
    land(desk, settings, [b"secret"], key="../outside/secret")
    link = land(desk, settings, [line_of("a")])
    link.unlink()
    link.symlink_to(outside / "secret")
    for key in ("../outside/secret", FILE):
        assert client.json("message", landing_file=key, line="1")["raw"] is None


def test_a_file_of_another_market_is_none_of_this_one(desk: Desk, client: Client, settings: Settings) -> None:
    land(desk, settings, [line_of("a")], market="FI")
    reply = client.get("api/v1/message", landing_file=FILE, line="1")
    assert (reply.status_code, "of this market" in reply.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    "line", ["", "0", "-1", "1.0", "one", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 13, "1 OR 1=1"]
)
def test_a_line_is_a_number(client: Client, line: str) -> None:
    reply = client.get("api/v1/message", landing_file=FILE, line=line)
    assert (reply.status_code, reply.json()) == (400, {"error": "line must be a whole number from 1."})
