"""Repeats the tasks of one kind of run, as Airflow would run them, until SIGTERM."""

import argparse
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from include.errors import TransientError
from include.jobs import (
    build_pnl,
    load_reference_prices,
    load_trades,
    pull_reference_prices,
    rebuild_steps,
    validate_reference_prices,
    validate_trades,
)
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings

HOUR = timedelta(hours=1)
_TRIES = 20
_PAUSE_SECONDS = 0.2
_PULL_SECONDS = 1.0

Task = tuple[str, Callable[[], object]]


def pipeline(settings: Settings, window: Window | None = None, *, has_pull: bool = True) -> list[Task]:
    """The tasks of `refresh_pnl`, or with a window those of `hourly_pnl`, in their order."""
    pull: list[Task] = [
        (
            "pull_reference_prices",
            lambda: pull_reference_prices.run(settings, window, deadline_seconds=_PULL_SECONDS),
        )
    ]
    return [
        ("load_trades", lambda: load_trades.run(settings, window)),
        ("validate_trades", lambda: validate_trades.run(settings)),
        *(pull if has_pull else ()),
        ("load_reference_prices", lambda: load_reference_prices.run(settings)),
        ("validate_reference_prices", lambda: validate_reference_prices.run(settings)),
        ("build_pnl", lambda: build_pnl.run(settings, window)),
    ]


def passes(kind: str, settings: Settings, start_at: datetime, hours: int) -> Iterator[list[Task]]:
    """The tasks of one run after the other, for ever.

    Args:
        kind: `live`, `hourly` (the current hour), `backfill` (the hours of the past, the last one first) or
            `rebuild` (all delivery days since the start, every second time with their landing files).
        settings: Of the platform.
        start_at: First UTC hour of the past.
        hours: How many there are.
    """
    number = 0
    while True:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        if kind == "live":
            yield pipeline(settings)
        elif kind == "hourly":
            yield pipeline(settings, Window(now, now + HOUR))
        elif kind == "backfill":
            hour = start_at + (hours - 1 - number % hours) * HOUR
            yield pipeline(settings, Window(hour, hour + HOUR), has_pull=False)
        else:
            days = DeliveryDays((start_at - 10 * 24 * HOUR).date(), (now + 72 * HOUR).date())
            rebuild = Rebuild(f"rebuild {number}", days, reload=number % 2 == 1)
            yield [("rebuild_pnl", partial(rebuild_steps.run, settings, rebuild))]
        number += 1


class Outcomes:
    """What happened to the tasks.

    Attributes:
        passes: Runs that were finished.
        transient: Failures that were tried again: `task: cause` to their number.
    """

    def __init__(self) -> None:
        self.passes = 0
        self.transient: Counter[str] = Counter()

    def run(self, tasks: list[Task]) -> None:
        """One run.

        Raises:
            TransientError: A task failed with all its tries.
            TerminalError: A task failed.
        """
        for name, call in tasks:
            self._try(name, call)
        self.passes += 1

    def summary(self) -> dict[str, Any]:
        """All of it, as JSON knows it."""
        return {"passes": self.passes, "transient": dict(self.transient)}

    def _try(self, name: str, call: Callable[[], object]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                call()
                return
            except TransientError as error:
                cause = type(error.__cause__).__name__ if error.__cause__ else str(error)[:100]
                self.transient[f"{name}: {cause}"] += 1
                if not left:
                    raise
                time.sleep(_PAUSE_SECONDS)


def main() -> int:
    """Runs the command: a line of JSON a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.concurrency.worker", description=__doc__)
    parser.add_argument("kind", choices=("live", "hourly", "backfill", "rebuild"))
    parser.add_argument("start_at", type=datetime.fromisoformat)
    parser.add_argument("hours", type=int)
    options = parser.parse_args()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    settings, outcomes = Settings.from_environment(), Outcomes()
    for tasks in passes(options.kind, settings, options.start_at, options.hours):
        if stopping:
            return 0
        outcomes.run(tasks)
        sys.stdout.write(json.dumps(outcomes.summary()) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
