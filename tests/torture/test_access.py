"""Every route of the trading desk and of Airflow, and everybody who knocks: in Airflow's own application."""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests

from include.dashboard.app import NOT_PERMITTED
from include.settings import PROJECT_ROOT
from tests.integration.dashboard.test_login import routes
from tests.torture.conftest import Torture

ROLES = {"vera": "VIEWER", "ulf": "USER", "olga": "OP", "adam": "ADMIN", "nora": ""}
"""Users by their role; the last one has none."""
KEY = "x" * 64
LOG_IN = {"error": "Log in to Airflow to see the trading desk."}
DESK = "/trading-desk"
OUT_OF_THE_FOLDER = [
    *(f"static/{path}" for path in ("../app.py", "%2e%2e/app.py", "..%2fapp.py", "..%5capp.py", "/etc/passwd")),
    *(f"static/{path}" for path in ("%2fetc%2fpasswd", "%c0%ae%c0%ae/app.py", "%00", "index.html%00.js")),
    *(f"data-docs/{up}/passwords.json" for up in ("..", "%2e%2e", "..%2f", "....//", "link", "./..")),
    *(f"data-docs/{path}" for path in (".source/x", "%00", "%2e%2e", "..%2fairflow.cfg")),
]
PUBLIC = {
    "GET /api/v2/monitor/health",
    "GET /api/v2/version",
    "GET /api/v2/auth/login",  # the redirect to the login
    "GET /api/v2/auth/logout",
}
"""What Airflow itself tells strangers."""


def as_admin(token: str) -> str:
    """The token with another role in it, which it was not signed with."""
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"role": "ADMIN"}).encode()).decode().rstrip("=")
    return f"{head}.{forged}.{signature}"


def bad_tokens(good: str, of_nobody: str) -> dict[str, str]:
    """Expired and forged ones of a user who may read."""
    algorithm = jwt.get_unverified_header(good)["alg"]
    claims = jwt.decode(good, options={"verify_signature": False})
    now = int(time.time())

    def signed(key: str = KEY, algorithm: str = algorithm, **changes: Any) -> str:
        changed = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(changed, key if algorithm != "none" else None, algorithm=algorithm)

    return {
        "expired": signed(iat=now - 7200, nbf=now - 7200, exp=now - 3600),
        "not yet valid": signed(nbf=now + 3600, iat=now + 3600),
        "without an end": signed(exp=None),
        "of another key": signed(key="y" * 64),
        "of an empty key": signed(key="\0" * 64),
        "unsigned": signed(algorithm="none"),
        "of a task": signed(aud="urn:airflow.apache.org:task"),
        "of another user": signed(sub="mallory", key="y" * 64),
        "with another role": as_admin(of_nobody),
        "without its signature": good.rsplit(".", 1)[0] + ".",
        "cut off": good[:-1],
        "nonsense": "nonsense",
        "empty": "",
    }


