"""Runs one component of Airflow in a container: `python -m include.containers.component scheduler`.

A stop reaches every process of it in the right order, and a component that lives but no longer works is
ended, so that the engine starts it anew: a health check alone changes nothing.
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
from types import FrameType

from include.containers import health
from include.errors import TerminalError, TransientError
from include.local import database, leftovers
from include.local.files import write_private
from include.local.watchdog import Watchdog

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server", "--proxy-headers"),
    # Task logs lie on a volume that the api-server has as well: no log servers.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "worker": ("celery", "worker", "--skip-serve-logs"),
}
"""Airflow's long-running processes: the arguments of the command `airflow`."""

TIMEOUT_SECONDS: Mapping[str, float] = {
    "api-server": 10.0,
    "scheduler": 10.0,
    "dag-processor": 10.0,
    "triggerer": 10.0,
    "worker": 20.0,
}
"""How long a component may finish what it has begun; then its tasks are told to end as well."""

TASK_SECONDS = 8.0
"""How long a task may take for that: Airflow gives `on_kill` 5 s."""

PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
"""The variable that names the file of the users' passwords."""


class Component:
    """One component, from its start to the end of its last process.

    Args:
        name: Its name.
        command: What to start.
        check: Its health, as `health.of_component` tells it.
        database_answers: Whether Airflow's database does.
        timeout_seconds: See TIMEOUT_SECONDS.
        watchdog: Makes the watchdog once the component was healthy for the first time.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        check: Callable[[], Mapping[str, str]],
        database_answers: Callable[[], bool],
        timeout_seconds: float,
        watchdog: type[Watchdog] = Watchdog,
    ) -> None:
        self._name = name
        self._command = command
        self._check = check
        self._database_answers = database_answers
        self._patience_seconds = timeout_seconds
        self._make_watchdog = watchdog
        self._ill = ""
        self._is_stopping = False

    def stop(self) -> None:
        """Asks the component to end; may be called by a signal handler."""
        self._is_stopping = True

    def run(self) -> int:
        """Starts it and returns when all of its processes have ended: 0 after `stop`, else 1."""
        process = subprocess.Popen(self._command, start_new_session=True)
        watchdog: Watchdog | None = None
        while process.poll() is None and not self._is_stopping and not self._ill:
            if watchdog is not None:
                watchdog.look()
            elif self._is_healthy():
                watchdog = self._make_watchdog(
                    self._for_watchdog,
                    self._note_illness,
                    self._database_answers,
                    _say,
                    lambda _name: math.inf,  # it was healthy once: that was its start
                )
            time.sleep(0.5 if watchdog else 2.0)
        if self._ill:
            _say(f"{self._ill} lives but does not work: it is ended, to be started anew")
        self._end(process)
        return 0 if self._is_stopping else 1

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.terminate()
            deadline = time.monotonic() + (0.0 if self._ill else self._patience_seconds)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
        leftovers.end(leftovers.members(process.pid), TASK_SECONDS)
        process.wait()

    def _is_healthy(self) -> bool:
        try:
            return set(self._check().values()) == {health.HEALTHY}
        except TransientError:
            return False

    def _for_watchdog(self) -> dict[str, str]:
        """As the watchdog knows it: while something else is ill, nobody can tell how the component is."""
        found = dict(self._check())
        own = found.pop(self._name)
        is_all_there = set(found.values()) <= {health.HEALTHY}
        return {"metadatabase": health.HEALTHY if is_all_there else health.UNHEALTHY, self._name: own}

    def _note_illness(self, name: str) -> None:
        self._ill = name


def write_passwords(environ: Mapping[str, str]) -> None:
    """Writes the password file of Airflow's simple login from ADMIN_PASSWORD and VIEWER_PASSWORD.

    Raises:
        TerminalError: A password is missing.
    """
    passwords = {user: environ.get(f"{user.upper()}_PASSWORD", "") for user in ("admin", "viewer")}
    for user, password in passwords.items():
        if not password:
            raise TerminalError(f"{user.upper()}_PASSWORD is not set: nobody gets a default password")
    write_private(Path(environ[PASSWORDS]), json.dumps(passwords) + "\n")


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
    component = Component(
        name,
        ["airflow", *COMMANDS[name]],
        lambda: health.of_component(name, os.environ),
        lambda: database.answers(health.metadata_url(os.environ)),
        TIMEOUT_SECONDS[name],
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        component.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return component.run()


def _say(line: str) -> None:
    print(f"component: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
