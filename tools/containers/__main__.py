"""The drill: `python -m tools.containers [STEP …]` tries the containers for real; `make test-containers`."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import psycopg2
import requests

from include.containers.engine import Engine
from include.errors import TerminalError
from include.settings import PROJECT_ROOT
from tools.containers import scenarios
from tools.containers.isolation import clean_environment
from tools.containers.memory import megabytes
from tools.containers.report import DrillError, Report, table
from tools.containers.stack import PREFIX, Stack
from tools.containers.starting import versions

_STOPS = (signal.SIGINT, signal.SIGTERM)
_COMPOSE = ("docker compose", "docker-compose")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the steps; 1 when anything is not as it should be, 0 as well where no engine answers."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.containers",
        description="Tries the platform in containers for real, in installations of its own that it removes.",
        epilog=f"steps: {', '.join(scenarios.NAMES)}; local or celery alone: all of them",
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help="default: all")
    options = parser.parse_args(arguments)
    try:
        chosen = scenarios.chosen(options.steps)
    except ValueError as error:
        parser.error(str(error))
    environment = clean_environment()
    try:
        engine = Engine(PROJECT_ROOT, environment)
    except TerminalError as error:
        print(f"skipped: {error}")
        return 0
    for number in _STOPS:
        signal.signal(number, _interrupt)
    report = Report()
    images = {name: f"{PREFIX}-{os.getpid()}:{name}" for name in ("this", "next")}
    memories: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-"))
    try:
        _run(chosen, folder, report, images, memories)
    except KeyboardInterrupt:
        report.add("interrupted", "the steps after this one were not tried", is_right=False)
    finally:
        report.step = "end"
        report.say("removing images and files")
        engine.docker("image", "rm", "--force", *images.values())
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{report.table()}\n")
    for text in memories:
        print(f"{text}\n")
    print("everything is as it should be" if report.is_right else "not everything is as it should be")
    return 0 if report.is_right else 1


def _run(
    chosen: dict[str, list[str]], folder: Path, report: Report, images: dict[str, str], memories: list[str]
) -> None:
    found = [command for command in _COMPOSE if _is_there(command)]
    report.step = "engine"
    report.say(f"found {' and '.join(versions(command) for command in found)}")
    # each scenario with another one, where there are two
    composes = dict(zip(("files", "local", "celery"), (found[0], found[0], found[-1]), strict=True))
    for scenario, steps in chosen.items():
        report.step = scenario
        settings = scenarios.SETTINGS[scenario]
        with Stack(scenario, composes[scenario], folder, report, images["this"], settings) as stack:
            trial = scenarios.Scenario(stack, found, images, folder)
            for step in steps:
                report.step = f"{scenario}:{step}"
                if not _try(trial, step, report) and step in scenarios.REQUIRED:
                    break
            if stack.memory.largest:
                memories.append(_memory(scenario, stack))


def _try(trial: scenarios.Scenario, step: str, report: Report) -> bool:
    """Runs a step; whether it went well. What went wrong is a row of the table, and the next step is tried."""
    try:
        trial.run(step)
    except (
        DrillError,
        TerminalError,
        psycopg2.Error,
        requests.RequestException,
        StopIteration,
        OSError,
    ) as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        report.add(step, text.removeprefix("DrillError: "), is_right=False)
        trial.show_logs()
        return False
    return True


def _memory(scenario: str, stack: Stack) -> str:
    memory = stack.memory
    rows = [
        (
            service,
            str(memory.counts[service]),
            megabytes(memory.largest_of_one[service]),
            megabytes(memory.limits[service]),
            megabytes(size),
        )
        for service, size in sorted(memory.largest.items())
    ]
    rows.append(("all at the same time", "", "", "", megabytes(memory.largest_sum)))
    return table((f"memory, {scenario}", "containers", "most in one", "limit of one", "most in all"), rows)


def _is_there(command: str) -> bool:
    try:
        done = subprocess.run([*command.split(), "version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _STOPS:  # once is enough: what follows is the removal
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