class Site:
    """Airflow's application with the desk in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 0)

    def token(self, name: str) -> str:
        login = {"username": name, "password": "secret"}
        return str(requests.post(f"{self.url}/auth/token", json=login, timeout=90).json()["access_token"])

    def ask(
        self, path: str, token: str | None = None, *, as_cookie: bool = False, method: str = "GET"
    ) -> tuple[int, bytes]:
        """Status and the beginning of the body; the path is sent as it is."""
        headers = {}
        if token is not None:
            headers = {"Cookie": f"_token={token}"} if as_cookie else {"Authorization": f"Bearer {token}"}
        connection = http.client.HTTPConnection(self._host, self._port, timeout=90)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            # a stream of events goes on
            return answer.status, answer.read1(2_000)
        finally:
            connection.close()


@contextmanager
def airflow(home: Path, **environment: str) -> Iterator[str]:
    """Airflow's own application with the plugin; its URL."""
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": KEY,
        "PYTHONPATH": str(PROJECT_ROOT),
        **environment,
    }
    command = [sys.executable, "-m", "uvicorn", "airflow.api_fastapi.main:app", "--lifespan", "off", "--fd"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = subprocess.Popen(
            [*command, str(listener.fileno())],
            cwd=PROJECT_ROOT,
            env=os.environ | environment,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    (home / "passwords.json").write_text(json.dumps(dict.fromkeys(ROLES, "secret")))
    docs = home / "docs"
    docs.mkdir()
    (docs / "index.html").write_text("<p>validations</p>")
    (docs / "link").symlink_to(home)
    # all that a login needs of Airflow's database
    code = (
        "from airflow import settings; from airflow.models.revoked_token import RevokedToken;"
        "RevokedToken.__table__.create(settings.engine)"
    )
    own = os.environ | {"AIRFLOW_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], env=own, check=True, capture_output=True)
    return home


@pytest.fixture(scope="module")
def site(home: Path, postgres: str, migrated_template: str) -> Iterator[Site]:
    """With an empty warehouse, of which it only reads."""
    environment = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW_API_APPS": "all",
        "WAREHOUSE_URL": f"{postgres.rsplit('/', 1)[0]}/{migrated_template}",
        "DATA_DOCS_ROOT": str(home / "docs"),
    }
    with airflow(home, **environment) as url:
        yield Site(url)


@pytest.mark.timeout(300)
def test_every_route_and_everybody(site: Site, torture: Torture) -> None:
    desk = [f"{DESK}{path}" for path in (*routes(), "/nowhere", "/api/v1/", "/docs", "/redoc", "/?dag_id=x")]
    tokens = {name: site.token(name) for name in ROLES}
    refused = bad_tokens(tokens["vera"], tokens["nora"])
    asked = 0
    with ThreadPoolExecutor(4) as pool:
        for path in desk:
            jobs = [(None, None, False, path)]
            for as_cookie in (False, True):
                jobs += [(name, token, as_cookie, path) for name, token in (tokens | refused).items()]
            answers = pool.map(lambda job: site.ask(job[3], job[1], as_cookie=job[2]), jobs)
            for (name, _, as_cookie, _), (status, body) in zip(jobs, answers, strict=True):
                asked += 1
                where = (path, name, as_cookie, status, body)
                if ROLES.get(str(name)):
                    assert status in (200, 400, 404), where
                elif name in ROLES:
                    assert (status, json.loads(body)) == (403, {"error": NOT_PERMITTED}), where
                else:
                    assert (status, json.loads(body)) == (401, LOG_IN), where
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"):
            for path in desk:
                assert site.ask(path, method=method)[0] in (401, 405), (method, path)
                assert site.ask(path, tokens["adam"], method=method)[0] == 405, (method, path)
                asked += 2
    reply = requests.get(
        f"{site.url}/api/v2/auth/logout", cookies={"_token": tokens["vera"]}, timeout=90, allow_redirects=False
    )
    assert reply.status_code == 307
    for path in desk:
        for as_cookie in (False, True):
            assert site.ask(path, tokens["vera"], as_cookie=as_cookie)[0] == 401, path
            asked += 1
    torture.report(
        "nobody without a login and the right to read DAGs is told anything by the trading desk",
        f"{len(desk)} routes, as the application has them: a stranger, {len(ROLES)} users, {len(refused)}"
        f" expired and forged tokens and one of who logged out, as header and as cookie: {asked:,} requests",
        "nothing but 401 and 403; writing methods: 405",
    )


def test_no_file_beside_those_of_the_page(site: Site, torture: Torture) -> None:
    admin = site.token("adam")
    for path in OUT_OF_THE_FOLDER:
        assert site.ask(f"{DESK}/{path}")[0] == 401, path
        status, body = site.ask(f"{DESK}/{path}", admin)
        assert status in (400, 404), (path, body)
        assert b"secret" not in body
    torture.report("only files of the page and data docs are served", f"{len(OUT_OF_THE_FOLDER)} paths", "none")


def test_no_route_of_airflow_is_open_to_strangers(site: Site, torture: Torture) -> None:
    """As it is configured here; a new version of Airflow with a public route is seen."""
    description = requests.get(f"{site.url}/openapi.json", timeout=90).json()
    asked = [
        (method.upper(), path)
        for path, methods in description["paths"].items()
        for method in methods
        if path.startswith(("/api/v2", "/ui", "/execution"))
    ]
    assert len(asked) > 100
    nobody = site.token("nora")
    for method, path in asked:
        concrete = path.replace("{", "").replace("}", "")
        if f"{method} {path}" not in PUBLIC:
            assert site.ask(concrete, method=method)[0] in (401, 403), (method, path)
            assert site.ask(concrete, as_admin(nobody), method=method)[0] in (401, 403), (method, path)
    torture.report(
        "no stranger is told anything by Airflow's API",
        f"{len(asked)} operations of its own description, without and with a forged token",
        f"401 or 403, but for {len(PUBLIC)} that are public",
    )
