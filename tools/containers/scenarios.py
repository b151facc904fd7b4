"""The steps of the drill by name, in their order, and what each scenario's installation is like."""

from collections.abc import Callable, Mapping, Sequence

from tools.containers import backups, kills, scaling, starting, upgrading
from tools.containers.desk import Desk
from tools.containers.isolation import docker
from tools.containers.stack import Stack

Step = Callable[[Desk], None]


def _kill(desk: Desk) -> None:
    kills.kill_in_turn(desk, starting.services(desk.stack, "EXECUTOR" in desk.stack.environment))


STEPS: Mapping[str, Mapping[str, Step]] = {
    "files": {"compose": starting.is_accepted, "secret": starting.lacks_a_secret},
    "local": {
        "start": starting.from_nothing,
        "inspect": starting.inspect,
        "scale": scaling.captures,
        "kill": _kill,
        "upgrade": upgrading.upgrade,
        "backup": backups.backup_and_restore,
        "down": backups.down_keeps_the_data,
        "rebuild": backups.rebuild_from_landing_files,
    },
    "celery": {
        "start": starting.from_nothing,
        "inspect": starting.inspect,
        "scale": scaling.workers,
        "kill": _kill,
    },
}
"""Scenario to its steps, in their order. `files` starts nothing."""

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


def chosen(names: Sequence[str]) -> dict[str, dict[str, Step]]:
    """Scenario to the steps that are to be run, with what they need, in order.

    Args:
        names: `local`, `local:kill`, …; none: all.

    Raises:
        ValueError: There is no such step.
    """
    unknown = sorted(set(names) - set(STEPS) - set(NAMES))
    if unknown:
        raise ValueError(f"no such step: {', '.join(unknown)}")
    found: dict[str, dict[str, Step]] = {}
    for scenario, steps in STEPS.items():
        is_whole = not names or scenario in names
        wanted = {name for name in steps if is_whole or f"{scenario}:{name}" in names}
        if wanted:
            found[scenario] = {name: step for name, step in steps.items() if name in {*wanted, *REQUIRED}}
    return found


def show_logs(stack: Stack) -> None:
    """Shows the last lines of whatever is not well, or of everything."""
    found = stack.containers()
    for container in [c for c in found if not c.is_healthy] or found:
        stack.report.say(f"the log of {container.name} ends with")
        done = docker("logs", "--tail", _LOG_LINES, container.id)
        for line in (done.stdout + done.stderr).splitlines():
            print(f"           | {line[:300]}", flush=True)  # noqa: T201
