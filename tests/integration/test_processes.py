"""Real processes: watched, restarted, ended with all they left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.local import leftovers
from include.processes import Child, Supervisor, command_launcher, describe_end, end_all, shorten
from tests.waiting import eventually

# A child that renames itself and forks a grandchild into a group and a session of its own; both ignore TERM.
STUBBORN = """
import os, signal, sys, time
import setproctitle
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    if len(sys.argv) > 2: os.setsid()
    else: os.setpgid(0, 0)
setproctitle.setproctitle("renamed " * 20)
open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
time.sleep(300)
"""
SLEEPER = "import time; time.sleep(300)"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    state = tmp_path / "state"
    (state / "pids").mkdir(parents=True)
    yield state
    end_all(leftovers.find(state), timeout_seconds=0)


def start(state: Path, *command: str) -> "subprocess.Popen[bytes]":
    environment = leftovers.marked(os.environ, state)
    return command_launcher([sys.executable, "-c", *command], environment, state / "log", state)()


def started(state: Path) -> list[psutil.Process]:
    eventually(lambda: len(list((state / "pids").iterdir())) == 2)
    return [psutil.Process(int(file.name)) for file in (state / "pids").iterdir()]


def test_leftovers_are_found_by_their_mark_whatever_session_and_name_they_took(state: Path) -> None:
    process = start(state, STUBBORN, str(state / "pids"), "own session")
    family = started(state)
    assert {found.pid for found in leftovers.find(state)} == {found.pid for found in family}
    assert leftovers.find(state / "pids") == []
    process.kill()
    process.wait()
    end_all(leftovers.find(state), timeout_seconds=0.2)
    assert not [found for found in family if found.is_running()]


def test_stopping_a_child_ends_its_whole_session(state: Path) -> None:
    supervisor = Supervisor(lambda line: None)
    child = supervisor.start(
        Child("stubborn", lambda: start(state, STUBBORN, str(state / "pids")), state / "log")
    )
    family = started(state)
    assert len({os.getpgid(process.pid) for process in family}) == 2
    supervisor.stop([child], timeout_seconds=0.2)
    assert not [process for process in family if process.is_running()]
    assert supervisor.children == []


def test_a_child_that_dies_is_reported_and_restarted_after_a_growing_pause(state: Path) -> None:
    now, lines = 0.0, []
    supervisor = Supervisor(lines.append, lambda: now)
    child = supervisor.start(Child("sleeper", lambda: start(state, SLEEPER), state / "sleeper.log"))
    now = 5.0
    assert supervisor.age_seconds("sleeper") == 5
    for pause in (1, 2, 4):
        assert child.process is not None
        died = child.process.pid
        os.kill(died, signal.SIGKILL)
        eventually(lambda pid=died: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)  # type: ignore[misc]
        supervisor.check()
        assert lines.pop() == (
            f"sleeper was ended by SIGKILL: see {state}/sleeper.log; it is started again in {pause} s"
        )
        assert supervisor.age_seconds("sleeper") == 0
        now += pause - 0.5
        supervisor.check()
        assert child.process is None
        now += 0.5
        supervisor.check()
        assert child.process is not None
        assert child.process.pid != died
    assert lines == []
    supervisor.stop([child], timeout_seconds=5)


def test_what_a_dead_child_left_in_its_session_is_ended_before_its_successor_starts(state: Path) -> None:
    supervisor = Supervisor(lambda line: None)
    child = supervisor.start(
        Child("stubborn", lambda: start(state, STUBBORN, str(state / "pids")), state / "log")
    )
    orphan = next(process for process in started(state) if child.process and process.pid != child.process.pid)
    assert child.process is not None
    child.process.kill()
    eventually(lambda: child.process is None or child.process.poll() is not None)
    supervisor.check()
    assert not orphan.is_running()
    supervisor.stop([child], timeout_seconds=0)


def test_a_child_that_lives_but_does_not_work_is_replaced(state: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(lines.append)
    child = supervisor.start(Child("sleeper", lambda: start(state, SLEEPER), state / "log"))
    assert child.process is not None
    before = child.process.pid
    supervisor.restart("sleeper")
    assert child.process.pid != before
    assert not psutil.pid_exists(before)
    assert lines == [f"sleeper answers no more: see {state}/log; it is started again"]
    supervisor.stop([child], timeout_seconds=5)


def test_a_huge_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("small")
    shorten(log)
    assert log.read_text() == "small"
    with log.open("ab") as file:
        file.truncate(30_000_000)
    shorten(log)
    assert not log.exists()
    assert (tmp_path / "a.log.1").stat().st_size == 30_000_000


def test_the_end_of_a_process_in_words() -> None:
    assert describe_end(3) == "ended with code 3"
    assert describe_end(-15) == "was ended by SIGTERM"
