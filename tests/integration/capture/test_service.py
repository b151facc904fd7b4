"""The capture against real websocket servers: everything lands, and the journal tells the truth."""

import asyncio
import errno
import http
import itertools
import logging
import os
import socket
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from include.capture import connection
from include.capture.recorder import Recorder
from include.capture.service import run_capture
from include.errors import TerminalError
from include.load.journal import Journal
from include.local.ports import find_free
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.integration.capture.conftest import (
    QUICK,
    Landed,
    StartCapture,
    TestClock,
    serving,
    shake_hands,
    tcp_server,
)
from tests.waiting import eventually

ODD_MESSAGES: list[str | bytes] = [
    '{"deal_confirmation": {"id": "1"}}',
    "Größe € 😀 \u2028 \x00",
    'two\nlines\r\nand a "quote" \\',
    '{"deal_confirmation": {"id": ',
    "",
    b"",
    b"\xff\xfe\x00binary",
    "x" * 5_000_000,
    b"\xff" * 5_000_000,
    "last",
]


def as_bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


def test_whatever_arrives_is_landed_verbatim_and_in_order(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    capture = start_capture(exchange.url)
    exchange.wait_for_connections()
    exchange.send_all(ODD_MESSAGES)
    exchange.send(b"\xed\xa0\x80 no text", is_text=True)
    expected = [as_bytes(message) for message in ODD_MESSAGES] + [b"\xed\xa0\x80 no text"]

    eventually(lambda: len(landed.payloads()) == len(expected))
    summary = capture.stop()

    assert landed.payloads() == expected
    assert (summary.messages, summary.connections) == (len(expected), 1)


def test_the_journal_of_an_ordinary_day(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    capture = start_capture(exchange.url)
    exchange.wait_for_connections()
    exchange.send("one")
    eventually(lambda: any(line["messages"] == 1 for line in landed.events("heartbeat")))
    capture.stop()

    [file] = landed.files()
    kinds = [line.get("event", "message") for line in file]
    assert [kind for kind, _ in itertools.groupby(kinds) if kind != "heartbeat"][:2] == ["opened", "connected"]
    assert kinds[-2:] == ["disconnected", "closed"]
    assert kinds.count("connected") == kinds.count("disconnected") == 1
    by_kind = {line["event"]: line for line in file if "event" in line}
    assert (by_kind["connected"]["url"], by_kind["connected"]["connection"]) == (exchange.url, 1)
    assert by_kind["heartbeat"]["connected"] is True
    assert (
        by_kind["heartbeat"]["last_received_at"] == next(line for line in file if "raw" in line)["received_at"]
    )
    assert by_kind["disconnected"]["reason"] == "capture was stopped"
    assert by_kind["disconnected"]["alive_until"] == by_kind["disconnected"]["received_at"]
    assert by_kind["closed"]["connected"] is False
    assert [line["received_at"] for line in file] == sorted(line["received_at"] for line in file)


def test_what_is_under_way_when_a_stop_comes_is_landed(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    capture = start_capture(exchange.url)
    exchange.wait_for_connections()
    messages = [f"{number}" for number in range(20_000)]
    exchange.send_all(messages)
    capture.stop()

    assert landed.payloads() == [message.encode() for message in messages]


def test_the_dying_hour_is_survived(exchange: Exchange, start_capture: StartCapture, landed: Landed) -> None:
    exchange.faults.dying_after_seconds = 0.1
    exchange.faults.dying_hour = True
    exchange.rate_per_second = 100
    capture = start_capture(exchange.url)
    eventually(lambda: len(landed.events("disconnected")) >= 5)
    exchange.faults.dying_hour = False
    eventually(lambda: len(landed.events("connected")) >= 6)
    before = len(landed.payloads())
    eventually(lambda: len(landed.payloads()) > before)
    summary = capture.stop()

    ends = landed.events("disconnected")
    assert sum("1011" in line["reason"] for line in ends) >= 5
    assert all(line["alive_until"] <= line["received_at"] for line in ends)
    assert [line["connection"] for line in landed.events("connected")] == list(
        range(1, summary.connections + 1)
    )
    assert len(landed.payloads()) == summary.messages


def test_a_connection_that_is_cut_off_was_alive_until_then(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    start_capture(exchange.url, timing=replace(QUICK, heartbeat=30.0))
    exchange.wait_for_connections()
    exchange.disconnect()
    eventually(lambda: len(landed.events("connected")) == 2)

    [cut] = landed.events("disconnected")
    assert cut["alive_until"] == cut["received_at"]
    assert "closed by" not in cut["reason"]


def test_a_dead_link_is_noticed_and_replaced(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    start_capture(exchange.url)
    exchange.wait_for_connections()
    exchange.send("proof")
    eventually(landed.payloads)
    exchange.faults.silence = True
    eventually(lambda: landed.events("disconnected"))
    exchange.faults.silence = False
    eventually(lambda: landed.events("connected")[-1]["connection"] > 1)

    dead = landed.events("disconnected")[0]
    assert "link is dead" in dead["reason"]
    lines = landed.lines()
    proofs = [
        line["received_at"]
        for line in lines[: lines.index(dead)]
        if line.get("event") == "heartbeat" and line["connected"]
    ]
    assert dead["alive_until"] < dead["received_at"]
    silent = datetime.fromisoformat(dead["received_at"]) - datetime.fromisoformat(dead["alive_until"])
    assert silent >= timedelta(seconds=QUICK.pong)
    if proofs:
        assert dead["alive_until"] <= proofs[-1]


def test_a_busy_link_whose_pongs_do_not_come_is_alive(start_capture: StartCapture, landed: Landed) -> None:
    async def chatter(connection: ServerConnection) -> None:
        connection.transport.pause_reading()  # no ping is ever seen
        for number in itertools.count():
            await connection.send(f"{number}")
            await asyncio.sleep(0.01)

    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.CRITICAL + 1)
    with serving(
        lambda: serve(chatter, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1, logger=quiet)
    ) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}", timing=replace(QUICK, pong=0.2))
        eventually(lambda: sum(line["connected"] for line in landed.events("heartbeat")) >= 8)
        summary = capture.stop()

    assert summary.connections == 1
    assert [line["reason"] for line in landed.events("disconnected")] == ["capture was stopped"]


def test_a_peer_that_does_not_finish_its_good_bye_is_hung_up_on(
    start_capture: StartCapture, landed: Landed
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        # a message, then a close frame with 1011, then nothing more
        writer.write(b"\x81\x02hi\x88\x02\x03\xf3")
        try:
            await reader.read()
        finally:
            writer.close()

    with serving(lambda: tcp_server(handle)) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}", timing=replace(QUICK, heartbeat=30.0))
        eventually(lambda: len(landed.payloads()) >= 3)
        capture.stop()

    assert "1011" in landed.events("disconnected")[0]["reason"]


def test_a_message_beyond_the_limit_ends_the_connection_and_not_the_capture(
    exchange: Exchange, start_capture: StartCapture, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_MESSAGE_BYTES", 1000)
    start_capture(exchange.url)
    exchange.wait_for_connections()
    exchange.send_all(["before", "x" * 1001])
    eventually(lambda: len(landed.events("connected")) == 2)
    exchange.wait_for_connections()
    exchange.send("x" * 1000)
    eventually(lambda: len(landed.payloads()) == 2)

    assert landed.payloads() == [b"before", b"x" * 1000]
    reason = landed.events("disconnected")[0]["reason"]
    assert "1009" in reason
    assert "1001 bytes exceeds limit of 1000" in reason


def test_an_exchange_that_is_not_there_is_waited_for(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    port = find_free()
    caplog.set_level(logging.INFO)
    start_capture(f"ws://127.0.0.1:{port}")
    eventually(lambda: len(landed.events("heartbeat")) >= 4)
    with Exchange(rate_per_second=0, port=port) as exchange:
        exchange.wait_for_connections()
        exchange.send("at last")
        eventually(landed.payloads)

    failures = [record.message for record in caplog.records if "cannot connect" in record.message]
    assert len(failures) == 1, "a failure is logged once, not for each attempt"
    assert "Connection refused" in failures[0]
    connected_at = landed.events("connected")[0]["received_at"]
    assert all(
        line["connected"] is False for line in landed.events("heartbeat") if line["received_at"] < connected_at
    )


def test_a_refused_handshake_is_retried(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([http.HTTPStatus.SERVICE_UNAVAILABLE] * 3 + [http.HTTPStatus.FORBIDDEN] * 2)

    def refuse(connection: ServerConnection, _request: Request) -> Response | None:
        status = next(answers, None)
        return None if status is None else connection.respond(status, "not now")

    async def greet(connection: ServerConnection) -> None:
        await connection.send("hello")
        await connection.wait_closed()

    with serving(lambda: serve(greet, "127.0.0.1", 0, process_request=refuse)) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}")
        eventually(landed.payloads)
        capture.stop()

    failures = [record.message for record in caplog.records if "cannot connect" in record.message]
    assert len(failures) == 2, "once for each change of the reason"
    assert "HTTP 503" in failures[0]
    assert "HTTP 403" in failures[1]


def test_a_handshake_that_hangs_is_given_up(
    start_capture: StartCapture, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        start_capture(f"ws://127.0.0.1:{mute.getsockname()[1]}", timing=replace(QUICK, open=0.1))
        for _ in range(2):
            mute.accept()[0].close()

        eventually(lambda: any("cannot connect" in record.message for record in caplog.records))


def test_the_hour_turns_without_a_trade(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    clock = TestClock()
    capture = start_capture(exchange.url, clock=clock.wall, monotonic=clock.monotonic)
    eventually(lambda: any(line["connected"] for line in landed.events("heartbeat")))
    clock.pass_by(timedelta(hours=1))
    eventually(lambda: len(landed.files()) >= 2 and len(landed.files()[1]) > 2)
    capture.stop()

    first, second = landed.files()[:2]
    assert first[-1]["event"] == "rolled"
    assert first[-1]["connected"] is True
    assert second[0]["event"] == "opened"
    assert second[0]["connected"] is True
    assert second[1]["event"] == "heartbeat"


def test_a_loss_noticed_after_the_hour_turned_is_told_in_the_file_of_the_last_proof(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    clock = TestClock()
    timing = replace(QUICK, heartbeat=0.3)
    start_capture(exchange.url, clock=clock.wall, monotonic=clock.monotonic, timing=timing)
    eventually(lambda: any(line["connected"] for line in landed.events("heartbeat")))
    exchange.faults.silence = True
    clock.pass_by(timedelta(hours=1))
    eventually(lambda: len(landed.files()) >= 2)
    exchange.faults.silence = False

    first = landed.files()[0]
    assert first[-2]["event"] == "disconnected"
    assert first[-2]["alive_until"][:13] == first[0]["received_at"][:13]
    assert (first[-1]["event"], first[-1]["connected"]) == ("rolled", False)


def test_a_full_disk_holds_the_stream_back_and_loses_nothing(
    exchange: Exchange,
    start_capture: StartCapture,
    landed: Landed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_full, refusals = threading.Event(), itertools.count()
    real_write = os.write

    def write(fd: int, data: bytes) -> int:
        if is_full.is_set() and str(landed.root) in str(Path(f"/proc/self/fd/{fd}").readlink()):
            if next(refusals) == 0:
                return real_write(fd, data[: len(data) // 2])  # the last room there is
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, data)

    taken: list[bytes] = []
    real_message = Recorder.message

    def message(self: Recorder, payload: bytes) -> None:
        taken.append(payload)
        real_message(self, payload)

    monkeypatch.setattr("include.landing.os.write", write)
    monkeypatch.setattr(Recorder, "message", message)
    capture = start_capture(exchange.url)
    exchange.wait_for_connections()
    exchange.send("before")
    eventually(landed.payloads)
    is_full.set()
    messages = [f"{number}" + "x" * 20_000 for number in range(1500)]
    sender = threading.Thread(target=lambda: exchange.send_all(messages))
    sender.start()
    eventually(lambda: next(refusals) >= 5)
    sender.join(0.5)  # as long as a capture that read on would need to take hundreds
    taken_while_full = len(taken)
    is_full.clear()
    sender.join()
    eventually(lambda: len(landed.payloads()) == 1501)
    capture.stop()

    assert taken_while_full < 100, "what cannot be written must wait at the exchange, not in memory"
    assert landed.payloads() == [b"before", *(message.encode() for message in messages)]
    [failed] = landed.events("write_failed")
    assert failed["error"] == "No space left on device"
    assert failed["seconds"] > 0
    assert sum("cannot write" in record.message for record in caplog.records) == 1


def test_a_landing_folder_that_cannot_be_written_is_waited_for(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    landed.root.write_text("a file stands where the folder should be")
    capture = start_capture(exchange.url)
    with pytest.raises(TimeoutError):
        exchange.wait_for_connections(timeout_seconds=0.3)
    landed.root.unlink()
    exchange.wait_for_connections()
    exchange.send("now")
    eventually(landed.payloads)

    assert capture.stop().messages == 1


def test_a_sync_that_fails_is_told(
    exchange: Exchange, start_capture: StartCapture, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_sync = os.fdatasync
    failures = iter([OSError(errno.EIO, "Input/output error")] * 3)

    def sync(fd: int) -> None:
        if error := next(failures, None):
            raise error
        real_sync(fd)

    monkeypatch.setattr("include.landing.os.fdatasync", sync)
    start_capture(exchange.url)
    eventually(lambda: landed.events("sync_failed"))

    assert landed.events("sync_failed")[0]["error"] == "Input/output error"


def test_two_captures_land_everything_each(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    captures = [start_capture(exchange.url, name) for name in ("standalone", "airflow")]
    exchange.wait_for_connections(2)
    messages = [f"{number}" for number in range(1000)]
    exchange.send_all(messages)
    for name in ("standalone", "airflow"):
        eventually(lambda name=name: len(landed.payloads(name)) == 1000)
    for capture in captures:
        capture.stop()

    expected = [message.encode() for message in messages]
    assert landed.payloads("standalone") == landed.payloads("airflow") == expected


def test_secrets_of_the_address_reach_no_log_and_no_file(
    exchange: Exchange, start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for port in (exchange.port, find_free()):
        capture = start_capture(f"ws://trader:s3cret@127.0.0.1:{port}/feed?token=t0ken")
        eventually(
            lambda: (
                landed.events("connected")
                and any("cannot connect" in r.message or "connected to" in r.message for r in caplog.records)
            )
        )
        capture.stop()

    texts = [record.getMessage() for record in caplog.records] + [str(line) for line in landed.lines()]
    assert any(f"ws://127.0.0.1:{exchange.port}/feed" in text for text in texts)
    assert not any("s3cret" in text or "t0ken" in text or "trader" in text for text in texts)


def test_the_journal_tells_the_loader_when_the_line_was_connected(
    exchange: Exchange, start_capture: StartCapture, landed: Landed
) -> None:
    capture = start_capture(exchange.url)
    exchange.wait_for_connections()
    eventually(lambda: any(line["connected"] for line in landed.events("heartbeat")))
    exchange.disconnect(1011)
    eventually(lambda: len(landed.events("connected")) == 2)
    capture.stop()

    journal = Journal()
    for line in landed.events():
        alive_until = line.get("alive_until")
        journal.event(
            datetime.fromisoformat(line["received_at"]),
            line["event"],
            line.get("connected"),
            None if alive_until is None else datetime.fromisoformat(alive_until),
        )
    starts = [datetime.fromisoformat(line["received_at"]) for line in landed.events("connected")]
    ends = [datetime.fromisoformat(line["alive_until"]) for line in landed.events("disconnected")]
    assert journal.intervals == dict(zip(starts, ends, strict=True))
    assert journal.connected_from is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:5050", "ws://", "ws://127.0.0.1:99999999/"])
def test_an_address_that_can_never_work_is_refused(tmp_path: Path, url: str) -> None:
    settings = replace(Settings(), exchange_url=url, landing_root=tmp_path)

    with pytest.raises(TerminalError, match="EXCHANGE_URL"):
        run_capture(settings, "test", lambda: True)


def test_a_defect_ends_the_capture_with_its_error_and_a_closed_file(
    exchange: Exchange, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: object, **_details: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("include.capture.recorder.Recorder.proof_of_life", break_down)
    settings = replace(Settings(), exchange_url=exchange.url, landing_root=landed.root)

    with pytest.raises(BaseExceptionGroup) as raised:
        run_capture(settings, "test", lambda: False, timing=QUICK)

    assert raised.group_contains(RuntimeError, match="a defect")
    assert landed.lines()[-1]["event"] == "closed"
