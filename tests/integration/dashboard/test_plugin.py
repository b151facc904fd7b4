"""The trading desk inside Airflow's own application, and a server that is told to stop."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from include.dashboard.app import NOT_PERMITTED
from include.dashboard.service import STREAM_SECONDS
from include.settings import PROJECT_ROOT

_OPEN = [f"trading-desk/{path}" for path in ("", "static/icon.svg", "openapi.json")]
"""Need no warehouse."""

_NEED_A_WAREHOUSE = [
    f"trading-desk/{path}"
    for path in ("api/v1/page", "api/v1/version", "api/v1/events", "data-docs/index.html")
]


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


ROLES = {"vera": "VIEWER", "ulf": "USER", "olga": "OP", "adam": "ADMIN", "nora": ""}
"""Users by their role; the last one has none."""


def prepare(home: Path) -> str:
    """Makes all that a login needs of Airflow's database; returns a token of vera that has expired."""
    code = (
        "from airflow import settings; from airflow.models.revoked_token import RevokedToken;"
        "from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager as Manager;"
        "from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser as User;"
        "RevokedToken.__table__.create(settings.engine);"
        "vera = User(username='vera', role='VIEWER');"
        "print(Manager().generate_jwt(vera, expiration_time_in_seconds=-60))"
    )
    own = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64}
    done = subprocess.run([sys.executable, "-c", code], env=own, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def as_admin(token: str) -> str:
    """The token with another role in it, which it was not signed with."""
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"role": "ADMIN"}).encode()).decode().rstrip("=")
    return f"{head}.{forged}.{signature}"


@pytest.mark.timeout(300)
def test_who_may_read_dags_sees_the_desk_and_nobody_else(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(ROLES, "secret")))
    environment = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    expired = prepare(tmp_path)
    with airflow(tmp_path, **environment) as url:

        def reply(path: str, token: str, as_browser: bool) -> requests.Response:
            headers = {"Cookie": f"_token={token}"} if as_browser else {"Authorization": f"Bearer {token}"}
            return requests.get(f"{url}/{path}", headers=headers, allow_redirects=False, timeout=90)

        tokens = {
            name: requests.post(f"{url}/auth/token", json={"username": name, "password": "secret"}, timeout=90)
            for name in ROLES
        }
        for name, role in ROLES.items():
            token = tokens[name].json()["access_token"]
            for as_browser in (True, False):
                # what needs no warehouse; dag_id must not choose what the right is asked about
                for path in (*_OPEN, "trading-desk/openapi.json?dag_id=x"):
                    answer = reply(path, token, as_browser)
                    assert answer.status_code == (200 if role else 403), (name, path)
                    assert role or answer.json() == {"error": NOT_PERMITTED}
                for path in _NEED_A_WAREHOUSE:
                    assert reply(path, token, as_browser).status_code == (503 if role else 403), (name, path)
                if not role:  # as Airflow itself refuses its DAGs
                    assert reply("api/v2/dags", token, as_browser).status_code == 403
        forged = as_admin(tokens["nora"].json()["access_token"])
        for token in (expired, forged, "nonsense", ""):
            for as_browser in (True, False):
                for path in (*_OPEN, *_NEED_A_WAREHOUSE):
                    assert reply(path, token, as_browser).status_code == 401, (token, path)
        token = tokens["vera"].json()["access_token"]
        assert reply("api/v2/auth/logout", token, as_browser=True).status_code == 307
        for as_browser in (True, False):
            assert reply("trading-desk/openapi.json", token, as_browser).status_code == 401


def test_other_processes_of_airflow_do_not_build_it() -> None:
    code = "import plugins.trading_desk, sys; sys.exit('include.dashboard.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0


def test_who_listens_does_not_keep_the_server_from_stopping(warehouse_url: str) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.bench.processes.desk"],
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
            for _ in lines:
                pass  # until the stream ends
            server.wait(timeout=STREAM_SECONDS + 20)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
