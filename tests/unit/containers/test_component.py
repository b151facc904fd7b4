"""A component ends in order, takes its tasks along, and is ended when it lives but does not work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from include.containers import component, health
from include.containers.component import PASSWORDS, Component
from include.errors import TerminalError, TransientError
from include.local.watchdog import Watchdog

WELL = {"metadatabase": health.HEALTHY, "scheduler": health.HEALTHY}

PROGRAM = """
import os, signal, sys, time
notes, stubborn = sys.argv[1], sys.argv[2] == "stubborn"
def note(word):
    with open(notes, "a") as file:
        file.write(word + "\\n")
def ended(number, frame):
    note("task ended in order")
    os._exit(0)
if os.fork() == 0:  # a task, in a process group of its own, as Airflow's are
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, ended)
    note(f"task {os.getpid()}")
    time.sleep(60)
signal.signal(signal.SIGTERM, lambda *_: note("asked to end") if stubborn else sys.exit(note("asked to end")))
note("up")
while True:
    time.sleep(0.1)
"""


class Program:
    """A program with a task, and a component that runs it."""

    def __init__(
        self, folder: Path, kind: str, check: Callable[[], Mapping[str, str]], patience: float
    ) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        command = [sys.executable, "-c", PROGRAM, str(self.notes), kind]
        self.is_database_there = True
        self.component = Component(
            "scheduler", command, check, lambda: self.is_database_there, patience, self.watchdog
        )
        self.clock = time.monotonic

    def watchdog(
        self,
        check: Callable[[], Mapping[str, str]],
        restart: Callable[[str], None],
        database_answers: Callable[[], bool],
        say: Callable[[str], None],
        age_seconds: Callable[[str], float],
    ) -> Watchdog:
        return Watchdog(check, restart, database_answers, say, age_seconds, lambda: 20 * self.clock())

    def words(self) -> list[str]:
        return [line for line in self.notes.read_text().splitlines() if not line.startswith("task 1")]

    def task_is_alive(self) -> bool:
        pid = int(next(w for w in self.notes.read_text().split("\n") if w.startswith("task ")).split()[1])
        return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def when_up_then_stop(program: Program) -> Callable[[], Mapping[str, str]]:
    """A check that asks the component to stop once its program is up."""

    def check() -> Mapping[str, str]:
        if "up" in program.words():
            program.component.stop()
        return WELL

    return check


@pytest.mark.parametrize("kind", ["willing", "stubborn"])
def test_a_stop_asks_the_component_first_and_ends_its_tasks_too(tmp_path: Path, kind: str) -> None:
    program = Program(tmp_path, kind, lambda: WELL, patience=0.5)
    program.component._check = when_up_then_stop(program)
    assert program.component.run() == 0
    words = program.notes.read_text().splitlines()
    assert words.index("asked to end") < words.index("task ended in order")
    assert not program.task_is_alive()


def test_a_component_that_ends_by_itself_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path, "willing", lambda: WELL, patience=0.5)

    def kill_it() -> Mapping[str, str]:
        if "up" in program.words():
            for child in psutil.Process().children():
                if PROGRAM in child.cmdline():
                    child.kill()
        return WELL

    program.component._check = kill_it
    assert program.component.run() == 1
    assert not program.task_is_alive()


def test_a_component_that_lives_but_does_not_work_is_ended(tmp_path: Path) -> None:
    answers = iter([WELL])
    ill = {"metadatabase": health.HEALTHY, "scheduler": health.UNHEALTHY}
    program = Program(tmp_path, "stubborn", lambda: next(answers, ill), patience=30)
    began = time.monotonic()
    assert program.component.run() == 1
    assert time.monotonic() - began < 20  # nobody waits for what is stuck
    assert not program.task_is_alive()


def test_an_api_server_that_waits_for_the_database_is_not_ended(tmp_path: Path) -> None:
    looks = 0

    def check() -> Mapping[str, str]:
        nonlocal looks
        looks += 1
        if looks == 1:
            program.is_database_there = False
            return WELL
        raise TransientError("no answer")

    def answers() -> bool:
        nonlocal looks
        looks += 1
        if looks > 12:  # a minute and a half by the watchdog's clock
            program.component.stop()
        return program.is_database_there

    program = Program(tmp_path, "willing", check, patience=0.5)
    program.component._database_answers = answers
    assert program.component.run() == 0


def test_nothing_is_ended_while_the_database_is_away_or_before_it_was_ever_healthy() -> None:
    def answers() -> bool:
        return True

    seen = Component(
        "scheduler", [], lambda: {"metadatabase": "unhealthy", "scheduler": "unhealthy"}, answers, 1
    )
    assert seen._for_watchdog() == {"metadatabase": "unhealthy", "scheduler": "unhealthy"}
    queue = Component("worker", [], lambda: {"queue": "unhealthy", "worker": "unhealthy"}, answers, 1)
    assert queue._for_watchdog() == {"metadatabase": "unhealthy", "worker": "unhealthy"}
    busy = Component("worker", [], lambda: {"queue": "healthy", "worker": "unhealthy"}, answers, 1)
    assert busy._for_watchdog() == {"metadatabase": "healthy", "worker": "unhealthy"}

    def silent() -> Mapping[str, str]:
        raise TransientError("no answer")

    assert not Component("api-server", [], silent, answers, 1)._is_healthy()
    assert not seen._is_healthy()


def test_the_command_stops_at_a_signal(tmp_path: Path) -> None:
    fake = tmp_path / "airflow"
    fake.write_text(f"#!{sys.executable}\nimport time\nprint('up', flush=True)\ntime.sleep(60)\n")
    fake.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "include.containers.component", "triggerer"],
        env=os.environ
        | {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://a:b@127.0.0.1:9/airflow",
        },
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    process.stdout.close()


def test_the_passwords_come_from_the_environment_and_none_has_a_default(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    environ = {PASSWORDS: str(file), "ADMIN_PASSWORD": "one", "VIEWER_PASSWORD": "two"}
    component.write_passwords(environ)
    assert json.loads(file.read_text()) == {"admin": "one", "viewer": "two"}
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TerminalError, match="VIEWER_PASSWORD is not set"):
        component.write_passwords(environ | {"VIEWER_PASSWORD": ""})
