"""The trading desk inside Airflow's own application, and a server that is told to stop."""

import json
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

from include.dashboard.login import REMEMBERED_SECONDS
from include.settings import PROJECT_ROOT

_DESK = "/trading-desk/openapi.json"
"""Needs a login and no warehouse."""


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


@contextmanager
def airflow(home: Path, **environment: str) -> Iterator[str]:
    """Airflow's own application with the plugin; its URL."""
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW_API_APPS": "core",
        "WAREHOUSE_URL": "",
        **environment,
    }
    arguments = ["uvicorn", "airflow.api_fastapi.main:app", "--lifespan", "off"]
    with process(arguments, **environment) as (url, _):
        yield url


def test_airflow_serves_it_and_lets_no_stranger_in(tmp_path: Path) -> None:
    with airflow(tmp_path) as url:
        for path in ("", "static/index.html", "openapi.json", "api/v1/desk", "api/v1/events", "nothing"):
            reply = requests.get(f"{url}/trading-desk/{path}", timeout=90)
            assert reply.status_code == 401, path
            assert reply.json() == {"error": "Log in to Airflow to see the trading desk."}
        headers = {"Authorization": "Bearer of.somebody.else"}
        assert requests.get(f"{url}/trading-desk/api/v1/desk", headers=headers, timeout=90).status_code == 401


def test_airflow_is_asked_about_a_token_once_in_five_seconds(tmp_path: Path) -> None:
    names = ("anna", "bert")
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(names, "secret")))
    environment = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:VIEWER" for name in names),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    # all that a login needs of Airflow's database
    code = (
        "from airflow import settings; from airflow.models.revoked_token import RevokedToken; "
        "RevokedToken.__table__.create(settings.engine)"
    )
    own = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=own, check=True, capture_output=True)
    with airflow(tmp_path, **environment) as url:
        anna, bert = (
            requests.post(f"{url}/auth/token", json={"username": name, "password": "secret"}, timeout=90).json()
            for name in names
        )
        both = (
            {"Cookie": f"_token={anna['access_token']}"},  # as a browser
            {"Authorization": f"Bearer {bert['access_token']}"},  # as a program
        )

        def status(path: str, headers: dict[str, str]) -> int:
            return requests.get(url + path, headers=headers, allow_redirects=False, timeout=20).status_code

        for headers in both:  # the first request of all builds the trading desk and is not yet remembered
            assert status(_DESK, headers) == status(_DESK, headers) == 200
        known_since = time.monotonic()
        for headers in both:
            assert status("/api/v2/auth/logout", headers) == 307
            # Airflow itself refuses at once, the trading desk does not ask it
            assert status("/ui/auth/me", headers) in (401, 403)
            known = requests.get(url + _DESK, headers=headers, timeout=20)
            # whoever is checked with a bad cookie is told to forget it
            assert (known.status_code, known.headers.get("set-cookie")) == (200, None)
        time.sleep(max(0, known_since + REMEMBERED_SECONDS - time.monotonic()))
        for headers in both:
            assert status(_DESK, headers) == 401


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
