"""`python -m include.local run` and what it says when something has to be put right first."""

import fcntl
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from include.local import leftovers, ports
from include.local.postgres import EmbeddedPostgres
from tests.waiting import run_module


def run(state: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command with an environment of its own, so that no `.env` and no shell of the developer decides."""
    free = [f"--{name}-port={ports.find_free()}" for name in ("exchange", "market-data")]
    own = {"AIRFLOW_PORT": str(ports.find_free())} | environment
    return run_module("include.local", "run", "--state", str(state), *free, **own)


def test_a_port_in_use_is_one_line_that_says_what_to_do_and_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        done = run(tmp_path, AIRFLOW_PORT=str(port))
    assert done.returncode == 2
    assert done.stderr == f"make run: port {port} is in use: stop what uses it or set AIRFLOW_PORT\n"
    assert leftovers.find(tmp_path) == []


def test_a_port_of_the_simulator_in_use_is_told_with_the_option_for_another(tmp_path: Path) -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        options = ("--state", str(tmp_path), f"--exchange-port={port}")
        done = run_module("include.local", "run", *options, AIRFLOW_PORT=str(ports.find_free()))
    assert done.returncode == 2
    assert done.stderr == (
        f"make run: port {port} is in use: stop what uses it or set another one:"
        " make run OPTIONS=--exchange-port=…, or exchange_url in MARKETS_FILE\n"
    )


def test_a_bad_setting_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, EXCHANGE_URL="http://exchange.example")
    assert done.returncode == 2
    assert done.stderr == "make run: EXCHANGE_URL must be a URL that starts with ws:// or wss://\n"


def test_a_second_run_beside_a_living_one_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "run.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"make run: it is running already (its state is in {tmp_path})\n"


def test_what_a_killed_run_left_is_ended_even_if_the_new_one_then_stops_at_a_port(tmp_path: Path) -> None:
    marked = leftovers.marked(os.environ, tmp_path)
    (tmp_path / "logs").mkdir()
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False, environment=marked)
    postgres.start()
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], env=marked)
    assert postgres.process is not None
    for process in (orphan, postgres.process):  # init would notice an orphan's end; here it is up to us
        threading.Thread(target=process.wait).start()
    assert len(leftovers.find(tmp_path)) >= 2
    with socket.create_server((ports.HOST, 0)) as server:
        done = run(tmp_path, AIRFLOW_PORT=str(server.getsockname()[1]))
    assert "ending what an earlier run left behind" in done.stdout
    assert orphan.wait(10) < 0
    assert postgres.process.wait(10) == 0
    assert leftovers.find(tmp_path) == []
