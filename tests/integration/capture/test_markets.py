"""One service, several markets: a process each, and none depends on another."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from include.landing import TRADES, list_files
from include.settings import PROJECT_ROOT
from include.simulator.exchange import Exchange
from include.simulator.market import SimulatedMarket
from tests.messages import read_lines
from tests.waiting import eventually

TABLE = """
[[markets]]
market = "{market}"
timezone = "{zone}"
exchange_url = "{url}"
market_data_url = "http://127.0.0.1:9"
"""


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    running = Exchange(SimulatedMarket(), rate_per_second=20.0, port=0)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def service(exchange: Exchange, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Captures Germany, and Finland, whose exchange is down."""
    file = tmp_path / "markets.toml"
    german = TABLE.format(market="DE", zone="Europe/Berlin", url=exchange.url)
    file.write_text(german + TABLE.format(market="FI", zone="Europe/Helsinki", url="ws://127.0.0.1:9"))
    environment = os.environ | {
        "MARKETS_FILE": str(file),
        "LANDING_ROOT": str(tmp_path / "landing"),
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    process = subprocess.Popen([sys.executable, "-m", "include.capture"], env=environment, cwd=PROJECT_ROOT)
    yield process
    if process.poll() is None:
        process.terminate()
    process.wait(20)


def messages(landing: Path, market: str = "") -> int:
    return sum("raw" in line for f in list_files(landing, TRADES, market=market) for line in read_lines(f.path))


def children(process: "subprocess.Popen[bytes]") -> dict[str, psutil.Process]:
    found = {}
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.Error, ValueError):  # it has just ended, or just begun
            line = child.cmdline()
            found[line[line.index("--market") + 1]] = child
    return found


def test_an_exchange_that_is_down_or_a_dead_child_stops_no_other(
    service: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    eventually(lambda: messages(landing) > 0)
    eventually(lambda: list_files(landing, TRADES, market="FI"))
    assert messages(landing, "FI") == 0
    assert (landing / "first_market").read_text() == "DE\n"

    before = children(service)
    assert set(before) == {"DE", "FI"}
    before["FI"].kill()
    known = messages(landing)
    eventually(lambda: messages(landing) > known)
    eventually(lambda: set(children(service)) == {"DE", "FI"})
    after = children(service)
    assert after["DE"].pid == before["DE"].pid
    assert after["FI"].pid != before["FI"].pid

    eventually(lambda: len(list_files(landing, TRADES, market="FI")) == 2)
    service.send_signal(signal.SIGTERM)
    assert service.wait(20) == 0
    for market in ("", "FI"):
        last = list(read_lines(list_files(landing, TRADES, market=market)[-1].path))[-1]
        assert last["event"] == "closed"


def test_children_end_with_a_parent_that_was_killed(service: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    eventually(lambda: messages(tmp_path / "landing") > 0)
    left = list(children(service).values())
    service.kill()
    service.wait()
    _, alive = psutil.wait_procs(left, timeout=20)
    assert not alive


def test_a_child_whose_parent_ended_before_it_began_captures_nothing(tmp_path: Path) -> None:
    somebody_else = str(os.getppid())
    command = [sys.executable, "-m", "include.capture", "--with-parent", somebody_else]
    options = ["--landing-root", str(tmp_path), "--exchange-url", "ws://127.0.0.1:9"]
    assert subprocess.run([*command, *options], cwd=PROJECT_ROOT, timeout=60, check=False).returncode == 0
