"""Child processes, each in a session of its own: watched, restarted, ended with all that they started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0
"""After running this long a process counts as steady: its next restart comes after the first pause again."""
_HUGE_LOG_BYTES = 20_000_000


@dataclass
class Child:
    """One process that shall run until the end.

    Attributes:
        launch: Starts it, in a new session.
        log: Where it writes; None: where we do.
    """

    name: str
    launch: Callable[[], "subprocess.Popen[bytes]"]
    log: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float = 0.0
    pause_seconds: float = field(default=_FIRST_PAUSE_SECONDS)


def command_launcher(
    command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path
) -> Callable[[], "subprocess.Popen[bytes]"]:
    """A launcher for a command that writes to `log` and reads nothing."""

    def launch() -> "subprocess.Popen[bytes]":
        shorten(log)
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    return launch


def shorten(log: Path) -> None:
    """Puts a log that has grown huge aside, in place of the one put aside before."""
    if log.exists() and log.stat().st_size > _HUGE_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


class Supervisor:
    """Keeps children running.

    Args:
        say: Tells the user a line.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._children: dict[str, Child] = {}

    def start(self, child: Child) -> Child:
        """Starts a child, whose name no other has, and watches it from now on."""
        self._children[child.name] = child
        self._launch(child)
        return child

    def adopt(self, child: Child, process: "subprocess.Popen[bytes]") -> None:
        """Watches a child that runs already."""
        child.process, child.started_at = process, self._clock()
        self._children[child.name] = child

    def check(self) -> None:
        """Reports children that died; restarts each after a pause, which doubles while it keeps dying."""
        for child in self._children.values():
            if child.process is not None and child.process.poll() is not None:
                self._handle_exit(child)
            if child.process is None and self._clock() >= child.restart_at:
                self._launch(child)

    def restart(self, name: str) -> None:
        """Restarts the child of this name, which runs but is unhealthy; its whole session is ended first."""
        child = self._children.get(name)
        if child is not None and child.process is not None:
            self._say(f"{name} answers no more{_place(child)}; it is started again")
            end_all(members_of_session(child.process.pid), timeout_seconds=6)
            child.process.wait()
            self._launch(child)

    def age_seconds(self, name: str) -> float:
        """How long ago the child of this name was started; 0 while it waits to be."""
        child = self._children.get(name)
        return self._clock() - child.started_at if child and child.process else 0.0

    def stop(self, children: Sequence[Child], timeout_seconds: float) -> None:
        """TERM to these children and all of their sessions at once, KILL to what is left after the timeout.

        They are watched no more.
        """
        for child in children:
            self._children.pop(child.name, None)
        running = [child.process for child in children if child.process is not None]
        end_all([member for process in running for member in members_of_session(process.pid)], timeout_seconds)
        for process in running:
            process.wait()

    @property
    def children(self) -> list[Child]:
        """Those that are watched."""
        return list(self._children.values())

    def _handle_exit(self, child: Child) -> None:
        assert child.process is not None
        if self._clock() - child.started_at > _STEADY_SECONDS:
            child.pause_seconds = _FIRST_PAUSE_SECONDS
        pause = child.pause_seconds
        self._say(
            f"{child.name} {describe_end(child.process.returncode)}{_place(child)};"
            f" it is started again in {pause:.0f} s"
        )
        # What it left in its session may hold connections and locks that its successor needs.
        end_all(members_of_session(child.process.pid), timeout_seconds=6)
        child.process = None
        child.restart_at = self._clock() + pause
        child.pause_seconds = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _launch(self, child: Child) -> None:
        child.process, child.started_at = child.launch(), self._clock()


def _place(child: Child) -> str:
    return f": see {child.log}" if child.log else ""


def describe_end(code: int) -> str:
    """A return code of subprocess in words."""
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"


def members_of_session(session: int) -> list[psutil.Process]:
    """The living processes of a session, whatever process group they have moved to."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return found


def end_all(processes: Iterable[psutil.Process], timeout_seconds: float) -> None:
    """TERM to all of them, KILL to those still there after `timeout_seconds`; returns when they are gone."""
    alive = list(processes)
    _signal(alive, signal.SIGTERM)
    _, alive = psutil.wait_procs(alive, timeout=timeout_seconds)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
