"""Each health check tells its own component's state, and says when nobody can tell."""

import http.server
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import CollectorRegistry

from include.containers import health
from include.errors import TransientError
from include.health.collector import PlatformCollector
from include.landing import TRADES, event_line
from include.landing_writer import LandingWriter
from include.local.ports import find_free
from include.settings import Settings

API_SERVER = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
HEARTBEATS = {"dag_processor": {"status": "healthy"}, "triggerer": {"status": "unhealthy"}}


@contextmanager
def server(status: int, body: object) -> Iterator[str]:
    """The address of a server that answers every request so."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def nowhere() -> str:
    """The address of nobody."""
    return f"http://127.0.0.1:{find_free()}"


def test_a_component_is_well_when_its_own_endpoint_says_so() -> None:
    with server(200, {"scheduler": {"status": "unhealthy"}}) as url:  # of others
        assert health._answers(url)("api-server", {})
    with server(503, {}) as url:
        assert not health._answers(url)("scheduler", {})
    assert not health._answers(nowhere())("scheduler", {})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert not health._answers(url, timeout_seconds=0.2)("api-server", {})


def test_no_proxy_of_the_environment_gets_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", nowhere())
    with server(200, {}) as url:
        assert health._answers(url)("scheduler", {})


def test_the_heartbeats_of_others_are_what_the_api_server_knows() -> None:
    with server(200, {"metadatabase": {"status": "healthy"}} | HEARTBEATS) as url:
        environ = {API_SERVER: f"{url}/execution/"}
        assert health.is_healthy("dag-processor", environ)
        assert not health.is_healthy("triggerer", environ)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"metadatabase": {"status": "unhealthy"}} | HEARTBEATS),
        (200, {"metadatabase": {"status": "healthy"}}),
        (200, []),
        (500, {}),
    ],
)
def test_without_its_word_nobody_can_tell(status: int, body: object) -> None:
    with server(status, body) as url, pytest.raises(TransientError):
        health.is_healthy("triggerer", {API_SERVER: f"{url}/execution/"})
    with pytest.raises(TransientError):
        health.is_healthy("triggerer", {API_SERVER: nowhere()})


def test_airflow_serves_what_is_asked() -> None:
    from airflow.configuration import conf

    assert conf.getint("scheduler", "scheduler_health_check_server_port") == 8974
    assert conf.get("scheduler", "scheduler_health_check_server_host") == "0.0.0.0"


def test_capture_is_well_while_it_writes_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"LANDING_ROOT": str(tmp_path)}
    now = datetime.now(UTC)
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    monkeypatch.setattr(socket, "gethostname", lambda: "mine")
    assert not health.is_healthy("capture", environ)
    writer = LandingWriter(tmp_path, TRADES, "standalone")
    writer.append(event_line(now, "heartbeat"), now)
    assert health.is_healthy("capture", environ)
    assert writer.path is not None
    os.utime(writer.path, (now.timestamp() - 60, now.timestamp() - 60))
    assert not health.is_healthy("capture", environ)


def test_what_ran_before_the_container_was_started_again_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    monkeypatch.setattr(health, "_started_at", lambda: now.timestamp() + 1)
    assert not health.is_healthy("capture", {"LANDING_ROOT": str(tmp_path)})


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
            assert health.is_healthy("simulator", {})
        assert not health.is_healthy("simulator", {})


def test_the_exporter_is_well_while_it_answers_also_without_a_warehouse() -> None:
    settings = Settings(landing_root=Path("/nowhere"))
    registry = CollectorRegistry()
    registry.register(PlatformCollector([settings], lambda: "postgresql://analyst:p@127.0.0.1:9/warehouse"))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        check = health._answers(f"http://127.0.0.1:{server.server_port}/metrics", 12)
        assert check("metrics", {})
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_queue_that_is_away_or_silent_is_no_fault_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address in (f"127.0.0.1:{silent.getsockname()[1]}", "127.0.0.1:9"):
            with pytest.raises(TransientError, match="the queue does not answer"):
                health.is_healthy("worker", {"AIRFLOW__CELERY__BROKER_URL": f"redis://:p@{address}/0"})


def test_a_queue_that_ends_while_it_is_asked_is_no_fault_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def ping(*_: object, **__: object) -> None:
        raise redis.exceptions.ConnectionError("Connection closed by server.")

    monkeypatch.setattr("celery.app.control.Control.ping", ping)
    with pytest.raises(TransientError, match="the queue does not answer: Connection closed"):
        health.is_healthy("worker", {"AIRFLOW__CELERY__BROKER_URL": "redis://:p@127.0.0.1:9/0"})


def test_the_command_says_what_it_found_and_fails_when_it_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANDING_ROOT", str(tmp_path))
    assert health.main(["capture"]) == 1
    now = datetime.now(UTC)
    LandingWriter(tmp_path, TRADES, "standalone").append(event_line(now, "heartbeat"), now)
    assert health.main(["capture"]) == 0
    monkeypatch.setenv(API_SERVER, nowhere())
    assert health.main(["triggerer"]) == 1
    unhealthy, healthy, away = capsys.readouterr().out.splitlines()
    assert (unhealthy, healthy) == ("capture: unhealthy", "capture: healthy")
    assert "refused" in away
