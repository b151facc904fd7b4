"""The simulator as a process: it says where it listens, ends on a signal, and explains what is wrong."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

COMMAND = [sys.executable, "-m", "include.simulator", "--exchange-port", "0", "--market-data-port", "0"]
WAIT_S = 20


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            exchange, provider = (re.search(r"listening on (\S+)$", line.strip()) for line in lines)
            assert exchange is not None
            assert provider is not None
            yield process, exchange[1], provider[1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_both_and_ends_on_a_signal(number: signal.Signals) -> None:
    with running("--rate-per-second", "200") as (process, exchange, provider):
        with connect(exchange) as client:
            assert "confirmation" in str(client.recv(timeout=WAIT_S))
            reply = requests.get(
                f"{provider}/reference-price",
                params={"delivery_day": "2024-06-01", "delivery_hour": "08-09"},
                timeout=WAIT_S,
            )
            assert reply.status_code == 200
            process.send_signal(number)
            assert process.wait(WAIT_S) == 0
            for _ in client:
                pass  # what was sent before the end
            assert client.close_code == 1001
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("options", "is_plain"), [((), False), (("--plain",), True)])
def test_it_sends_the_mix_of_the_demo_unless_it_is_to_be_plain(
    options: tuple[str, ...], is_plain: bool
) -> None:
    with running("--rate-per-second", "500", *options) as (_, exchange, _), connect(exchange) as client:
        messages = [str(client.recv(timeout=WAIT_S)) for _ in range(500)]
    assert all("confirmation" in message for message in messages) is is_plain


def test_faults_are_switched_on_from_the_command_line() -> None:
    with (
        running("--rate-per-second", "0", "--fault", "dying_hour", "--fault", "dying_after_seconds=0.05") as (
            _,
            exchange,
            _,
        ),
        connect(exchange) as client,
        pytest.raises(ConnectionClosed) as closed,
    ):
        client.recv(timeout=WAIT_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011


def test_killed_and_started_again_it_completes_the_end_of_day_file(tmp_path: Path) -> None:
    options = ("--rate-per-second", "200", "--plain", "--statement-folder", str(tmp_path))
    received: set[str] = set()
    for _ in range(2):
        with running(*options) as (process, exchange, _), connect(exchange) as client:
            for _ in range(50):
                received.update(body["id"] for body in json.loads(client.recv(timeout=WAIT_S)).values())
            process.kill()
    with running("--rate-per-second", "0", *options[2:], "--statement-fault", "semicolons") as (_, exchange, _):
        url = f"{exchange.replace('ws:', 'http:')}/statement"
        path = Path(requests.get(url, timeout=WAIT_S).text.strip())
    assert path.parent == tmp_path
    written = [line.split(";")[0] for line in path.read_text().splitlines()]
    assert received <= set(written)
    assert len(written) == len(set(written))


def test_its_market_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_TIMEZONE", "UTC")
    monkeypatch.setenv("REFERENCE_PRICE_PER_MINUTE", "1")
    lost_in_berlin = {"delivery_day": "2026-03-29", "delivery_hour": "02-03"}
    with running("--rate-per-second", "0") as (_, _, provider):
        statuses = [
            requests.get(f"{provider}/reference-price", params=lost_in_berlin, timeout=WAIT_S).status_code
            for _ in range(2)
        ]
    assert statuses == [200, 429]


def test_a_port_in_use_is_one_line_and_exit_code_2() -> None:
    with running() as (_, exchange, provider):
        for option, url in (("--exchange-port", exchange), ("--market-data-port", provider)):
            port = url.rpartition(":")[2]
            second = subprocess.run([*COMMAND, option, port], capture_output=True, text=True, timeout=WAIT_S)
            assert second.returncode == 2
            assert second.stderr == f"cannot listen on 127.0.0.1:{port} ({option}): Address already in use\n"


@pytest.mark.parametrize(
    "options",
    [
        ("--fault", "nonsense"),
        ("--statement-fault", "nonsense"),
        ("--statement-folder", "/proc/none"),
        ("--market", "FI"),
        ("--rate-per-second", "-1"),
        ("--rate-per-second", "nan"),
        ("--exchange-port", "70000"),
    ],
)
def test_a_wrong_option_is_named(options: tuple[str, str]) -> None:
    wrong = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=WAIT_S)
    assert wrong.returncode == 2
    assert options[1] in wrong.stderr
    assert "Traceback" not in wrong.stderr
