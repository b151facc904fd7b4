"""The steps of the drill by name, in their order, and what each scenario's installation is like."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.containers import backups, kills, scaling, starting, upgrading
from tools.containers.desk import Desk
from tools.containers.memory import megabytes
from tools.containers.stack import Stack

STEPS: Mapping[str, tuple[str, ...]] = {
    "files": ("compose", "secret"),
    "local": ("start", "inspect", "scale", "kill", "upgrade", "backup", "down", "rebuild"),
    "celery": ("start", "inspect", "scale", "kill"),
}
"""Scenario to its steps. `files` starts nothing."""

NAMES = tuple(f"{scenario}:{step}" for scenario, steps in STEPS.items() for step in steps)
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "files": {},
    "local": {},
    "celery": {"EXECUTOR": "CeleryExecutor", "WORKERS": "2"},
}
REQUIRED = ("start",)
"""Without these the other steps of the scenario mean nothing."""

_LOG_LINES = "15"


def chosen(names: Sequence[str]) -> dict[str, list[str]]:
    """Scenario to the steps that are to be run, with what they need, in order.

    Args:
        names: `local`, `local:kill`, …; none: all.

    Raises:
        ValueError: There is no such step.
    """
    unknown = sorted(set(names) - set(STEPS) - set(NAMES))
    if unknown:
        raise ValueError(f"no such step: {', '.join(unknown)}")
    found: dict[str, list[str]] = {}
    for scenario, steps in STEPS.items():
        is_whole = not names or scenario in names
        wanted = [step for step in steps if is_whole or f"{scenario}:{step}" in names]
        if wanted:
            found[scenario] = [step for step in steps if step in wanted or step in REQUIRED]
    return found


class Scenario:
    """One installation and what is done with it.

    Args:
        stack: The installation.
        composes: The compose commands that are there.
        images: `this` and `next` to names of images.
        folder: For backups.
    """

    def __init__(self, stack: Stack, composes: Sequence[str], images: Mapping[str, str], folder: Path) -> None:
        self._stack = stack
        self._desk = Desk(stack)
        self._composes = composes
        self._images = images
        self._folder = folder

    def run(self, step: str) -> None:
        """Runs a step by its name.

        Raises:
            DrillError: Something is not as it should be.
        """
        is_celery = "EXECUTOR" in self._stack.environment
        steps: dict[str, Callable[[], None]] = {
            "compose": lambda: starting.are_accepted(self._stack, self._composes),
            "secret": lambda: starting.lacks_a_secret(self._stack),
            "start": self._start,
            "inspect": lambda: starting.inspect(self._desk),
            "scale": lambda: (scaling.workers if is_celery else scaling.captures)(self._desk),
            "kill": lambda: kills.kill_in_turn(self._desk, starting.services(self._stack, is_celery)),
            "upgrade": lambda: upgrading.upgrade(self._desk, self._images["next"]),
            "backup": self._back_up,
            "down": lambda: backups.down_keeps_the_data(self._desk),
            "rebuild": lambda: backups.rebuild_from_landing_files(self._desk),
        }
        steps[step]()

    def show_logs(self) -> None:
        """Shows the last lines of whatever is not well, or of everything."""
        found = self._stack.containers()
        for container in [c for c in found if not c.is_healthy] or found:
            self._stack.report.say(f"the log of {container.name} ends with")
            done = self._stack.engine.docker("logs", "--tail", _LOG_LINES, container.id)
            for line in (done.stdout + done.stderr).splitlines():
                print(f"           | {line[:300]}", flush=True)  # noqa: T201

    def _start(self) -> None:
        engine, image, report = self._stack.engine, self._images["this"], self._stack.report
        if engine.docker("image", "inspect", image).returncode != 0:
            report.say("building the image (two minutes the first time)")
            seconds = self._stack.build(image, "this")
            size = engine.docker("image", "inspect", "--format", "{{.Size}}", image).stdout
            report.add("build of the image", f"size {megabytes(int(size))}", seconds)
        starting.from_nothing(self._desk)

    def _back_up(self) -> None:
        folder = self._folder / "backup"
        folder.mkdir()
        backups.backup_and_restore(self._desk, folder)
