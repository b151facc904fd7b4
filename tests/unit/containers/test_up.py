"""What `make up` does to the engine: capture is left alone, what nobody wants goes, a failure is told."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from include.containers import up
from include.containers.engine import Container
from include.containers.up import Up
from include.errors import TerminalError

HEALTHY = "Up 2 minutes (healthy)"
EVERYTHING = ("postgres", "api-server", "scheduler", "dag-processor", "triggerer", "capture", "simulator")


class Ended:
    """A process that has ended."""

    def __init__(self, code: int) -> None:
        self.returncode = code

    def poll(self) -> int:
        return self.returncode


class FakeEngine:
    """Notes what it is told to do.

    Args:
        services: What runs, healthy.
        fails: Commands with this word end with code 1.
    """

    def __init__(self, services: Sequence[str] = EVERYTHING, fails: str = "-") -> None:
        self.environment: dict[str, str] = {}
        self.commands: list[str] = []
        self.found = [Container(f"desk-{n}-{i}", n, HEALTHY) for i, n in enumerate(services)]
        self.capture_has = {"EXCHANGE_URL": "ws://simulator:5050", "MARKET_TIMEZONE": "Europe/Berlin"}
        self._fails = fails

    def compose(self, profiles: Sequence[str], *arguments: str) -> list[str]:
        return [*profiles, *arguments]

    def start(self, command: Sequence[str], output: Path) -> Ended:
        self.commands.append(" ".join(command))
        output.write_text("why it failed\n")
        return Ended(1 if self._fails in command else 0)

    def containers(self) -> list[Container]:
        return self.found

    def variables(self, _container: str) -> dict[str, str]:
        return self.capture_has

    def capture_command(self) -> str:
        return next(c for c in self.commands if "--no-deps" in c)


def run(engine: FakeEngine, **values: str) -> list[str]:
    """Runs it; what it told."""
    said: list[str] = []
    Up(engine, values, said.append).run()  # type: ignore[arg-type]
    return said


def test_a_running_capture_is_left_alone_and_the_rest_is_renewed() -> None:
    engine = FakeEngine()
    said = run(engine)
    assert engine.commands[0] == "demo build"
    assert engine.commands[1] == (
        "demo up -d --no-build --no-deps --no-recreate --scale capture=1 capture simulator"
    )
    rest = engine.commands[2]
    assert "--no-recreate" not in rest
    assert not {"capture", "simulator"} & set(rest.split())
    assert any("capture goes on as it is" in line for line in said)


def test_as_many_lines_as_run_already_unless_the_settings_say_a_number() -> None:
    two = FakeEngine((*EVERYTHING, "capture"))
    run(two)
    assert "--scale capture=2" in two.capture_command()
    run(three := FakeEngine((*EVERYTHING, "capture", "capture")), CAPTURE_LINES="3")
    assert "--scale capture=3" in three.capture_command()


@pytest.mark.parametrize(
    "values",
    [
        {"RENEW_CAPTURE": "1"},
        {"EXCHANGE_URL": "ws://exchange:5050"},
        {"MARKET_TIMEZONE": "Europe/Paris"},
    ],
)
def test_a_capture_is_started_anew_when_told_or_when_its_settings_changed(values: dict[str, str]) -> None:
    engine = FakeEngine()
    run(engine, **values)
    assert "--no-recreate" not in engine.capture_command()


def test_a_capture_goes_back_to_the_simulator_when_the_exchange_is_taken_out_of_the_settings() -> None:
    engine = FakeEngine()
    engine.capture_has["EXCHANGE_URL"] = "ws://exchange:5050"
    run(engine)
    assert "--no-recreate" not in engine.capture_command()


def test_workers_go_when_the_executor_changes_back() -> None:
    engine = FakeEngine((*EVERYTHING, "redis", "worker", "worker"))
    run(engine)
    assert "demo celery monitoring rm --stop --force redis worker" in engine.commands


def test_workers_are_scaled_and_waited_for() -> None:
    engine = FakeEngine((*EVERYTHING, "redis", "worker", "worker", "worker"))
    run(engine, EXECUTOR="CeleryExecutor", WORKERS="3")
    assert "--scale worker=3" in engine.commands[-1]
    assert engine.commands[-1].startswith("demo celery up")


def test_an_image_that_is_given_is_not_built() -> None:
    engine = FakeEngine()
    run(engine, IMAGE="registry.example/desk:2")
    assert not any("build" in command.split() for command in engine.commands)


def test_a_failure_is_told_with_the_end_of_what_compose_said_and_where_to_look() -> None:
    engine = FakeEngine(fails="scheduler")
    engine.found.append(Container("desk-migrate-1", "migrate", "Exited (1) 3 seconds ago"))
    with pytest.raises(TerminalError, match=r"(?s)make logs SERVICE=migrate shows why.*why it failed"):
        run(engine)


def test_what_does_not_become_healthy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "_TIMEOUT_SECONDS", 0.0)
    monkeypatch.setattr(up, "_POLL_SECONDS", 0.01)
    engine = FakeEngine()
    engine.found[2] = Container("desk-scheduler-1", "scheduler", "Up 2 minutes (unhealthy)")
    with pytest.raises(TerminalError, match="scheduler did not become healthy: make logs SERVICE=scheduler"):
        run(engine)


@pytest.mark.parametrize(("profiles", "asked"), [("", False), ("monitoring", True)])
def test_the_port_of_the_exporter_has_to_be_free_only_where_it_is_started(
    monkeypatch: pytest.MonkeyPatch, profiles: str, asked: bool
) -> None:
    looked_at = []
    monkeypatch.setattr(up, "require_free", lambda port, name: looked_at.append((port, name)))
    monkeypatch.setattr(up.Up, "_wait", lambda *_: None)
    run(FakeEngine(), COMPOSE_PROFILES=profiles, METRICS_PORT="9500")
    assert ((9500, "METRICS_PORT in .env") in looked_at) is asked
