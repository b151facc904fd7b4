"""A component ends in order, takes its tasks along, and is ended when it stays unhealthy."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from include.containers import component
from include.containers.component import PASSWORDS, Component
from include.containers.watchdog import Watchdog
from include.errors import TerminalError, TransientError

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


HASTE = 200
"""How much faster than in reality the watchdog's clock goes: it looks each 0.05 s."""


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(component, "FIRST_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(component, "TASK_SECONDS", 2.0)
    monkeypatch.setattr(component, "Watchdog", partial(Watchdog, clock=lambda: time.monotonic() * HASTE))


class Program:
    """A program with a task, and a component that runs it."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        check: Callable[[], bool],
        timeout_seconds: float = 0.5,
        database_answers: Callable[[], bool] = lambda: True,
    ) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        command = [sys.executable, "-c", PROGRAM, str(self.notes), kind]
        self.component = Component("scheduler", command, check, database_answers, timeout_seconds)

    def words(self) -> list[str]:
        return [line for line in self.notes.read_text().splitlines() if not line.startswith("task 1")]

    def task_is_alive(self) -> bool:
        pid = int(next(w for w in self.notes.read_text().split("\n") if w.startswith("task ")).split()[1])
        return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("kind", ["willing", "stubborn"])
def test_a_stop_asks_the_component_first_and_ends_its_tasks_too(tmp_path: Path, kind: str) -> None:
    def stop_when_up() -> bool:
        if "up" in program.words():
            program.component.stop()
        return True

    program = Program(tmp_path, kind, stop_when_up)
    assert program.component.run() == 0
    words = program.notes.read_text().splitlines()
    assert words.index("asked to end") < words.index("task ended in order")
    assert not program.task_is_alive()


def test_a_component_that_ends_by_itself_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    def kill_it() -> bool:
        if "up" in program.words():
            for child in psutil.Process().children():
                if PROGRAM in child.cmdline():
                    child.kill()
        return True

    program = Program(tmp_path, "willing", kill_it)
    assert program.component.run() == 1
    assert not program.task_is_alive()


def test_a_component_that_stays_unhealthy_is_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = Program(tmp_path, "stubborn", lambda: "up" not in program.words(), timeout_seconds=300)
    assert program.component.run() == 1  # nobody waits five minutes for what is stuck
    assert not program.task_is_alive()
    assert "scheduler runs but stays unhealthy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "then", "is_database_there"),
    [(True, False, False), (True, None, False), (True, None, True), (False, False, True)],
    ids=[
        *("the database is away and it does not answer", "the database is away and nobody can tell"),
        *("nobody can tell how it is", "it was never healthy"),
    ],
)
def test_nothing_is_ended_while(
    tmp_path: Path, first: bool, then: bool | None, is_database_there: bool
) -> None:
    """None: what would tell it is away itself, the api-server of a dag-processor or the queue of a worker."""
    looks = itertools.count()

    def look() -> bool:
        """Whether it is the first one; the last one is a minute later by the watchdog's clock."""
        number = next(looks)
        if number > 12:
            program.component.stop()
        return number == 0

    def check() -> bool:
        if look():
            return first
        if then is None:
            raise TransientError("no answer")
        return then

    def answers() -> bool:
        look()
        return is_database_there

    program = Program(tmp_path, "willing", check, database_answers=answers)
    assert program.component.run() == 0


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
