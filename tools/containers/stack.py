"""A throw-away installation: a copy of the checkout, a project of its own on the engine, ports of its own."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dotenv import dotenv_values

from include.containers.env_file import SECRETS
from include.local.ports import free_ports
from tools.containers.isolation import clean_environment, copy_checkout, docker, remove_project
from tools.containers.report import DrillError, Report, expect

PREFIX = "desk-drill"
"""Begins the name of every project and image of the drill."""

ENDS_BY_ITSELF = "migrate"
_TIMEOUT_SECONDS = 240.0


@dataclass(frozen=True)
class Running:
    """A container as `docker inspect` has it.

    Attributes:
        id: The long one; its first twelve digits are the container's host name.
        service: What of the compose file it runs.
        is_healthy: Running, and its health check says so.
        started_at: When its first process started, as the engine spells it.
        details: All that the engine says.
    """

    id: str
    name: str
    service: str
    is_healthy: bool
    started_at: str
    details: Mapping[str, Any]

    @property
    def host(self) -> str:
        return str(self.details["Config"]["Hostname"])


class Stack:
    """One installation; a context manager that removes all of it at the end, whatever happens.

    Args:
        name: Of the scenario; becomes part of the project's name.
        folder: Where the copy of the checkout lies.
        report: Is told what goes on.
        settings: What `.env` would say beside the secrets.
    """

    def __init__(self, name: str, folder: Path, report: Report, settings: Mapping[str, str]) -> None:
        self.root = folder / name
        self.report = report
        self.airflow_port, self.warehouse_port, metrics_port = free_ports(3)
        self.project = f"{PREFIX}-{os.getpid()}-{name}"
        copy_checkout(self.root)
        self.environment = clean_environment() | {
            "COMPOSE_PROJECT_NAME": self.project,
            "AIRFLOW_PORT": str(self.airflow_port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.airflow_port}",
            "WAREHOUSE_PORT": str(self.warehouse_port),
            "METRICS_PORT": str(metrics_port),
            **settings,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.report.say("removing its containers, volumes and networks")
        remove_project(self.project)

    # --- commands

    def make(self, *arguments: str) -> str:
        """Runs make in the copy, for the user to see; all that it said.

        Raises:
            DrillError: It failed.
        """
        code, said = self.try_make(*arguments)
        expect(code == 0, f"make {' '.join(arguments)} ended with code {code}: {said[-600:]}")
        return said

    def try_make(self, *arguments: str) -> tuple[int, str]:
        """The same, with its exit code instead of an error."""
        said = []
        with subprocess.Popen(
            ["make", "--no-print-directory", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    said.append(line)
                    print(f"           | {line}", end="", flush=True)  # noqa: T201
            except KeyboardInterrupt:
                os.killpg(process.pid, signal.SIGKILL)  # nothing may go on to create what is removed next
                raise
        return process.returncode, "".join(said)

    def try_compose(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs `docker compose` in the copy, as a person types it; what it said."""
        return self._run("docker", "compose", *arguments)

    def compose(self, *arguments: str) -> str:
        """The same; its output.

        Raises:
            DrillError: It failed.
        """
        done = self.try_compose(*arguments)
        expect(done.returncode == 0, f"compose {' '.join(arguments)}: {(done.stderr or done.stdout)[-600:]}")
        return done.stdout

    def shell(self, script: str) -> str:
        """Runs lines of the documentation in the copy; what they printed.

        Raises:
            DrillError: One of them failed.
        """
        done = self._run("sh", "-euxc", script)
        expect(done.returncode == 0, f"as documented: {done.stderr[-900:]}")
        return done.stdout

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_in(self, container: Running, *command: str) -> str:
        """Runs a command in a container; what it printed.

        Raises:
            DrillError: It failed.
        """
        done = docker("exec", container.id, *command)
        sentence = f"{' '.join(command)[:80]} in {container.name}: {(done.stdout + done.stderr)[-600:]}"
        expect(done.returncode == 0, sentence)
        return done.stdout

    # --- what is there

    def secrets(self) -> dict[str, str]:
        """The secrets in `.env`."""
        values = dotenv_values(self.root / ".env")
        return {name: value for name, value in values.items() if name in SECRETS and value}

    def containers(self, service: str = "") -> list[Running]:
        """The project's containers, or those of one service, oldest first."""
        label = f"label=com.docker.compose.project={self.project}"
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).stdout.split()
        if not ids:
            return []
        answer = docker("inspect", *ids)
        try:
            found = [_running(details) for details in json.loads(answer.stdout)]
        except ValueError as error:
            raise DrillError(f"docker inspect: {answer.stderr}") from error
        found.sort(key=lambda container: str(container.details["Created"]))
        return [container for container in found if service in ("", container.service)]

    def only(self, service: str) -> Running:
        """The one container of a service.

        Raises:
            DrillError: There is none, or more than one.
        """
        found = self.containers(service)
        expect(len(found) == 1, f"{len(found)} containers of {service} instead of one")
        return found[0]

    def wait_until_healthy(self, *services: str, count: int = 0) -> list[Running]:
        """Waits until all containers of these services (none named: of all) are well; these containers.

        Args:
            services: Names of the compose file.
            count: So many of them have to be there; 0: as many as there are.
        """

        def all_well() -> list[Running]:
            found = [c for c in self.containers() if c.service in services or not services]
            found = [c for c in found if c.service != ENDS_BY_ITSELF]
            is_well = all(c.is_healthy for c in found) and (len(found) == count or not count)
            return found if is_well else []

        names = ", ".join(services) or "everything"
        found: list[Running] = self.report.wait_for(all_well, _TIMEOUT_SECONDS, f"{names} to be healthy")
        return found

    def volumes(self) -> list[str]:
        """The names of the project's volumes."""
        label = f"label=com.docker.compose.project={self.project}"
        return sorted(docker("volume", "ls", "--quiet", "--filter", label).stdout.split())


def _running(details: Mapping[str, Any]) -> Running:
    state = details["State"]
    return Running(
        id=details["Id"],
        name=details["Name"].lstrip("/"),
        service=details["Config"]["Labels"]["com.docker.compose.service"],
        is_healthy=state["Running"] and state.get("Health", {}).get("Status") == "healthy",
        started_at=state["StartedAt"],
        details=details,
    )
