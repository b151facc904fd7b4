"""What docs/deploy.md and its examples say of the compose file, `.env` and the alerts is still so."""

import re
from typing import Any

import pytest
import yaml

from include.containers import health
from include.health.__main__ import DEFAULT_PORT
from include.settings import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
PAGE = (DOCS / "deploy.md").read_text(encoding="utf-8")
EXAMPLES = DOCS / "deploy"
COMPOSE_TEXT = (PROJECT_ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["compose-first-host.yaml", "compose-worker-host.yaml"])
def test_what_hosts_share_are_volumes_of_the_compose_file(name: str) -> None:
    (override,) = documents(name)
    assert set(override["volumes"]) == set(COMPOSE["volumes"]) - {"postgres", "redis"}
    assert set(override.get("services", {})) <= set(COMPOSE["services"])


def test_all_that_read_the_markets_file_are_restarted_after_it_was_edited() -> None:
    commands = re.search(r"after the file was edited:\n```\n(.*?)```", PAGE, re.DOTALL)
    assert commands is not None
    services = COMPOSE["services"]
    reading = {name for name, found in services.items() if "MARKETS_FILE" in str(found.get("environment"))}
    assert {"capture", "scheduler", "worker"} < reading
    assert reading <= set(re.findall(r"[a-z-]+", commands[1]))


def helm_environment() -> dict[str, str]:
    """What the values of the chart put into each of Airflow's containers."""
    (values,) = documents("helm-values.yaml")
    return {entry["name"]: entry["value"] for entry in values["env"]}


FROM_SECRETS = {
    "WAREHOUSE_URL",
    "AIRFLOW_CONN_WAREHOUSE",
    "AIRFLOW_DATABASE_URL",
    "AIRFLOW__CELERY__RESULT_BACKEND",
}
BY_THE_CHART = {
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
}
NOT_NEEDED = {
    "ALERT_URLS",
    "REPORT_URLS",
    "MARKETS_FILE",
    "EXCHANGE_HEADERS",
    "EXCHANGE_SUBSCRIBE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
}


def test_kubernetes_gets_the_settings_that_the_containers_of_one_host_get() -> None:
    ours, theirs = COMPOSE["x-airflow"], helm_environment()
    assert set(ours) == (set(theirs) & set(ours)) | FROM_SECRETS | BY_THE_CHART | NOT_NEEDED
    plain = [name for name, value in ours.items() if "$" not in str(value) and name in theirs]
    assert len(plain) >= 7
    for name in plain:
        assert theirs[name] == ours[name], name
    for name in FROM_SECRETS:
        assert name in PAGE


def test_the_launchers_and_times_of_kubernetes_are_those_of_one_host() -> None:
    (values,) = documents("helm-values.yaml")
    services = COMPOSE["services"]
    for key, service in (
        ("apiServer", "api-server"),
        ("scheduler", "scheduler"),
        ("dagProcessor", "dag-processor"),
    ):
        assert values[key]["args"] == services[service]["command"]
    assert values["triggerer"]["args"] == services["triggerer"]["command"]
    worker = values["workers"]["celery"]
    assert worker["args"] == services["worker"]["command"]
    assert f"{worker['terminationGracePeriodSeconds']}s" == services["worker"]["stop_grace_period"]
    assert values["migrateDatabaseJob"]["args"] == services["migrate"]["command"]
    capture = next(d for d in documents("kubernetes-capture.yaml") if d["kind"] == "StatefulSet")
    pod = capture["spec"]["template"]["spec"]
    assert f"{pod['terminationGracePeriodSeconds']}s" == services["capture"]["stop_grace_period"]
    assert pod["containers"][0]["command"] == services["capture"]["command"]
    metrics = next(d for d in documents("kubernetes-capture.yaml") if d["kind"] == "Deployment")
    container = metrics["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == services["metrics"]["command"]
    assert container["ports"][0]["containerPort"] == DEFAULT_PORT
    for document in (capture, metrics):
        probe = document["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["exec"]["command"]
        assert probe[:3] == ["python", "-m", "include.containers.health"]
        assert probe[3] in health.CHECKS


def test_kubernetes_runs_the_image_as_its_own_user_without_root() -> None:
    (values,) = documents("helm-values.yaml")
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"--uid {values['uid']} " in dockerfile
    assert values["airflowHome"] == re.search(r"AIRFLOW_HOME=(\S+)", dockerfile)[1]  # type: ignore[index]
    mounts = {mount["mountPath"] for mount in values["volumeMounts"]}
    folders = ("landing", "statements", "data_docs", "reports")
    assert mounts == {f"/var/lib/desk/{folder}" for folder in folders}
    for document in documents("kubernetes-capture.yaml"):
        if "template" in document["spec"]:
            assert document["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_passes_events_on_at_once_and_closes_the_execution_api(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert "/execution/" in text
    assert re.search(r"proxy_buffering off|flush_interval -1", text)
    assert "127.0.0.1:8080" in text
