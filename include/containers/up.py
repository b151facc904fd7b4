"""make up: builds the image, starts what the settings ask for and waits until all of it is healthy."""

import ipaddress
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from include.containers.engine import PROFILES, Container, Engine
from include.errors import TerminalError
from include.local.ports import require_free
from include.settings import Settings

_TIMEOUT_SECONDS = 600.0
_REPORT_EVERY_SECONDS = 20.0
_POLL_SECONDS = 1.0
_DECIDES_CAPTURE = ("EXCHANGE_URL", "MARKET_TIMEZONE")
_OF_PROFILE = {"demo": ("simulator",), "celery": ("redis", "worker"), "monitoring": ("metrics",)}
_NOT_OURS_TO_RESTART = "simulator"
"""It stands for the outside world, which does not blink when we upgrade."""
_ALWAYS = ("postgres", "migrate", "api-server", "scheduler", "dag-processor", "triggerer")
_CELERY = "CeleryExecutor"
_EXECUTORS = (
    "",
    "LocalExecutor",
    _CELERY,
    "include.orchestration.executor.PreloadingLocalExecutor",
)
_ENDS_BY_ITSELF = "migrate"


@dataclass(frozen=True)
class Plan:
    """What the settings ask for.

    Attributes:
        profiles: The compose profiles.
        services: What to start or renew.
        unwanted: What an earlier start with other settings may have left running.
        workers: How many workers; 0 without Celery.
        environment: Variables that compose gets beside the settings.
    """

    profiles: tuple[str, ...]
    services: tuple[str, ...]
    unwanted: tuple[str, ...]
    workers: int
    environment: Mapping[str, str]


def plan(values: Mapping[str, str]) -> Plan:
    """Decides from the settings.

    Args:
        values: `.env`, completed by the shell's environment.

    Raises:
        TerminalError: A setting is not what its name promises, or cannot work in containers.
    """
    Settings.from_environment(values)
    for name in ("EXCHANGE_URL", "MARKET_DATA_URL"):
        if is_loopback(urlsplit(values.get(name, "")).hostname or ""):
            raise TerminalError(
                f"{name} names this host's loopback address, which in a container is the container itself: "
                "write host.docker.internal for this host, or leave it empty for the simulator"
            )
    executor = values.get("EXECUTOR", "")
    if executor not in _EXECUTORS:
        raise TerminalError(f"EXECUTOR must be LocalExecutor or {_CELERY}, not {executor!r}")
    wanted = set(filter(None, values.get("COMPOSE_PROFILES", "").split(",")))
    if not (values.get("EXCHANGE_URL") and values.get("MARKET_DATA_URL")):
        wanted.add("demo")
    if executor == _CELERY:
        wanted.add("celery")
    profiles = tuple(profile for profile in PROFILES if profile in wanted)
    if unknown := sorted(wanted - set(PROFILES)):
        raise TerminalError(f"COMPOSE_PROFILES has {', '.join(unknown)}: there are {', '.join(PROFILES)}")
    port = values.get("AIRFLOW_PORT") or "8080"
    environment = {"PUBLIC_URL": values.get("PUBLIC_URL") or f"http://127.0.0.1:{port}"}
    if image := values.get("CAPTURE_IMAGE") or values.get("IMAGE"):
        environment["CAPTURE_IMAGE"] = image
    return Plan(
        profiles=profiles,
        services=_ALWAYS + tuple(n for p in profiles for n in _OF_PROFILE[p] if n != _NOT_OURS_TO_RESTART),
        unwanted=tuple(n for p in PROFILES if p not in profiles for n in _OF_PROFILE[p]),
        workers=_count("WORKERS", values.get("WORKERS") or "2") if "celery" in profiles else 0,
        environment=environment,
    )


