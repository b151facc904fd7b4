"""Which capture instance missed what another one received: landing files to ops.capture_differences."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.server import ServerConnection, serve

from include.jobs import check_freshness, compare_captures, load_trades
from include.landing import event_line, message_line
from include.run_scope import Window
from include.settings import Settings
from tests.factories import Database
from tests.integration.capture.conftest import Landed, StartCapture, TestClock, landed, serving, start_capture
from tests.messages import deal, write_landing_file
from tests.waiting import eventually

__all__ = ["landed", "start_capture"]

HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)
ONE_HOUR = timedelta(hours=1)
_pids = itertools.count(1)


def at(seconds: float) -> datetime:
    return HOUR + timedelta(seconds=seconds)


class Instance:
    """A capture instance that writes a file per hour: a heartbeat each 10 s while connected, and trades."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = f"{name}-host-1"
        self._settings = settings

    def captured(
        self,
        trades: Iterable[tuple[float, str]],
        connected: Iterable[tuple[int, int]] = ((0, 3600),),
        hour: datetime = HOUR,
        **fields: object,
    ) -> None:
        """Writes the file of an hour; times are seconds since its start."""
        lines: list[tuple[float, int, bytes]] = [(0, 0, event_line(hour, "opened", connected=False))]
        for start, end in connected:
            lines.append((start, 1, event_line(hour + timedelta(seconds=start), "connected")))
            for second in range(start + 10, end, 10):
                lines.append(
                    (second, 2, event_line(hour + timedelta(seconds=second), "heartbeat", connected=True))
                )
            moment = hour + timedelta(seconds=end)
            ended = event_line(moment, "disconnected", alive_until=moment.isoformat(timespec="microseconds"))
            if end >= 3600:
                ended = event_line(moment, "rolled", connected=True)
            lines.append((end, 4, ended))
        for second, trade_id in trades:
            text = deal(id=trade_id, **fields).encode()
            lines.append((second, 3, message_line(hour + timedelta(seconds=second), text)))
        content = b"".join(line for _, _, line in sorted(lines, key=lambda line: line[:2]))
        name = f"{self.name}-{next(_pids)}-{hour:%Y%m%dT%H%M%S%f}Z"
        write_landing_file(self._settings.landing_root, content, name, hour)


def compare(settings: Settings, hour: datetime = HOUR, hours: int = 1) -> dict[str, int]:
    load_trades.run(settings)
    return compare_captures.run(settings, Window(hour, hour + hours * ONE_HOUR))


def compared(database: Database, hour: datetime = HOUR) -> dict[str, tuple[int, int, int, list[str]]]:
    """Trades received, shared, missed, and examples of the missed ones, by instance."""
    rows = database.rows(
        "SELECT capture_instance, trade_count, shared_count, missed_count, missed_trade_ids"
        " FROM ops.capture_comparisons WHERE hour_start_at = %s",
        (hour,),
    )
    return {instance: tuple(row) for instance, *row in rows}  # type: ignore[misc]


@pytest.fixture
def one(settings: Settings) -> Instance:
    return Instance(settings, "one")


@pytest.fixture
def two(settings: Settings) -> Instance:
    return Instance(settings, "two")


def test_what_an_instance_missed(settings: Settings, database: Database, one: Instance, two: Instance) -> None:
    received = [(100 * n, f"t{n}") for n in range(1, 31)]
    one.captured(received)
    two.captured([(at + 0.3, trade) for at, trade in received if trade not in ("t7", "t8", "t30")])
    expected = {one.name: (30, 27, 0, []), two.name: (27, 27, 3, ["t7", "t8", "t30"])}
    for _ in range(2):
        assert compare(settings) == {"hours": 1, "instances": 2, "missed": 3}
        assert compared(database) == expected
    assert database.rows("SELECT market, hour_start_at, capture_instance, missed_count, first_missed_at,"
                         " last_missed_at, is_separate_stream FROM ops.capture_differences") == [
        ("DE", HOUR, two.name, 3, at(700), at(3000), False)
    ]  # fmt: skip


