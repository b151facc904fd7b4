"""The capture as a process: SIGTERM ends it properly, a full disk is waited for."""

import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.landing import TRADES, list_files
from include.simulator.exchange import Exchange
from tests.integration.capture.conftest import Landed
from tests.waiting import eventually

StartProcess = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_process(landed: Landed, tmp_path: Path) -> Iterator[StartProcess]:
    """Starts `python -m include.capture`; what a test leaves running is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "include.capture", "--landing-root", str(landed.root), *arguments]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def flood(exchange: Exchange, until: threading.Event) -> threading.Thread:
    """Sends ascending numbers as fast as they are read."""

    def send() -> None:
        first = 0
        while not until.is_set():
            exchange.send_all(f"{number}" for number in range(first, first + 1000))
            first += 1000

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.fixture
def flooding(exchange: Exchange) -> Iterator[Callable[[], None]]:
    """Starts a flood that ends with the test."""
    until = threading.Event()
    threads: list[threading.Thread] = []
    yield lambda: threads.append(flood(exchange, until))
    until.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_under_load_ends_it_cleanly(
    exchange: Exchange,
    start_process: StartProcess,
    landed: Landed,
    flooding: Callable[[], None],
    number: signal.Signals,
) -> None:
    process = start_process("--exchange-url", exchange.url, "--name", "line-a")
    exchange.wait_for_connections()
    flooding()
    eventually(lambda: len(landed.payloads()) > 1000)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    [file] = list_files(landed.root, TRADES)
    assert file.path.name.startswith("line-a-")
    assert file.path.read_bytes().endswith(b"\n")
    lines = landed.lines()
    assert [line["event"] for line in lines[-2:]] == ["disconnected", "closed"]
    assert lines[-1]["connected"] is False
    payloads = landed.payloads()
    assert payloads == [b"%d" % n for n in range(int(payloads[0]), int(payloads[0]) + len(payloads))]


def test_a_disk_without_room_is_waited_for(
    exchange: Exchange, start_process: StartProcess, landed: Landed
) -> None:
    process = start_process("--exchange-url", exchange.url)
    exchange.wait_for_connections()
    exchange.send("before")
    eventually(landed.payloads)
    [file] = list_files(landed.root, TRADES)
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file.path.stat().st_size + 1000, hard))
    messages = [f"{number}" for number in range(100)]
    exchange.send_all(messages)
    assert process.stderr is not None
    eventually(lambda: "cannot write" in process.stderr.readline())
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lambda: landed.events("write_failed"))
    process.terminate()

    assert process.wait(timeout=20) == 0
    assert landed.payloads() == [b"before", *(message.encode() for message in messages)]


def test_a_stop_does_not_wait_for_a_handshake(start_process: StartProcess, landed: Landed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        process = start_process("--exchange-url", f"ws://127.0.0.1:{mute.getsockname()[1]}")
        with mute.accept()[0]:
            process.terminate()
            assert process.wait(timeout=8) == 0
    assert landed.lines()[-1]["event"] == "closed"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--exchange-url", "http://127.0.0.1:1"], "EXCHANGE_URL"),
        (["--name", "../x"], "--name"),
        (["--speed", "9"], "--speed"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(
    start_process: StartProcess, landed: Landed, arguments: list[str], complaint: str
) -> None:
    process = start_process(*arguments)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert complaint in errors.splitlines()[-1]
    assert landed.files() == []
