"""Runs one component of Airflow in a container: `python -m include.containers.component scheduler`.

A stop reaches every process of it in the right order, and a component that runs but stays unhealthy is
ended, so that the engine starts it anew: a failed health check alone makes the engine do nothing.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from include.containers import health
from include.containers.watchdog import Watchdog
from include.errors import TerminalError, TransientError
from include.processes import end_all, members_of_session
from include.warehouse import probe

COMMANDS: Mapping[str, tuple[str, ...]] = {
    # A TLS proxy's X-Forwarded-Proto makes cookies go by https only. Believed is who FORWARDED_ALLOW_IPS names,
    # this host unless it is set.
    "api-server": ("api-server", "--proxy-headers"),
    # Task logs lie where the api-server reads them: no log servers, which would bind all interfaces.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "worker": ("celery", "worker", "--skip-serve-logs"),
}
"""Airflow's long-running processes: the arguments of the command `airflow`."""

TIMEOUT_SECONDS: Mapping[str, float] = dict.fromkeys(COMMANDS, 10.0) | {"worker": 20.0}
"""How long a component may finish what it has begun; then its tasks are ended as well."""

TASK_SECONDS = 8.0
"""How long a task may take for that: Airflow gives `on_kill` 5 s."""

LOOK_SECONDS, FIRST_LOOK_SECONDS = 0.5, 2.0
"""How often the component is looked at; until it was healthy for the first time."""

PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
"""The variable that names the file of the users' passwords."""


class Component:
    """One component, from its start to the end of its last process.

    Args:
        name: Its name.
        command: What to start.
        is_healthy: Whether it is; raises TransientError while nobody can tell.
        database_answers: Whether Airflow's database does.
        timeout_seconds: See TIMEOUT_SECONDS.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        is_healthy: Callable[[], bool],
        database_answers: Callable[[], bool],
        timeout_seconds: float,
    ) -> None:
        self._name = name
        self._command = command
        self._is_healthy = is_healthy
        self._database_answers = database_answers
        self._timeout_seconds = timeout_seconds
        self._must_restart = False
        self._is_stopping = False

    def stop(self) -> None:
        """Asks the component to end; may be called by a signal handler."""
        self._is_stopping = True

    def run(self) -> int:
        """Starts it and returns when all of its processes have ended: 0 after `stop`, else 1."""
        process = subprocess.Popen(self._command, start_new_session=True)
        watchdog: Watchdog | None = None
        while process.poll() is None and not self._is_stopping and not self._must_restart:
            if watchdog is not None:
                watchdog.look()
            elif self._status().get(self._name) == "healthy":
                watchdog = Watchdog(
                    self._status,
                    self._restart,
                    self._database_answers,
                    _say,
                    lambda _name: math.inf,  # it was healthy once: it has started
                )
            time.sleep(LOOK_SECONDS if watchdog else FIRST_LOOK_SECONDS)
        self._end(process)
        return 0 if self._is_stopping else 1

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.terminate()
            deadline = time.monotonic() + (0.0 if self._must_restart else self._timeout_seconds)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
        end_all(members_of_session(process.pid), TASK_SECONDS)
        process.wait()

    def _status(self) -> dict[str, str]:
        """As the watchdog reads it; without an entry nobody can tell how the component is."""
        try:
            status = "healthy" if self._is_healthy() else "unhealthy"
        except TransientError:
            return {}
        return {"metadatabase": "healthy", self._name: status}

    def _restart(self, name: str) -> None:
        _say(f"{name} runs but stays unhealthy: it is ended, to be restarted")
        self._must_restart = True


def write_passwords(environ: Mapping[str, str]) -> None:
    """Writes the password file of Airflow's simple login from ADMIN_PASSWORD and VIEWER_PASSWORD.

    Raises:
        TerminalError: A password is missing.
    """
    passwords = {user: environ.get(f"{user.upper()}_PASSWORD", "") for user in ("admin", "viewer")}
    for user, password in passwords.items():
        if not password:
            raise TerminalError(f"{user.upper()}_PASSWORD is not set: nobody gets a default password")
    file = Path(environ[PASSWORDS])
    file.touch(mode=0o600)
    file.write_text(json.dumps(passwords) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Runs a component until SIGTERM or its end."""
    parser = argparse.ArgumentParser(prog="python -m include.containers.component", description=__doc__)
    parser.add_argument("component", choices=sorted(COMMANDS))
    name = parser.parse_args(arguments).component
    try:
        if name == "api-server":
            write_passwords(os.environ)
    except TerminalError as error:
        _say(str(error))
        return 2
    database_url = "postgresql://" + os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].split("://", 1)[1]
    component = Component(
        name,
        ["airflow", *COMMANDS[name]],
        lambda: health.is_healthy(name, os.environ),
        lambda: probe.answers(database_url),
        TIMEOUT_SECONDS[name],
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: component.stop())
    return component.run()


def _say(line: str) -> None:
    print(f"component: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
