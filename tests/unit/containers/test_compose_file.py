"""docker-compose.yaml and Dockerfile hold what is promised of every service, and agree with `make run`."""

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.containers import component, health
from include.containers.env_file import SECRETS
from include.health.__main__ import DEFAULT_PORT
from include.health.collector import FILES_TIMEOUT_SECONDS, TIMEOUT_SECONDS
from include.local import airflow, postgres
from include.local.files import Secrets
from include.local.run import _TRADES_PER_SECOND
from include.settings import PROJECT_ROOT, Settings

TEXT = (PROJECT_ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?:(:[-?+])([^}]*))?\}")

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = [name for name in SERVICES if name not in ("postgres", "redis")]
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer", "worker", "migrate"]
ONE_SHOT = "migrate"


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stage puts into every container."""
    last_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    lines = [line for line in last_stage.splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line[4:]))


def environment(service: str) -> dict[str, str]:
    """A service's whole environment with every default filled in and each secret as `<NAME>`."""

    def fill(match: re.Match[str]) -> str:
        if match[2] == ":+":  # nothing is set
            return ""
        return match[3] if match[2] == ":-" else f"<{match[1]}>"

    found = SERVICES[service].get("environment", {})
    return image_environment() | {name: VARIABLE.sub(fill, str(value)) for name, value in found.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_limit_a_log_that_ends_and_a_restart_policy(service: str) -> None:
    found = SERVICES[service]
    assert re.fullmatch(r"(\$\{[A-Z_]+:-)?\d+[mg]\}?", found["mem_limit"])
    assert found["logging"]["driver"] == "json-file"
    assert set(found["logging"]["options"]) == {"max-size", "max-file"}
    policy = {"capture": "always", "metrics": "always", ONE_SHOT: "no"}.get(service, "unless-stopped")
    assert found["restart"] == policy


@pytest.mark.parametrize("service", [name for name in SERVICES if name != ONE_SHOT])
def test_every_lasting_service_has_a_check_of_itself(service: str) -> None:
    check = SERVICES[service]["healthcheck"]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(check)
    if service in OURS:
        assert check["test"] == ["CMD", "python", "-m", "include.containers.health", service]
        assert service in health.CHECKS


def test_the_one_shot_ends_and_is_waited_for_by_all_of_airflow() -> None:
    assert SERVICES[ONE_SHOT]["healthcheck"] == {"disable": True}
    for service in set(AIRFLOW) - {ONE_SHOT}:
        assert SERVICES[service]["depends_on"][ONE_SHOT] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_runs_as_root_or_can_become_it(service: str) -> None:
    found = SERVICES[service]
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    if service in OURS:
        assert "user" not in found  # the image's own
        assert re.search(r"^USER desk$", DOCKERFILE, re.MULTILINE)
        assert found["init"] is True
    else:
        assert found["user"] == service


def test_ports_are_published_on_the_loopback_interface_unless_told_otherwise() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert set(published) == {"api-server", "metrics", "postgres"}
    for ports in published.values():
        assert all(re.match(r"\$\{[A-Z_]*BIND_ADDRESS:-127\.0\.0\.1\}:", port) for port in ports)


def test_every_secret_is_demanded_by_name_and_none_has_a_default() -> None:
    for name, kind, text in VARIABLE.findall(TEXT):
        if name in SECRETS:
            assert kind == ":?", name
            assert text == "make secrets >> .env adds it"
        else:
            assert kind in (":-", ":+"), name
            assert not re.search("PASSWORD|SECRET|KEY", name)
    assert {name for name, *_ in VARIABLE.findall(TEXT)} >= set(SECRETS)


def test_each_image_of_ours_is_built_by_one_service_and_looked_for_in_no_registry() -> None:
    """So that every command of Compose finds it, whether `make up` ran before or not."""
    for service in OURS:
        found = SERVICES[service]
        is_of_capture = service in ("capture", "simulator")
        image = "CAPTURE_IMAGE:-power-desk-pnl:capture" if is_of_capture else "IMAGE:-power-desk-pnl:local"
        assert found["image"] == f"${{{image}}}"
        assert ("build" in found) is (service in ("capture", ONE_SHOT))
        # all wait for migrate: what it builds is what they run
        assert found["pull_policy"] == (
            "${PULL_POLICY:-build}" if service == ONE_SHOT else "${PULL_POLICY:-never}"
        )
    assert SERVICES["capture"]["build"] == SERVICES[ONE_SHOT]["build"]


def test_compose_gets_nothing_that_some_version_2_does_not_know() -> None:
    document = yaml.safe_load(TEXT)
    assert {name for name in document if not name.startswith("x-")} == {"services", "volumes"}
    assert not re.search(r"\$\{[^}]*\$\{", TEXT)
    assert not any({"develop", "env_file", "deploy"} & set(service) for service in SERVICES.values())


def test_capture_depends_on_nothing_and_holds_no_password() -> None:
    capture = SERVICES["capture"]
    assert "depends_on" not in capture
    assert capture["volumes"] == ["landing:/var/lib/desk/landing", yaml.safe_load(TEXT)["x-markets-file"]]
    assert set(capture["environment"]) == {
        *("EXCHANGE_URL", "EXCHANGE_HEADERS", "EXCHANGE_SUBSCRIBE", "MAX_SILENCE_SECONDS"),
        *("MARKET_DATA_URL", "MARKET_TIMEZONE", "MARKETS_FILE"),
    }
    # each line its own files: their names carry the host name, which must be each container's own
    assert not {"hostname", "container_name", "ports"} & set(capture)


@pytest.mark.parametrize("service", sorted(set(OURS) - {"simulator"}))
def test_a_markets_file_that_is_not_there_stops_the_start(service: str) -> None:
    """In the short form the engine makes a folder of that name, and what begins without `./` is a volume."""
    mounts = [mount for mount in SERVICES[service]["volumes"] if "MARKETS_FILE" in str(mount)]
    assert mounts == [
        {
            "type": "bind",
            "source": "${MARKETS_FILE:-/dev/null}",
            "target": "/etc/desk/markets.toml",
            "read_only": True,
            "bind": {"create_host_path": False},
        }
    ]


def test_the_exporter_depends_on_nothing_reads_as_analyst_and_writes_nowhere() -> None:
    metrics = SERVICES["metrics"]
    assert "depends_on" not in metrics
    assert metrics["volumes"] == ["landing:/var/lib/desk/landing:ro", yaml.safe_load(TEXT)["x-markets-file"]]
    url = environment("metrics")["WAREHOUSE_URL"]
    assert url == "postgresql://analyst:<ANALYST_PASSWORD>@postgres:5432/warehouse"
    assert {match[0] for match in VARIABLE.findall(str(metrics["environment"]))} & set(SECRETS) == {
        "ANALYST_PASSWORD"
    }


def test_the_exporter_counts_the_same_budget_and_market_as_the_pull() -> None:
    mine, others = environment("metrics"), environment("scheduler")
    for name in (
        "MARKET_TIMEZONE",
        "MARKETS_FILE",
        "REFERENCE_PRICE_PER_MINUTE",
        "REFERENCE_PRICE_PER_HOUR",
        "LANDING_ROOT",
    ):
        assert mine[name] == others[name]


def test_the_exporter_is_asked_at_its_default_port() -> None:
    metrics = SERVICES["metrics"]
    assert metrics["command"][-2:] == ["--port", str(DEFAULT_PORT)]
    assert metrics["ports"][0].endswith(f"${{METRICS_PORT:-{DEFAULT_PORT}}}:{DEFAULT_PORT}")
    example = yaml.safe_load((PROJECT_ROOT / "docs/monitoring/prometheus.yml").read_text(encoding="utf-8"))
    assert example["scrape_configs"][0]["static_configs"][0]["targets"] == [f"127.0.0.1:{DEFAULT_PORT}"]


def test_the_check_of_the_exporter_outlasts_a_warehouse_that_hangs() -> None:
    slowest_answer = TIMEOUT_SECONDS + FILES_TIMEOUT_SECONDS
    timeout = int(SERVICES["metrics"]["healthcheck"]["timeout"].removesuffix("s"))
    assert slowest_answer < health.METRICS_TIMEOUT_SECONDS < timeout


def test_what_can_be_scaled_has_no_name_of_its_own() -> None:
    assert not any({"hostname", "container_name"} & set(service) for service in SERVICES.values())


def test_every_variable_of_the_compose_file_is_in_the_example_and_the_other_way_round() -> None:
    example = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    head, containers = example.split("# --- containers", 1)
    named = set(re.findall(r"^#([A-Z_]+)=", containers, re.MULTILINE))
    shared = set(re.findall(r"^#([A-Z_]+)=", head, re.MULTILINE))
    used = {name for name, *_ in VARIABLE.findall(TEXT)}
    assert used <= named | shared | {"REVISION"}
    assert named <= used | {"COMPOSE_PROFILES"}
    for name, kind, default in VARIABLE.findall(TEXT):
        if kind == ":-" and name in named and (line := re.search(rf"^#{name}=(.*)$", containers, re.MULTILINE)):
            assert line[1] == default or name in ("EXECUTOR", "PULL_POLICY")


@pytest.fixture
def make_run(tmp_path: Path) -> dict[str, str]:
    """What `make run` gives to Airflow, without the caller's own environment."""
    settings = Settings(warehouse_url="postgresql://pipeline:p@h:1/warehouse")
    return airflow.environment(
        airflow.common_environment({}, settings),
        [settings],
        tmp_path,
        "postgresql://airflow:p@h:1/airflow",
        Secrets(tmp_path / "secrets.json", size=48),
    )


ONLY_MAKE_RUN = {
    "AIRFLOW_PORT": "the published port; in the container it is always 8080",
    "no_proxy": "a proxy for containers is configured in the engine",
    "NO_PROXY": "the same",
}
ONLY_CONTAINERS = {
    "PYTHONDONTWRITEBYTECODE": "all modules are compiled in the image, where nobody may write",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "the name by which the health checks find their own heartbeat",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "a volume that all components share",
    "ADMIN_PASSWORD": "make run writes the password file itself",
    "VIEWER_PASSWORD": "a team has readers",
    "PGSSLMODE": "the server may be elsewhere",
    "PGSSLROOTCERT": "the same",
    "FORWARDED_ALLOW_IPS": "a proxy in front is not on the loopback interface of the container",
    "AIRFLOW__CELERY__BROKER_URL": "CeleryExecutor",
    "AIRFLOW__CELERY__RESULT_BACKEND": "the same",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "the same",
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "the same",
    "AIRFLOW__CELERY__TASK_ACKS_LATE": "the same",
    "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": "the same",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "the same",
}
OTHER_VALUE = {
    *(
        "EXCHANGE_URL",
        "MARKET_DATA_URL",
        "WAREHOUSE_URL",
        "LANDING_ROOT",
        "DATA_DOCS_ROOT",
        "REPORT_ROOT",
        "PATH",
    ),
    "PYTHONPATH",
    *("AIRFLOW_CONN_EXCHANGE", "AIRFLOW_CONN_MARKET_DATA", "AIRFLOW_CONN_WAREHOUSE", "AIRFLOW_HOME"),
    *("AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"),
    "AIRFLOW_DATABASE_URL",
    *("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"),
    *("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"),
    *("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "AIRFLOW__API__HOST"),
}
"""Addresses, paths and secrets: there in both, of necessity different."""


def test_airflow_gets_the_same_in_containers_as_from_make_run(make_run: dict[str, str]) -> None:
    here = environment("api-server")
    assert set(make_run) - set(here) == set(ONLY_MAKE_RUN)
    assert set(here) - set(make_run) == set(ONLY_CONTAINERS)
    differ = {name for name in set(here) & set(make_run) if here[name] != make_run[name]}
    assert differ == OTHER_VALUE


@pytest.mark.parametrize("service", AIRFLOW)
def test_all_of_airflow_gets_the_same_but_for_what_only_one_needs(service: str) -> None:
    mine, others = environment(service), environment("dag-processor")
    extra = {name: value for name, value in mine.items() if others.get(name) != value}
    assert set(others) <= set(mine)
    expected = {
        "api-server": {
            "ADMIN_PASSWORD",
            "VIEWER_PASSWORD",
            "API__HOST",
            "API__PORT",
            "API__WORKERS",
            "FORWARDED_ALLOW_IPS",
        },
        "scheduler": {"SCHEDULER__ENABLE_HEALTH_CHECK"},
        "migrate": {"ADMIN_DATABASE_URL", "AIRFLOW_DB_PASSWORD", "PIPELINE_PASSWORD", "ANALYST_PASSWORD"},
    }
    assert {name.removeprefix("AIRFLOW__") for name in extra} == expected.get(service, set())


def test_celery_never_delivers_a_task_twice_that_runs_for_years() -> None:
    """By Celery's own reading of what the workers get."""
    names = {name: value for name, value in environment("worker").items() if name.startswith("AIRFLOW__CELERY")}
    assert {name: environment("scheduler")[name] for name in names} == names
    show = (
        "import json; from airflow.providers.celery.executors.celery_executor_utils import app;"
        "names = ('task_acks_late', 'worker_disable_prefetch', 'worker_prefetch_multiplier');"
        "print(json.dumps({name: app.conf[name] for name in names}"
        " | {'visibility_timeout': app.conf.broker_transport_options['visibility_timeout']}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", show],
        cwd=PROJECT_ROOT,
        env=os.environ | names | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    two_years = timedelta(days=730).total_seconds()
    assert found.pop("visibility_timeout") > two_years
    assert found == {
        "task_acks_late": False,
        "worker_disable_prefetch": True,
        "worker_prefetch_multiplier": 1,
    }


def test_the_components_are_those_of_make_run_with_the_same_options() -> None:
    assert set(component.COMMANDS) - set(airflow.COMPONENTS) == {"worker"}
    for name in component.COMMANDS:
        assert SERVICES[name]["command"] == ["python", "-m", "include.containers.component", name]


def test_a_stop_leaves_each_component_the_time_that_it_may_take() -> None:
    for name, patience in component.TIMEOUT_SECONDS.items():
        grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert grace >= patience + component.TASK_SECONDS + 2


def test_postgresql_is_set_up_as_the_embedded_one() -> None:
    options = dict(arg.removeprefix("--").split("=", 1) for arg in SERVICES["postgres"]["command"][1:])
    theirs = dict(postgres._SETTINGS)
    for name in ("listen_addresses", "unix_socket_directories", "max_connections"):
        theirs.pop(
            name
        )  # the network of the containers is the border here; more processes need more connections
        options.pop(name, None)
    theirs.pop("max_notify_queue_pages")  # PostgreSQL 15 and 16 (POSTGRES_IMAGE) would not start with it
    assert options == theirs


def test_the_simulator_trades_as_fast_as_that_of_make_run() -> None:
    command = SERVICES["simulator"]["command"]
    assert command[command.index("--rate-per-second") + 1] == _TRADES_PER_SECOND


def test_the_image_gets_only_what_it_needs() -> None:
    ignored = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!requirements-image.txt",
        *("!dags/", "!include/", "!plugins/"),
    }
    assert "COPY --from=packages" in DOCKERFILE
    assert not re.search(r"^# *syntax=|<<", DOCKERFILE, re.MULTILINE)
