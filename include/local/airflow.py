"""Airflow on this machine: its environment, its processes' commands, its REST API."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from include.containers.component import COMMANDS
from include.errors import TransientError
from include.local.files import Secrets, private_folder, write_private
from include.local.ports import HOST
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.connection import sqlalchemy_url

ADMIN = "admin"
DAGS = PROJECT_ROOT / "dags"

COMPONENTS = {name: arguments for name, arguments in COMMANDS.items() if name != "worker"}
"""Airflow's long-running processes on one machine: the arguments of the command `airflow`."""


def command(*arguments: str) -> list[str]:
    """The command line of an Airflow command in this environment."""
    return [sys.executable, "-m", "airflow", *arguments]


def common_environment(environment: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The environment of every child: the settings spelled out, the project importable, bytecode kept.

    Args:
        environment: What the user gave.
        settings: Of the first market. With MARKETS_FILE that file says what is of a market, as it is given.
    """
    of_market = {
        "MARKETS_FILE": "",
        "EXCHANGE_URL": settings.exchange_url,
        "EXCHANGE_HEADERS": json.dumps(dict(settings.exchange_headers)) if settings.exchange_headers else "",
        "EXCHANGE_SUBSCRIBE": settings.exchange_subscribe,
        "MAX_SILENCE_SECONDS": str(settings.max_silence_seconds),
        "MARKET_DATA_URL": settings.market_data_url,
        "STATEMENT_FOLDER": str(settings.statement_folder or ""),
        "MARKET_TIMEZONE": settings.market.timezone.key,
        "REFERENCE_PRICE_PER_MINUTE": str(settings.reference_price_per_minute),
        "REFERENCE_PRICE_PER_HOUR": str(settings.reference_price_per_hour),
        "TRADE_MAX_QUANTITY_MW": str(settings.trade_max_quantity_mw),
        "TRADE_MAX_DEVIATION_EUR_PER_MWH": str(settings.trade_max_deviation_eur_per_mwh),
    }
    if file := environment.get("MARKETS_FILE", "").strip():
        of_market = {"MARKETS_FILE": str(Path(file).resolve())}
    ours = of_market | {
        "WAREHOUSE_URL": settings.warehouse_url,
        "LANDING_ROOT": str(settings.landing_root),
        "DATA_DOCS_ROOT": str(settings.data_docs_root),
        "REPORT_ROOT": str(settings.report_root),
        "AIRFLOW_PORT": str(settings.airflow_port),
        "ALERT_URLS": " ".join(settings.alert_urls),
        "REPORT_URLS": " ".join(settings.report_urls),
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", os.defpath))),
        "GX_ANALYTICS_ENABLED": "false",
        "OPENBLAS_NUM_THREADS": "1",  # nothing here computes matrices; a scheduler with threads must not fork
    }
    for name in ("no_proxy", "NO_PROXY"):  # a proxy of the company must not get what stays on this machine
        ours[name] = ",".join(filter(None, (environment.get(name), HOST, "localhost")))
    # Without compiled modules the first task of each kind takes twice as long.
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"} | ours


def environment(
    common: Mapping[str, str],
    markets: Sequence[Settings],
    home: Path,
    metadata_url: str,
    secrets: Secrets,
) -> dict[str, str]:
    """The environment of Airflow's processes, and its password file in `home`.

    Args:
        common: What `common_environment` made.
        markets: With the URLs that the connections get.
        home: AIRFLOW_HOME.
        metadata_url: `postgresql://…` of Airflow's own database.
        secrets: Keys that survive restarts, at least 64 characters each.
    """
    passwords = private_folder(home) / "passwords.json"
    write_private(passwords, json.dumps({ADMIN: admin_password(secrets)}) + "\n")
    settings = markets[0]
    url = base_url(settings)
    options = {
        "CORE__EXECUTOR": "include.orchestration.executor.PreloadingLocalExecutor",
        # capture_trades and follow_market of each market hold a slot all the time
        "CORE__PARALLELISM": str(6 + 2 * len(markets)),
        "CORE__DAGS_FOLDER": str(DAGS),
        "CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__FERNET_KEY": secrets["fernet"][:43] + "=",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:ADMIN",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "DATABASE__SQL_ALCHEMY_CONN": sqlalchemy_url(metadata_url),
        "DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "include.warehouse.connection.PEER_IS_GONE",
        "API__HOST": HOST,
        "API__PORT": str(settings.airflow_port),
        "API__BASE_URL": url,
        "API__WORKERS": "1",
        "API__SECRET_KEY": secrets["api"],
        "API_AUTH__JWT_SECRET": secrets["jwt"],
        "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # one that changes is processed at once; each time they all are, they cost a second of CPU
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # tasks of a scheduler that was killed belong to nobody until they are looked for: not after 5 minutes
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "WORKERS__EXECUTION_API_TIMEOUT": "30",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    connections = {"AIRFLOW_CONN_WAREHOUSE": settings.warehouse_url}
    for each in markets:
        connections[f"AIRFLOW_CONN_EXCHANGE{each.own_suffix}"] = each.exchange_url
        connections[f"AIRFLOW_CONN_MARKET_DATA{each.own_suffix}"] = each.market_data_url
    prefixed = {f"AIRFLOW__{name}": value for name, value in options.items()}
    # Airflow takes its own variable away from tasks; the task clean_airflow needs the address
    database = {"AIRFLOW_DATABASE_URL": options["DATABASE__SQL_ALCHEMY_CONN"]}
    return {**common, "AIRFLOW_HOME": str(home), **prefixed, **connections, **database}


def admin_password(secrets: Secrets) -> str:
    """Short enough to be typed; 120 random bits."""
    return secrets["admin"][:20]


def base_url(settings: Settings) -> str:
    """Where the UI is."""
    return f"http://{HOST}:{settings.airflow_port}"


@dataclass
class Api:
    """Airflow's REST API.

    Attributes:
        url: The UI's address.
        password: The administrator's.
    """

    url: str
    password: str

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc

    def health(self) -> dict[str, str]:
        """Component to status; a component that is well says `healthy`.

        Raises:
            TransientError: The API does not answer yet.
        """
        answer = self.call("GET", "/api/v2/monitor/health", timeout_seconds=5)
        return {name: str(part.get("status")) for name, part in answer.items() if isinstance(part, dict)}

    def login(self) -> None:
        """Gets the token that the other calls need.

        Raises:
            TransientError: It is not given.
        """
        answer = self.call("POST", "/auth/token", {"username": ADMIN, "password": self.password})
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def dags(self) -> list[str]:
        """The DAGs that were parsed."""
        return [str(dag["dag_id"]) for dag in self.call("GET", "/api/v2/dags?limit=100")["dags"]]

    def import_errors(self) -> list[str]:
        """File and last line of the trace of each DAG file that cannot be imported."""
        found = self.call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {str(error['stack_trace']).strip().splitlines()[-1]}" for error in found]

    def trigger(self, dag_id: str) -> None:
        """Starts a run now."""
        self.call("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", {"logical_date": None})

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, timeout_seconds: float = 15
    ) -> dict[str, Any]:
        """Any other request; returns the answer.

        Raises:
            TransientError: There is none, or it is a refusal.
        """
        try:
            answer = self._session.request(method, self.url + path, json=body, timeout=timeout_seconds)
            answer.raise_for_status()
            result: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise TransientError(f"Airflow's API: {error}") from error
        return result
