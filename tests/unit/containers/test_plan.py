"""What `make up` starts follows from the settings; one that cannot work is refused in a sentence."""

import pytest

from include.containers.engine import Container, project_name
from include.containers.up import is_loopback, plan
from include.errors import TerminalError
from include.settings import PROJECT_ROOT

REAL = {"EXCHANGE_URL": "ws://exchange:5050", "MARKET_DATA_URL": "http://prices:5060/v1"}


def test_without_an_exchange_or_a_provider_the_simulator_is_started() -> None:
    assert plan({}).profiles == ("demo",)
    assert plan({"EXCHANGE_URL": REAL["EXCHANGE_URL"]}).profiles == ("demo",)
    assert plan(REAL).profiles == ()
    assert "simulator" in plan(REAL).unwanted
    assert plan(REAL | {"COMPOSE_PROFILES": "demo"}).profiles == ("demo",)


def test_the_exporter_is_started_where_it_is_asked_for_and_goes_when_it_is_not() -> None:
    watched = plan(REAL | {"COMPOSE_PROFILES": "monitoring"})
    assert watched.profiles == ("monitoring",)
    assert "metrics" in watched.services
    assert "metrics" in plan(REAL).unwanted
    assert "metrics" not in plan(REAL).services


def test_celery_brings_its_queue_and_its_workers_and_goes_with_them() -> None:
    with_celery = plan({"EXECUTOR": "CeleryExecutor"})
    assert with_celery.profiles == ("demo", "celery")
    assert {"redis", "worker"} <= set(with_celery.services)
    assert with_celery.workers == 2
    assert plan({"EXECUTOR": "CeleryExecutor", "WORKERS": "5"}).workers == 5
    without = plan({"EXECUTOR": "LocalExecutor"})
    assert {"redis", "worker"} <= set(without.unwanted)
    assert without.workers == 0


def test_the_address_of_the_ui_follows_its_port_unless_it_is_given() -> None:
    assert plan({}).environment == {"PUBLIC_URL": "http://127.0.0.1:8080"}
    assert plan({"AIRFLOW_PORT": "8090"}).environment == {"PUBLIC_URL": "http://127.0.0.1:8090"}
    given = {"AIRFLOW_PORT": "8090", "PUBLIC_URL": "https://desk.example"}
    assert plan(given).environment == {"PUBLIC_URL": "https://desk.example"}


def test_capture_has_the_image_of_all_unless_it_is_given_one_of_its_own() -> None:
    assert plan({"IMAGE": "desk:2"}).environment["CAPTURE_IMAGE"] == "desk:2"
    assert plan({"IMAGE": "desk:2", "CAPTURE_IMAGE": "desk:1"}).environment["CAPTURE_IMAGE"] == "desk:1"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"EXCHANGE_URL": "ws://127.0.0.1:5050"},
            "EXCHANGE_URL names this host's loopback.*host.docker.internal",
        ),
        ({"MARKET_DATA_URL": "http://localhost:5060"}, "MARKET_DATA_URL names this host's loopback"),
        ({"EXCHANGE_URL": "http://exchange"}, "EXCHANGE_URL must be a URL that starts with ws:// or wss://"),
        (
            {"COMPOSE_PROFILES": "demo,monitor"},
            "COMPOSE_PROFILES has monitor: there are demo, celery, monitoring",
        ),
        ({"EXECUTOR": "KubernetesExecutor"}, "EXECUTOR must be LocalExecutor or CeleryExecutor"),
        ({"EXECUTOR": "CeleryExecutor", "WORKERS": "none"}, "WORKERS must be a whole number from 1 to 100"),
        ({"AIRFLOW_PORT": "eighty"}, "AIRFLOW_PORT must be a whole number"),
    ],
)
def test_a_setting_that_cannot_work_in_containers_is_refused(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(TerminalError, match=sentence):
        plan(values)


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        *((host, True) for host in ("127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "localhost", "LocalHost")),
        *((host, False) for host in ("10.0.0.1", "exchange", "host.docker.internal", "localhost.example", "")),
    ],
)
def test_loopback_is_known_in_every_spelling(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Up 3 minutes (healthy)", "healthy"),
        ("Up 3 seconds (health: starting)", "starting"),
        ("Up 3 minutes (unhealthy)", "unhealthy"),
        ("Up 3 minutes", "up"),
        ("Exited (0) 2 minutes ago", "done"),
        ("Exited (137) 2 minutes ago", "failed (137)"),
        ("Restarting (1) 2 seconds ago", "restarting"),
        ("Created", "created"),
    ],
)
def test_a_status_of_docker_becomes_a_word(status: str, state: str) -> None:
    assert Container("desk-capture-1", "capture", status).state == state


def test_the_project_has_the_name_that_compose_gives_it() -> None:
    assert project_name(PROJECT_ROOT / "Power Desk.PnL") == "powerdeskpnl"
    assert project_name(PROJECT_ROOT / "_desk-1") == "desk-1"