def test_only_the_first_ten_are_examples(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(100 + n / 1000, f"t{n}") for n in range(12_000)])
    two.captured([(100, "t0")])
    compare(settings)
    assert compared(database)[two.name] == (1, 1, 11_999, [f"t{n}" for n in range(1, 11)])


def test_what_came_while_an_instance_was_not_connected_is_not_missed(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(second, f"t{second}") for second in (5, 15, 985, 995, 1500, 2005, 2015, 3500)])
    two.captured([], connected=[(0, 1000), (2000, 3505)])
    compare(settings)
    assert compared(database)[two.name] == (0, 0, 3, ["t15", "t985", "t2015"])


def test_a_copy_is_in_time_for_60_seconds(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(100, "a"), (200, "b"), (300, "c")])
    two.captured([(160, "a"), (260.1, "b"), (300, "c")])
    compare(settings)
    assert compared(database) == {one.name: (3, 2, 0, []), two.name: (3, 2, 1, ["b"])}


def test_what_is_sent_again_after_a_reconnect_was_not_missed_by_the_others(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    first = [(100 + n, f"t{n}") for n in range(5)]
    one.captured(first)
    again = [(at + 1930, trade) for at, trade in first]
    two.captured([*first, *again], connected=[(0, 2000), (2002, 3600)])
    one.captured([], hour=HOUR + ONE_HOUR)
    two.captured(
        [(at - HOUR.timestamp() + HOUR.timestamp(), trade) for at, trade in first], hour=HOUR + ONE_HOUR
    )
    compare(settings, hours=2)
    assert compared(database)[one.name][2] == compared(database, HOUR + ONE_HOUR)[one.name][2] == 0


def test_the_turn_of_the_hour(settings: Settings, database: Database, one: Instance, two: Instance) -> None:
    later = HOUR + ONE_HOUR
    one.captured([(3530, "before"), (3570, "missed"), (3590, "late"), (3599.9, "over")])
    one.captured([(10, "next")], hour=later)
    two.captured([(3530.1, "before")])
    two.captured([(0.1, "over"), (10, "next"), (40, "late")], hour=later)
    compare(settings, hours=2)
    assert compared(database) == {one.name: (1, 1, 0, []), two.name: (1, 1, 0, [])}
    assert compared(database, later) == {one.name: (4, 3, 0, []), two.name: (3, 3, 1, ["missed"])}


def test_restarts_of_an_instance_are_one_instance(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(100, "a"), (2000, "b")])
    two.captured([(100, "a")], connected=[(0, 1000)])
    two.captured([(2000, "b")], connected=[(1900, 3600)])
    compare(settings)
    assert compared(database) == {one.name: (2, 2, 0, []), two.name: (2, 2, 0, [])}


