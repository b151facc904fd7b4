"""The trading desk inside Airflow's own application, and a server that is told to stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from include.settings import PROJECT_ROOT


@contextmanager
def process(arguments: list[str], **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server that gets its listening socket; URL and process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = subprocess.Popen(
            [sys.executable, "-m", *arguments, "--fd", str(listener.fileno())],
            cwd=PROJECT_ROOT,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)} | environment,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.kill()
        server.wait()


def test_airflow_serves_it_and_lets_no_stranger_in(tmp_path: Path) -> None:
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW_API_APPS": "core",
        "WAREHOUSE_URL": "",
    }
    arguments = ["uvicorn", "airflow.api_fastapi.main:app", "--lifespan", "off"]
    with process(arguments, **environment) as (url, _):
        for path in ("", "static/index.html", "openapi.json", "api/v1/desk", "api/v1/events", "nothing"):
            reply = requests.get(f"{url}/trading-desk/{path}", timeout=90)
            assert reply.status_code == 401, path
            assert reply.json() == {"error": "Log in to Airflow to see the trading desk."}
        headers = {"Authorization": "Bearer of.somebody.else"}
        assert requests.get(f"{url}/trading-desk/api/v1/desk", headers=headers, timeout=90).status_code == 401


def test_other_processes_of_airflow_do_not_build_it() -> None:
    code = "import plugins.trading_desk, sys; sys.exit('include.dashboard.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0


def test_who_listens_does_not_keep_the_server_from_stopping(warehouse_url: str) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.processes.desk"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_URL": warehouse_url},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/api/v1/events"
        with requests.get(url, stream=True, timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith(b"retry")
            server.send_signal(signal.SIGINT)
            began = time.monotonic()
            for _ in lines:
                pass  # what it had begun to say
            server.wait(timeout=10)
            assert time.monotonic() - began < 5
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
