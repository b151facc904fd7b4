"""Airflow's own API servers with the trading desk as a plugin, and traders logged in as by a browser."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from include.errors import TransientError
from include.local import airflow, ports
from include.local.files import Secrets
from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT, Settings
from tools.bench.measures import WrongResultError

PREFIX = "/trading-desk"
"""Where the plugin is served; it cannot be imported without all of Airflow."""

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0


class ApiServers:
    """Starts API servers as `make run` does; they share Airflow's database, users and keys.

    Args:
        server: Gets a database for Airflow.
        warehouse_url: What the trading desk shows.
        traders: Number of users.
    """

    def __init__(self, server: EmbeddedPostgres, warehouse_url: str, folder: Path, traders: int) -> None:
        server.create_role("airflow")
        server.create_database("airflow", "airflow")
        self._folder = folder
        self._settings = replace(Settings.from_environment({}), warehouse_url=warehouse_url)
        self._secrets = Secrets(folder / "airflow-secrets.json", size=48)
        self._metadata_url = server.url("airflow", "airflow")
        self._passwords = {f"trader_{number}": f"secret-{number}" for number in range(1, traders + 1)}
        command = airflow.command("db", "migrate")
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, env=self._environment(0), capture_output=True, text=True
        )
        if done.returncode != 0:
            raise WrongResultError(f"Airflow's database cannot be made: {done.stderr[-2000:]}")

    @contextmanager
    def running(self) -> Iterator[int]:
        """A server that answers; its port."""
        port = ports.find_free()
        log_file = self._folder / f"api-server-{port}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                airflow.command("api-server"),
                cwd=PROJECT_ROOT,
                env=self._environment(port),
                stdout=log,
                stderr=log,
            )
        try:
            api = airflow.Api(f"http://{ports.HOST}:{port}", "")
            deadline = time.monotonic() + _START_SECONDS
            while not _answers(api):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise WrongResultError(f"Airflow does not start: {log_file.read_text()[-2000:]}")
                time.sleep(0.5)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cookies(self, port: int) -> list[str]:
        """The header of each trader's browser after logging in at this server; good at all of them."""
        headers = []
        with requests.Session() as session:
            session.trust_env = False
            for username, password in self._passwords.items():
                login = {"username": username, "password": password}
                reply = session.post(f"http://{ports.HOST}:{port}/auth/token", json=login, timeout=60)
                reply.raise_for_status()
                headers.append(f"Cookie: _token={reply.json()['access_token']}")
        return headers

    def _environment(self, port: int) -> Mapping[str, str]:
        settings = replace(self._settings, airflow_port=port)
        home = self._folder / "airflow"
        made = airflow.environment(
            airflow.common_environment(os.environ, settings),
            *([settings], home, self._metadata_url, self._secrets),
        )
        passwords = home / "traders.json"
        passwords.write_text(json.dumps(self._passwords))
        return {
            **made,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:VIEWER" for name in self._passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        }


def _answers(api: airflow.Api) -> bool:
    try:
        api.health()
    except TransientError:
        return False
    return True
