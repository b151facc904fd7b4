"""A wall clock that is stepped: files, their times, and what the warehouse makes of the journal."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from include.jobs import load_trades
from include.landing import TRADES, list_files
from include.load.loader import reload_files
from include.load.source import load_each
from include.load.trades import TradeSink
from include.settings import Settings
from include.simulator.exchange import Exchange
from include.warehouse.connection import connect
from tests.factories import Database
from tests.integration.capture.conftest import Capture, Landed, StartCapture, TestClock
from tests.waiting import eventually

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Stepped:
    """A capture whose clock is stepped while it runs."""

    def __init__(self, start_capture: StartCapture, exchange: Exchange, landed: Landed) -> None:
        self.clock = TestClock()
        self._exchange = exchange
        self._landed = landed
        self.capture: Capture = start_capture(
            exchange.url, clock=self.clock.wall, monotonic=self.clock.monotonic
        )
        exchange.wait_for_connections()
        self.live()

    def live(self) -> None:
        """Waits until the connection has proved to be alive under the present clock."""
        since = self.clock.wall()
        eventually(lambda: sum(is_proof_after(line, since) for line in self._landed.events("heartbeat")) >= 2)

    def step(self, by: timedelta) -> None:
        self.clock.step(by)
        eventually(lambda: any(abs(line["seconds"] - by.total_seconds()) < 1 for line in self.steps()))

    def steps(self) -> list[dict[str, object]]:
        return self._landed.events("clock_stepped")


def is_proof_after(line: dict[str, object], since: datetime) -> bool:
    at = datetime.fromisoformat(str(line["received_at"]))
    return bool(line["connected"]) and since < at < since + HOUR / 2


@pytest.fixture
def stepped(start_capture: StartCapture, exchange: Exchange, landed: Landed) -> Stepped:
    return Stepped(start_capture, exchange, landed)


Load = Callable[[], None]


@pytest.fixture(
    params=["loaded again and again", "loaded at the end", "loaded from the last file to the first", "reloaded"]
)
def order(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def load_now_and_then(order: str, settings: Settings) -> Load:
    return (lambda: load_trades.run(settings)) if "again" in order else (lambda: None)  # type: ignore[return-value]


@pytest.fixture
def gaps(database: Database, settings: Settings, order: str) -> Callable[[], list[float]]:
    """Loads what is landed; the gaps between the first and the last connection, s."""

    def load() -> list[float]:
        if "to the first" in order:
            with connect(settings.warehouse_url, "test") as conn:
                files = reversed(list_files(settings.landing_root, TRADES))
                assert not any(failed for *_, failed in load_each(conn, files, TradeSink(settings.market)))
        load_trades.run(settings)
        if "reloaded" in order:  # each file by itself, and again
            with connect(settings.warehouse_url, "test") as conn:
                for file in list_files(settings.landing_root, TRADES) * 2:
                    reload_files(conn, [file], TradeSink(settings.market))
        rows = database.rows(
            "SELECT gap_seconds FROM ops.capture_gaps WHERE NOT is_ongoing ORDER BY gap_start_at"
        )
        return [float(seconds) for (seconds,) in rows]

    return load


def assert_files_are_in_order(landed: Landed) -> None:
    for file, lines in zip(list_files(landed.root, TRADES), landed.files(), strict=True):
        times = [str(line["received_at"]) for line in lines]
        assert times == sorted(times)
        assert timedelta() <= datetime.fromisoformat(times[0]) - file.hour_start_at < HOUR


@pytest.mark.parametrize("by", [-3 * HOUR, -5 * SECOND, 5 * SECOND, 3 * HOUR])
def test_a_step_that_the_connection_outlives_is_no_gap(
    stepped: Stepped, landed: Landed, load_now_and_then: Load, gaps: Callable[[], list[float]],
    database: Database, by: timedelta,
) -> None:  # fmt: skip
    load_now_and_then()
    stepped.step(by)
    load_now_and_then()
    stepped.live()
    stepped.capture.stop()

    [event] = stepped.steps()
    assert event["seconds"] == pytest.approx(by.total_seconds(), abs=1)
    assert_files_are_in_order(landed)
    assert gaps() == []
    assert database.value("SELECT max(connected_until) FROM ops.connected_intervals") <= stepped.clock.wall()


def test_a_clock_stepped_forward_and_back_leaves_no_trace_in_the_future(
    stepped: Stepped, landed: Landed, load_now_and_then: Load, gaps: Callable[[], list[float]],
    database: Database, exchange: Exchange,
) -> None:  # fmt: skip
    stepped.step(3 * HOUR)
    stepped.live()
    load_now_and_then()
    stepped.step(-3 * HOUR)
    stepped.live()
    load_now_and_then()
    exchange.send("after")
    eventually(landed.payloads)
    stepped.capture.stop()

    assert_files_are_in_order(landed)
    [after] = [line for line in landed.lines() if "raw" in line]
    assert abs(stepped.clock.wall() - datetime.fromisoformat(str(after["received_at"]))) < HOUR / 2
    assert gaps() == []
    assert database.value("SELECT max(connected_until) FROM ops.connected_intervals") <= stepped.clock.wall()


def test_a_gap_while_the_clock_was_wrong_is_not_hidden(
    stepped: Stepped, landed: Landed, load_now_and_then: Load, gaps: Callable[[], list[float]],
    exchange: Exchange,
) -> None:  # fmt: skip
    stepped.step(3 * HOUR)
    stepped.live()
    load_now_and_then()
    exchange.disconnect()
    eventually(lambda: len(landed.events("connected")) == 2)
    stepped.live()
    load_now_and_then()
    stepped.step(-3 * HOUR)
    stepped.live()
    stepped.capture.stop()

    [left] = [line for line in landed.events("disconnected") if "stopped" not in line["reason"]]
    [back_at] = [line["received_at"] for line in landed.events("connected") if line["connection"] == 2]
    # from the last proof of life, if a ping was under way when the exchange cut the connection off
    shortest, longest = (
        (datetime.fromisoformat(back_at) - datetime.fromisoformat(left[name])).total_seconds()
        for name in ("received_at", "alive_until")
    )
    [gap] = gaps()
    assert shortest - 1e-5 < gap < longest + 1e-5


def test_hours_of_a_wrong_clock_claim_nothing_when_it_is_set_back(
    stepped: Stepped, load_now_and_then: Load, gaps: Callable[[], list[float]], database: Database
) -> None:
    stepped.step(5 * HOUR)
    stepped.live()
    load_now_and_then()
    stepped.clock.pass_by(HOUR)  # another file of the wrong clock, and a silence that proves nothing
    stepped.live()
    stepped.step(-5 * HOUR)
    stepped.live()
    stepped.capture.stop()

    assert gaps() == [pytest.approx(HOUR.total_seconds(), abs=10)]
    assert database.value("SELECT max(connected_until) FROM ops.connected_intervals") <= stepped.clock.wall()


def test_a_connection_that_ends_with_the_step_proves_nothing(
    stepped: Stepped, landed: Landed, gaps: Callable[[], list[float]], exchange: Exchange
) -> None:
    exchange.faults.silence = True  # as if the machine had slept, and the exchange had gone meanwhile
    eventually(lambda: exchange.is_silent)
    time.sleep(0.5)  # the last pong has arrived
    stepped.step(3 * HOUR)
    eventually(lambda: landed.events("disconnected"))
    exchange.faults.silence = False
    eventually(lambda: landed.events("connected")[-1]["connection"] > 1)
    stepped.live()
    stepped.capture.stop()

    assert max(gaps()) > 3 * HOUR.total_seconds() - 10


@pytest.mark.parametrize("seconds", ["-1e300", "1e300", "0", "null"])
def test_no_step_stops_a_load(settings: Settings, landed: Landed, database: Database, seconds: str) -> None:
    folder = landed.root / TRADES / "date=2026-03-02" / "hour=10"
    folder.mkdir(parents=True)
    at = '"received_at": "2026-03-02T10:15:00.000000+00:00"'
    step = f'"event": "clock_stepped", "seconds": {seconds}, "files": ["x"]'
    (folder / "a.jsonl").write_text(f'{{{at}, "event": "connected"}}\n{{{at}, {step}}}\n')
    load_trades.run(settings)

    assert database.value("SELECT count(*) FROM ops.connected_intervals") == 1
