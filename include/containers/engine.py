"""The container engine and its compose command, whichever of both versions is installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.containers.secret_file import SECRETS
from include.errors import TerminalError

PROFILES = ("demo", "celery", "monitoring")
_INSTEAD = "or use make run, which needs no containers"


@dataclass(frozen=True)
class Container:
    """A container of the project.

    Attributes:
        name: Its name.
        service: The compose file's name for what it runs.
        status: As `docker ps` tells it: `Up 3 minutes (healthy)`, `Exited (0) 2 minutes ago` …
    """

    name: str
    service: str
    status: str

    @property
    def is_up(self) -> bool:
        return self.status.startswith("Up")

    @property
    def state(self) -> str:
        """One word or two: healthy, unhealthy, starting, up, done, failed (1), restarting …"""
        if exited := re.match(r"Exited \((\d+)\)", self.status):
            return "done" if exited[1] == "0" else f"failed ({exited[1]})"
        if health := re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", self.status):
            return health[1]
        return self.status.split(" ", 1)[0].lower()


class Engine:
    """Runs compose and docker commands on one project.

    Args:
        root: The folder with the compose file.
        environment: For the commands: the shell's, which wins over `.env` as compose has it.

    Raises:
        TerminalError: No engine answers, or there is no compose command.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = dict(environment)
        self.project = environment.get("COMPOSE_PROJECT_NAME") or project_name(root)
        self._compose = self._find_compose()

    def _find_compose(self) -> list[str]:
        if shutil.which("docker") is None:
            raise TerminalError(f"Docker is missing: install it together with Compose, {_INSTEAD}")
        answer = self.docker("version", "--format", "{{.Server.Version}}")
        if answer.returncode != 0:
            why = (answer.stderr.strip().splitlines() or ["it gives no reason"])[-1]
            raise TerminalError(f"no Docker engine answers ({why}): start it, {_INSTEAD}")
        if named := self.environment.get("COMPOSE"):
            return named.split()
        if self.docker("compose", "version").returncode == 0:
            return ["docker", "compose"]
        if shutil.which("docker-compose") is not None:
            return ["docker-compose"]
        raise TerminalError(f"Docker's Compose is missing: install docker-compose or the v2 plugin, {_INSTEAD}")

    def docker(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a docker command and returns what it said."""
        return subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def compose(self, profiles: Sequence[str], *arguments: str) -> list[str]:
        """The command line of a compose command."""
        options = [part for profile in profiles for part in ("--profile", profile)]
        return [*self._compose, "--project-name", self.project, *options, *arguments]

    def start(self, command: Sequence[str], output: Path) -> "subprocess.Popen[bytes]":
        """Starts a command in the project's folder, its output in a file."""
        with output.open("ab") as stream:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    def run(self, command: Sequence[str]) -> int:
        """Runs a command in the project's folder for the user to see; its exit code."""
        return subprocess.run(command, cwd=self.root, env=self.environment, check=False).returncode

    def containers(self) -> list[Container]:
        """The project's containers, running or not."""
        form = '{{.Names}}\t{{.Label "com.docker.compose.service"}}\t{{.Status}}'
        label = f"label=com.docker.compose.project={self.project}"
        answer = self.docker("ps", "--all", "--no-trunc", "--filter", label, "--format", form)
        return [Container(*line.split("\t")) for line in answer.stdout.splitlines()]

    def variables(self, container: str) -> dict[str, str]:
        """The environment that a container was made with."""
        form = "{{range .Config.Env}}{{println .}}{{end}}"
        answer = self.docker("inspect", "--format", form, container)
        return dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)


def project_name(root: Path) -> str:
    """What compose calls the project of a folder, old version and new."""
    return re.sub(r"[^a-z0-9_-]", "", root.resolve().name.lower()).lstrip("_-") or "desk"


def placeholders(values: Mapping[str, str]) -> dict[str, str]:
    """For commands that start nothing: compose wants every secret even to stop a container."""
    return {name: "not-needed-here" for name in SECRETS if not values.get(name)}


def shell_environment() -> dict[str, str]:
    """The environment of the caller."""
    return dict(os.environ)
