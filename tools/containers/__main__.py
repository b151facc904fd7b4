"""The drill: `python -m tools.containers [STEP …]` tries the containers for real; `make test-containers`."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psycopg2
import requests

from tools.containers import scenarios
from tools.containers.desk import Desk
from tools.containers.isolation import docker, remove_images
from tools.containers.report import DrillError, Report
from tools.containers.stack import PREFIX, Stack

_STOPS = (signal.SIGINT, signal.SIGTERM)


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
    if shutil.which("docker") is None or docker("compose", "version").returncode != 0:
        print("skipped: Docker with Compose v2 is missing")
        return 0
    if (answer := docker("version", "--format", "{{.Server.Version}}")).returncode != 0:
        print(f"skipped: no Docker engine answers: {answer.stderr.strip()}")
        return 0
    for number in _STOPS:
        signal.signal(number, _interrupt)
    report = Report(step="engine")
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-"))
    try:
        version = docker("compose", "version", "--short").stdout.strip()
        report.say(f"Docker {answer.stdout.strip()}, Compose {version}")
        for scenario, steps in chosen.items():
            report.step = scenario
            report.say("removing every image of ours")
            remove_images()
            with Stack(scenario, folder, report, scenarios.SETTINGS[scenario]) as stack:
                _run(stack, steps)
    except DrillError as error:
        report.add("images", str(error), is_right=False)
    except KeyboardInterrupt:
        report.add("interrupted", "the steps after this one were not tried", is_right=False)
    finally:
        report.step = "end"
        report.say("removing images and files")
        with suppress(DrillError):
            remove_images()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{report.table()}\n")
    print("everything is as it should be" if report.is_right else "not everything is as it should be")
    return 0 if report.is_right else 1


def _run(stack: Stack, steps: Mapping[str, scenarios.Step]) -> None:
    """Runs the steps. What goes wrong is a row of the table, and the next step is tried."""
    report, scenario = stack.report, stack.report.step
    for name, step in steps.items():
        report.step = f"{scenario}:{name}"
        try:
            step(Desk(stack))
        except (DrillError, psycopg2.Error, requests.RequestException, StopIteration, OSError) as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            report.add(name, text.removeprefix("DrillError: "), is_right=False)
            scenarios.show_logs(stack)
            if name in scenarios.REQUIRED:
                break


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in _STOPS:  # once is enough: what follows is the removal
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
