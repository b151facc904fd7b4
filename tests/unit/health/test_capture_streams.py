"""What capture instances received, merged: each trade once, with those that received it in time."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.health.capture_streams import (
    MARGIN,
    MAX_DELAY,
    Trade,
    files_by_instance,
    first_receipts,
    merged,
    received_trades,
    was_connected,
)
from include.landing import LandingFile, event_line, message_line
from tests.messages import deal

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stream(*receipts: tuple[float, str]) -> list[tuple[datetime, Trade]]:
    return [(at(seconds), (trade_id, "s", 0)) for seconds, trade_id in receipts]


def merge(*streams: Iterable[tuple[datetime, Trade]]) -> list[tuple[float, str, int]]:
    return [
        ((first_at - START).total_seconds(), trade_id, bits)
        for first_at, (trade_id, _, _), bits in first_receipts(list(streams))
    ]


def test_a_trade_is_told_once_with_all_that_received_it_in_time() -> None:
    found = merge(
        stream((0, "a"), (1, "b"), (60, "c"), (61.5, "d")),
        stream((0.2, "a"), (0.5, "c"), (61, "b"), (61.6, "e")),
    )
    assert found == [(0, "a", 0b11), (0.5, "c", 0b11), (1, "b", 0b11), (61.5, "d", 0b01), (61.6, "e", 0b10)]


def test_a_copy_that_comes_too_late_is_told_again() -> None:
    assert merge(stream((0, "a")), stream((60.1, "a"))) == [(0, "a", 0b01), (60.1, "a", 0b10)]


def test_legs_of_a_self_trade_are_told_apart() -> None:
    both, one = [(START, ("a", "b", 0)), (START, ("a", "s", 0))], [(START, ("a", "s", 0))]
    assert list(first_receipts([both, one])) == [
        (START, ("a", "b", 0), 0b01),
        (START, ("a", "s", 0), 0b11),
    ]


receipts = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), max_size=60)


@given(st.lists(receipts, min_size=1, max_size=4))
def test_the_merge_is_what_looking_through_everything_finds(drawn: list[list[tuple[int, int]]]) -> None:
    streams = [stream(*sorted((seconds, f"t{trade}") for seconds, trade in one)) for one in drawn]
    everything = sorted(
        ((moment - START).total_seconds(), trade[0], number)
        for number, one in enumerate(streams)
        for moment, trade in one
    )
    expected = []
    for trade in {trade for _, trade, _ in everything}:
        open_from, bits = None, 0
        for seconds, number in [(s, n) for s, t, n in everything if t == trade]:
            if open_from is None or seconds - open_from > MAX_DELAY.total_seconds():
                if open_from is not None:
                    expected.append((open_from, trade, bits))
                open_from, bits = seconds, 0
            bits |= 1 << number
        expected.append((open_from, trade, bits))
    found = merge(*streams)
    assert sorted(found) == sorted(expected)
    assert [seconds for seconds, _, _ in found] == sorted(seconds for seconds, _, _ in found)


def test_files_are_those_of_an_instance_in_the_order_of_writing() -> None:
    names = (
        "standalone-host-1-7-20260302T100000000000Z.jsonl",
        "standalone-host-1-9-20260302T095959000000Z.jsonl",
        "my-own.capture-host-1-7-20260302T100000000000Z.jsonl",
        "a.jsonl",
        "standalone-host-1-x-20260302T100000000000Z.jsonl",
    )
    files = [LandingFile(START, f"trades/{name}", Path(name)) for name in names]
    assert {
        instance: [file.path.name for file in of_one] for instance, of_one in files_by_instance(files).items()
    } == {"my-own.capture-host-1": [names[2]], "standalone-host-1": [names[1], names[0]]}


def test_confirmations_are_read_and_everything_else_is_ignored(tmp_path: Path) -> None:
    messages = [
        deal(id="too early"),
        deal(id="t1"),
        deal("trade_confirmation", id=" 123 ", direction="BUY"),
        deal(id=77, direction=...),
        "\ufeff" + deal(id="t2"),
        deal(id="t3", price="nonsense", more={"id": 1}),
        '{"deal_cancellation": {"id": "t4"}}',
        '{"type": "heartbeat"}',
        "no JSON",
        "[]",
        deal(id=["t5"]),
        deal(id=""),
        deal(id="nul\x00"),
        deal(id="x" * 201),
        '{"deal_confirmation": {"id": "\\ud800"}}',
        deal(id="t6", revision=2),
        deal(id="t6", version="3"),
        deal(id="t6", revision="x"),
    ]
    lines = [message_line(at(number), text.encode()) for number, text in enumerate(messages)]
    other = [
        event_line(at(20), "heartbeat", connected=True),
        message_line(at(21), b"\xff\xfe"),
        b'{"received_at": "yesterday", "raw": "{}"}\n',
        b"[1]\n",
        b"\xff\n",
    ]
    torn = message_line(at(22), deal(id="torn").encode())[:-20]
    (tmp_path / "a").write_bytes(b"".join(lines + other) + torn)
    (tmp_path / "b").write_bytes(message_line(at(30), deal(id="next file").encode()))
    found = list(received_trades([tmp_path / "a", tmp_path / "b"], at(1)))
    assert found == [
        (at(1), ("t1", "s", 0)),
        (at(2), ("123", "b", 0)),
        (at(3), ("77", "", 0)),
        (at(4), ("t2", "s", 0)),
        (at(5), ("t3", "s", 0)),
        (at(15), ("t6", "s", 2)),
        (at(16), ("t6", "s", 3)),
        (at(30), ("next file", "s", 0)),
    ]


def test_two_processes_of_an_instance_are_read_in_order_of_receipt(tmp_path: Path) -> None:
    of_first = [message_line(at(number), deal(id=f"t{number}").encode()) for number in (0, 2, 4)]
    of_second = [message_line(at(number), deal(id=f"t{number}").encode()) for number in (1, 2, 3)]
    paths = []
    for process, lines in ((7, of_first), (9, of_second)):
        paths.append(tmp_path / f"standalone-host-1-{process}-20260302T100000000000Z.jsonl")
        paths[-1].write_bytes(b"".join(lines))
    found = received_trades(paths, at(0))
    assert [trade_id for _, (trade_id, _, _) in found] == ["t0", "t1", "t2", "t2", "t3", "t4"]


def test_spans_that_touch_are_one() -> None:
    spans = [(at(20), at(30)), (at(0), at(10)), (at(10), at(15)), (at(2), at(4)), (at(40), at(40))]
    assert merged(spans) == [(at(0), at(15)), (at(20), at(30)), (at(40), at(40))]


@pytest.mark.parametrize(
    ("seconds", "is_connected"),
    [(9.9, False), (10, True), (90, True), (90.1, False), (150, False), (210, True), (400, False)],
)
def test_connected_means_before_and_after(seconds: float, is_connected: bool) -> None:
    assert timedelta(seconds=10) == MARGIN
    assert was_connected([(at(0), at(100)), (at(200), at(300))], at(seconds)) is is_connected
    assert not was_connected([], at(seconds))