def test_two_processes_of_an_instance_at_once_miss_nothing(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    received = [(100 + 10 * n, f"t{n}") for n in range(300)]
    two.captured([(at + 0.05, trade) for at, trade in received])
    one.captured([(at + 0.1, trade) for at, trade in received])
    one.captured(received, connected=((5, 3600),))
    compare(settings)
    assert {missed for _, _, missed, _ in compared(database).values()} == {0}


def test_an_amendment_is_missed_like_a_trade(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    trades = [(100.0 + n, f"t{n}") for n in range(5)]
    for instance in (one, two):
        instance.captured(trades, hour=HOUR - ONE_HOUR)
    one.captured(trades, revision=1)
    two.captured([])
    compare(settings, HOUR - ONE_HOUR)
    compare(settings)
    assert compared(database) == {
        one.name: (5, 0, 0, []),
        two.name: (0, 0, 5, [trade for _, trade in trades]),
    }


def test_an_instance_alone_has_missed_nothing(settings: Settings, database: Database, one: Instance) -> None:
    one.captured([(100, "a")])
    assert compare(settings) == {"hours": 1, "instances": 1, "missed": 0}
    assert compared(database) == {one.name: (1, 0, 0, [])}


def test_files_that_are_gone_are_forgotten(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(100, "a")])
    two.captured([])
    compare(settings)
    assert set(compared(database)) == {one.name, two.name}
    for path in settings.landing_root.rglob("two-*.jsonl"):
        path.unlink()
    compare_captures.run(settings, Window(HOUR, HOUR + ONE_HOUR))
    assert compared(database) == {one.name: (1, 0, 0, [])}


def test_of_a_file_that_is_not_loaded_nothing_is_claimed(
    settings: Settings, database: Database, one: Instance, two: Instance
) -> None:
    one.captured([(100, "a")])
    two.captured([])
    compare_captures.run(settings, Window(HOUR, HOUR + ONE_HOUR))
    assert compared(database)[two.name] == (0, 0, 0, [])


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [(0, 60, [0]), (0, 180, [0, 1, 2]), (30, 60, [0]), (10, 50, []), (30, 90, [0]), (-60, 60, [-1, 0])],
)
def test_a_window_has_the_hours_that_end_in_it(
    settings: Settings, database: Database, one: Instance, start: int, end: int, hours: list[int]
) -> None:
    for hour in range(-1, 3):
        one.captured([], hour=HOUR + hour * ONE_HOUR)
    window = Window(HOUR + timedelta(minutes=start), HOUR + timedelta(minutes=end))
    assert compare_captures.run(settings, window)["hours"] == len(hours)
    found = database.rows("SELECT hour_start_at FROM ops.capture_comparisons ORDER BY hour_start_at")
    assert found == [(HOUR + hour * ONE_HOUR,) for hour in hours]


def test_an_exchange_that_leaves_a_connection_out(
    settings: Settings, database: Database, start_capture: StartCapture, landed: Landed
) -> None:
    """Two captures connect at half past the last full hour."""
    connections: list[ServerConnection] = []
    clock = TestClock()
    clock.pass_by(timedelta(seconds=-(time.time() % 3600), minutes=-30))

    async def handle(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.wait_closed()

    def send(message: str, to: list[ServerConnection]) -> None:
        for connection in to:
            asyncio.run_coroutine_threadsafe(connection.send(message), connection.loop).result(10)

    def is_alive(name: str, since: str) -> bool:
        return any(line.get("connected") and line["received_at"] > since for line in landed.lines(name))

    def live(seconds: int) -> None:
        for _ in range(seconds // 10):  # a longer jump would be a silence
            clock.pass_by(timedelta(seconds=10))
            since = clock.wall().isoformat()
            eventually(lambda since=since: is_alive("one", since) and is_alive("two", since))

    with serving(lambda: serve(handle, "127.0.0.1", 0, ping_interval=None)) as port:
        captures = []
        for name in ("one", "two"):
            captures.append(
                start_capture(f"ws://127.0.0.1:{port}", name, clock=clock.wall, monotonic=clock.monotonic)
            )
            eventually(lambda: len(connections) == len(captures))
        live(30)
        for number in range(20):
            send(deal(id=f"t{number}"), connections[:1] if number in (3, 5) else connections)
        send('{"type": "heartbeat"}', connections[:1])
        eventually(lambda: len(landed.payloads()) == 39)
        live(30)
        for capture in captures:
            capture.stop()
    settings = replace(settings, landing_root=landed.root)
    compare(settings, datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - ONE_HOUR)
    columns = "capture_instance, missed_count, missed_trade_ids, is_separate_stream"
    [(instance, *missed)] = database.rows(f"SELECT {columns} FROM ops.capture_differences")
    assert instance.startswith("two-")
    assert missed == [2, ["t3", "t5"], False]
    database.ran(0.1, window=0.1)
    check_freshness.run(settings)
    [(severity, detail)] = database.rows(
        "SELECT severity, detail FROM ops.alarms WHERE alarm = 'capture_differences'"
    )
    assert severity == "warning"
    assert f"{instance} 2, such as t3, t5" in detail
