"""Each health check tells its own component's state, and no other's."""

import http.server
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import CollectorRegistry

from include.containers import health
from include.errors import TransientError
from include.health.collector import PlatformCollector
from include.landing import TRADES, LandingWriter, event_line
from include.settings import Settings

JOBS = """
CREATE TABLE job (
    id serial PRIMARY KEY, job_type text, hostname text, start_date timestamptz, latest_heartbeat timestamptz)
"""


@pytest.fixture
def metadata(warehouse_url: str) -> Iterator[tuple[dict[str, str], psycopg2.extensions.cursor]]:
    """An environment with a database that has Airflow's table of jobs, and a cursor in it."""
    connection = psycopg2.connect(warehouse_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(JOBS)
        url = "postgresql+psycopg2://" + warehouse_url.split("://", 1)[1]
        yield {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}, cursor
    connection.close()


def beat(cursor: psycopg2.extensions.cursor, job_type: str, hostname: str, seconds_ago: int) -> None:
    cursor.execute(
        "INSERT INTO job (job_type, hostname, start_date, latest_heartbeat)"
        " VALUES (%s, %s, now() - interval '1 minute', now() - make_interval(secs => %s))",
        (job_type, hostname, seconds_ago),
    )


@pytest.mark.parametrize(
    ("component", "job_type"),
    [("scheduler", "SchedulerJob"), ("dag-processor", "DagProcessorJob"), ("triggerer", "TriggererJob")],
)
def test_a_heartbeat_of_this_kind_on_this_host_is_what_counts(
    metadata: tuple[dict[str, str], psycopg2.extensions.cursor], component: str, job_type: str
) -> None:
    environ, cursor = metadata
    beat(cursor, job_type, "another-host", 1)
    beat(cursor, "OtherJob", socket.gethostname(), 1)
    assert health.of_component(component, environ) == {"metadatabase": "healthy", component: "starting"}
    beat(cursor, job_type, socket.gethostname(), 40)
    assert health.of_component(component, environ) == {"metadatabase": "healthy", component: "unhealthy"}
    beat(cursor, job_type, socket.gethostname(), 3)
    assert health.of_component(component, environ) == {"metadatabase": "healthy", component: "healthy"}


def test_what_ran_before_the_container_was_started_again_does_not_count(
    metadata: tuple[dict[str, str], psycopg2.extensions.cursor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ, cursor = metadata
    beat(cursor, "SchedulerJob", socket.gethostname(), 3)
    now = datetime.now(UTC)
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    monkeypatch.setattr(health, "_started_at", lambda: now.timestamp() + 1)
    assert health.of_component("scheduler", environ) == {"metadatabase": "healthy", "scheduler": "starting"}
    assert health.of_component("capture", {"LANDING_ROOT": str(tmp_path)}) == {"capture": "starting"}


def test_the_kinds_are_those_that_airflow_writes() -> None:
    from airflow.jobs.dag_processor_job_runner import DagProcessorJobRunner
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.jobs.triggerer_job_runner import TriggererJobRunner

    runners = (SchedulerJobRunner, DagProcessorJobRunner, TriggererJobRunner)
    assert set(health._JOB_TYPES.values()) == {runner.job_type for runner in runners}


def test_a_database_that_is_away_is_told_apart() -> None:
    environ = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://a:b@127.0.0.1:9/airflow"}
    assert health.of_component("scheduler", environ) == {"metadatabase": "unhealthy", "scheduler": "unhealthy"}


@contextmanager
def api_server(status: int, body: bytes) -> Iterator[int]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_api_server_is_well_when_it_answers_whatever_it_says_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = json.dumps({"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}}).encode()
    with api_server(200, body) as port:
        monkeypatch.setattr(health, "_API_SERVER_PORT", port)
        assert health.of_component("api-server", {}) == {"metadatabase": "healthy", "api-server": "healthy"}
    with pytest.raises(TransientError, match="does not answer"):
        health.of_component("api-server", {})
    with api_server(500, b"Internal Server Error") as port:
        monkeypatch.setattr(health, "_API_SERVER_PORT", port)
        with pytest.raises(TransientError, match="does not answer"):
            health.of_component("api-server", {})


def test_capture_is_well_while_it_writes_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"LANDING_ROOT": str(tmp_path)}
    now = datetime.now(UTC)
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    monkeypatch.setattr(socket, "gethostname", lambda: "mine")
    assert health.of_component("capture", environ) == {"capture": "starting"}
    writer = LandingWriter(tmp_path, TRADES, "standalone")
    writer.append(event_line(now, "heartbeat"), now)
    assert health.of_component("capture", environ) == {"capture": "healthy"}
    assert writer.path is not None
    os.utime(writer.path, (now.timestamp() - 60, now.timestamp() - 60))
    assert health.of_component("capture", environ) == {"capture": "unhealthy"}


def test_two_containers_whose_processes_have_the_same_number_write_different_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 7)
    now = datetime.now(UTC)
    paths = set()
    for host in ("5c12bdaba390", "121436bbd47d"):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        writer = LandingWriter(tmp_path, TRADES, "standalone")
        writer.append(event_line(now, "heartbeat"), now)
        paths.add(writer.path)
        writer.close(now)
    assert len(paths) == 2


def test_the_simulator_is_well_when_both_of_its_ports_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as exchange:
        ports = [exchange.getsockname()[1]]
        with socket.create_server(("127.0.0.1", 0)) as provider:
            monkeypatch.setattr(health, "_SIMULATOR_PORTS", (*ports, provider.getsockname()[1]))
            assert health.of_component("simulator", {}) == {"simulator": "healthy"}
        assert health.of_component("simulator", {}) == {"simulator": "unhealthy"}


def test_the_exporter_is_well_while_it_answers_also_without_a_warehouse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(landing_root=Path("/nowhere"))
    registry = CollectorRegistry()
    registry.register(PlatformCollector(settings, lambda: "postgresql://analyst:p@127.0.0.1:9/warehouse"))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    monkeypatch.setattr(health, "_METRICS_PORT", server.server_port)
    assert health.of_component("metrics", {}) == {"metrics": "healthy"}
    server.shutdown()
    server.server_close()
    thread.join()
    with pytest.raises(TransientError, match="the exporter does not answer"):
        health.of_component("metrics", {})


def test_something_else_that_answers_is_not_the_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    server, thread = start_http_server(0, "127.0.0.1", CollectorRegistry())
    monkeypatch.setattr(health, "_METRICS_PORT", server.server_port)
    assert health.of_component("metrics", {}) == {"metrics": "unhealthy"}
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("component", ["scheduler", "worker"])
def test_a_server_that_takes_the_connection_and_says_nothing_is_told_apart(
    component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        environ = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://a:b@{address}/airflow",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://:p@{address}/0",
        }
        needed = "queue" if component == "worker" else "metadatabase"
        assert health.of_component(component, environ) == {needed: "unhealthy", component: "unhealthy"}


def test_a_worker_without_its_queue_is_no_fault_of_the_worker() -> None:
    environ = {"AIRFLOW__CELERY__BROKER_URL": "redis://:p@127.0.0.1:9/0"}
    assert health.of_component("worker", environ) == {"queue": "unhealthy", "worker": "unhealthy"}


@pytest.mark.parametrize(
    ("command", "component"),
    [
        ("/sbin/docker-init -- python -m include.containers.component dag-processor ", "dag-processor"),
        ("python -m include.capture --name standalone", "capture"),
        ("/sbin/docker-init -- python -m include.simulator --host 0.0.0.0", "simulator"),
        ("python -m include.health --host 0.0.0.0 --port 9464", "metrics"),
        ("/sbin/docker-init -- python -m include.containers.prepare ", None),
        ("bash", None),
    ],
)
def test_the_image_finds_out_what_a_container_runs(command: str, component: str | None) -> None:
    assert health.component_of(command) == component


def test_the_command_says_what_it_found_and_fails_when_it_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANDING_ROOT", str(tmp_path))
    assert health.main(["capture"]) == 1
    now = datetime.now(UTC)
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    assert health.main(["capture"]) == 0
    assert capsys.readouterr().out == "capture: starting\ncapture: healthy\n"
