"""The steps of the drill by name, in their order, and what each scenario's installation is like."""

from collections.abc import Callable, Mapping, Sequence

from tools.containers import backups, kills, scaling, starting, upgrading
from tools.containers.desk import Desk
from tools.containers.isolation import docker
from tools.containers.stack import Stack

STEPS: Mapping[str, tuple[str, ...]] = {
    "files": ("compose", "secret"),
    "local": ("start", "inspect", "scale", "kill", "upgrade", "backup", "down", "rebuild"),
    "celery": ("start", "inspect", "scale", "kill"),
}
"""Scenario to its steps. `files` starts nothing."""

NAMES = tuple(f"{scenario}:{step}" for scenario, steps in STEPS.items() for step in steps)
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "files": {"COMPOSE_PROFILES": "demo,celery,monitoring"},
    "local": {"COMPOSE_PROFILES": "demo,monitoring"},
    # with an image of another name
    "celery": {
        "COMPOSE_PROFILES": "demo,celery,monitoring",
        "EXECUTOR": "CeleryExecutor",
        "IMAGE": "desk-drill:celery",
    },
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


def run(stack: Stack, step: str) -> None:
    """Runs a step by its name.

    Raises:
        DrillError: Something is not as it should be.
    """
    desk = Desk(stack)
    is_celery = "EXECUTOR" in stack.environment
    steps: dict[str, Callable[[], None]] = {
        "compose": lambda: starting.is_accepted(stack),
        "secret": lambda: starting.lacks_a_secret(stack),
        "start": lambda: starting.from_nothing(desk),
        "inspect": lambda: starting.inspect(desk),
        "scale": lambda: (scaling.workers if is_celery else scaling.captures)(desk),
        "kill": lambda: kills.kill_in_turn(desk, starting.services(stack, is_celery)),
        "upgrade": lambda: upgrading.upgrade(desk),
        "backup": lambda: backups.backup_and_restore(desk),
        "down": lambda: backups.down_keeps_the_data(desk),
        "rebuild": lambda: backups.rebuild_from_landing_files(desk),
    }
    steps[step]()


def show_logs(stack: Stack) -> None:
    """Shows the last lines of whatever is not well, or of everything."""
    found = stack.containers()
    for container in [c for c in found if not c.is_healthy] or found:
        stack.report.say(f"the log of {container.name} ends with")
        done = docker("logs", "--tail", _LOG_LINES, container.id)
        for line in (done.stdout + done.stderr).splitlines():
            print(f"           | {line[:300]}", flush=True)  # noqa: T201