def is_loopback(host: str) -> bool:
    """Whether the host is the one that asks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return address.is_loopback or address.is_unspecified


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise TerminalError(f"{name} must be a whole number from 1 to 100, not {text!r}")
    return int(text)


class Up:
    """One `make up`.

    Args:
        engine: Where to start it.
        values: `.env`, completed by the shell's environment.
        say: Tells the user a line.
    """

    def __init__(self, engine: Engine, values: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._engine = engine
        self._values = values
        self._say = say
        self._plan = plan(values)
        engine.environment.update(self._plan.environment)

    def run(self) -> None:
        """Starts everything and returns when it is healthy.

        Raises:
            TerminalError: It does not work; the message says where to look.
        """
        self._require_ports()
        if self._values.get("IMAGE"):
            self._say(f"using the image {self._values['IMAGE']}: IMAGE is set, so nothing is built")
        else:
            self._say("building the image (two minutes the first time)")
            self._compose("build")
        self._remove_unwanted()
        lines = self._start_capture()
        self._say(f"starting {', '.join(self._plan.services)}")
        scale = ("--scale", f"worker={self._plan.workers}") if self._plan.workers else ()
        self._compose("up", "-d", "--no-build", *scale, *self._plan.services, watch=True)
        self._wait(lines)

    def _require_ports(self) -> None:
        running = {container.service for container in self._engine.containers() if container.is_up}
        for service, variable, port in (
            ("api-server", "AIRFLOW_PORT", "8080"),
            ("postgres", "WAREHOUSE_PORT", "5433"),
            ("metrics", "METRICS_PORT", "9464"),
        ):
            if service in self._plan.services and service not in running:
                require_free(int(self._values.get(variable) or port), f"{variable} in .env")

    def _remove_unwanted(self) -> None:
        there = {container.service for container in self._engine.containers()}
        if left := [service for service in self._plan.unwanted if service in there]:
            self._say(f"removing {', '.join(left)}: the settings ask for it no more")
            command = self._engine.compose(PROFILES, "rm", "--stop", "--force", *left)
            self._finish(command, watch=False)

    def _start_capture(self) -> int:
        """Starts what is missing and leaves what runs alone, unless its settings changed; how many lines."""
        running = [c for c in self._engine.containers() if c.service == "capture" and c.is_up]
        lines = _count("CAPTURE_LINES", self._values.get("CAPTURE_LINES") or str(len(running) or 1))
        is_renewed = bool(self._values.get("RENEW_CAPTURE"))
        for container in running:
            made_with = self._engine.variables(container.name)
            wanted = {name: self._values.get(name) for name in _DECIDES_CAPTURE if self._values.get(name)}
            if any(made_with.get(name) != value for name, value in wanted.items()) or (
                "EXCHANGE_URL" not in wanted and "//simulator:" not in made_with.get("EXCHANGE_URL", "")
            ):
                self._say("its settings changed: capture is started anew")
                is_renewed = True
        if running and not is_renewed:
            self._say("capture goes on as it is; make up RENEW_CAPTURE=1 gives it the new image as well")
        keep = () if is_renewed else ("--no-recreate",)
        services = ["capture", *([_NOT_OURS_TO_RESTART] if "demo" in self._plan.profiles else [])]
        self._compose("up", "-d", "--no-build", "--no-deps", *keep, "--scale", f"capture={lines}", *services)
        return lines

    def _compose(self, *arguments: str, watch: bool = False) -> None:
        self._finish(self._engine.compose(self._plan.profiles, *arguments), watch)

    def _finish(self, command: list[str], watch: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "output"
            process = self._engine.start(command, output)
            seen: dict[str, str] = {}
            while process.poll() is None:
                if watch:
                    self._report(seen)
                time.sleep(_POLL_SECONDS)
            if process.returncode != 0:
                tail = "\n".join(output.read_text(errors="replace").splitlines()[-25:])
                failed = [c.service for c in self._engine.containers() if c.state.startswith("failed")]
                logs = f"; make logs SERVICE={failed[0]} shows why" if failed else ""
                raise TerminalError(f"{' '.join(command)} ended with code {process.returncode}{logs}:\n{tail}")

    def _report(self, seen: dict[str, str]) -> list[Container]:
        containers = self._engine.containers()
        for container in containers:
            if container.state != seen.get(container.name, container.state):
                self._say(f"{container.service}: {container.state}")
            seen[container.name] = container.state
        return containers

    def _wait(self, lines: int) -> None:
        counts = {service: 1 for service in self._plan.services if service != _ENDS_BY_ITSELF}
        counts |= {_NOT_OURS_TO_RESTART: 1} if "demo" in self._plan.profiles else {}
        counts |= {"capture": lines} | ({"worker": self._plan.workers} if self._plan.workers else {})
        started_at = reported_at = time.monotonic()
        seen: dict[str, str] = {}
        while True:
            states: dict[str, list[str]] = {service: [] for service in counts}
            for container in self._report(seen):
                states.setdefault(container.service, []).append(container.state)
            ill = [s for s, n in counts.items() if states[s].count("healthy") < n]
            if not ill:
                return
            now = time.monotonic()
            if now - started_at > _TIMEOUT_SECONDS:
                raise TerminalError(
                    f"{', '.join(ill)} did not become healthy: make logs SERVICE={ill[0]} shows why"
                )
            if now - reported_at > _REPORT_EVERY_SECONDS:
                reported_at = now
                self._say(f"still waiting for {', '.join(ill)}")
            time.sleep(_POLL_SECONDS)
