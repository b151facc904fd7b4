"""Loaders, builders and reconcilers are killed, and their PostgreSQL: the tables say the same as without."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from include.jobs import load_trades, rebuild_steps
from include.load import audit, processes
from include.local.postgres import EmbeddedPostgres
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from tests.concurrency.worker import Task
from tests.torture.conftest import Torture
from tests.torture.scenario import DAYS, FIRST, HOUR, Landing, Scenario, run_all, tasks
from tests.torture.server import Worker, kill_backend, prepare, settings_of, warehouse
from tools.fingerprint import fingerprint

MakeTasks = Callable[[Settings], list[Task]]
MIN_KILLS_A_ROUND, MAX_KILLS_A_ROUND = 3, 10
MAX_SECONDS = 900.0
"""The long form ends with the trial that is under way then."""
LEFTOVERS = ("ops.pending_delivery_periods", "staging.pnl_hourly", "staging.trade_copies")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """One that keeps what was committed, as it has to."""
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    try:
        prepare(postgres)
        yield postgres
    finally:
        postgres.stop()


def rebuilding(name: str, settings: Settings) -> list[Task]:
    """A rebuild of all days with their landing files; of the same name, it goes on where it was killed."""
    rebuild = Rebuild(name, DeliveryDays(*DAYS), reload=True)
    return [("rebuild", lambda: rebuild_steps.run(settings, rebuild))]


def hourly(number: int, settings: Settings) -> list[Task]:
    """What was received in some hours, then everything."""
    start = FIRST + number * HOUR
    window = Window(start, start + 24 * HOUR)
    return [("load_trades", lambda: load_trades.run(settings, window)), *tasks(settings)]


def loading_in_processes(settings: Settings) -> list[Task]:
    """The load has processes of its own, however little there is to load."""
    processes.BYTES_PER_PROCESS = 1_000
    return tasks(settings)


def chosen(random: Random, number: int, is_long: bool) -> MakeTasks:
    """What a process does."""
    choices: list[MakeTasks] = [tasks, tasks, partial(hourly, random.randrange(72))]
    choices.append(partial(rebuilding, f"rebuild {number} {random.random()}"))
    if is_long:
        choices.append(loading_in_processes)
    return random.choice(choices)


@pytest.mark.timeout(300)  # each killed process does its work anew, and others have the cores as well
def test_kills(torture: Torture, server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Two processes race; both, or what serves them in PostgreSQL, are killed again and again at any moment."""
    kills, random, trials = Counter[str](), torture.random, 0
    end = time.monotonic() + MAX_SECONDS
    for number in torture.trials(1, 20):
        if time.monotonic() > end:
            break
        trials += 1
        scenario = Scenario.made(random, 200 if torture.is_long else 60, 4 if torture.is_long else 2)
        folder = tmp_path / str(number)
        undisturbed, settings = (
            settings_of(server, folder / "undisturbed"),
            settings_of(server, folder / "killed"),
        )
        scenario.write(undisturbed.landing_root)
        with warehouse(server) as database:
            database.forget_everything()
            run_all(undisturbed)
            expected = fingerprint(database)
            database.forget_everything()
        landing = Landing(scenario, settings.landing_root)
        parts = 3 if torture.is_long else 2
        for part in range(parts):
            if part < parts - 1:
                landing.reveal(random, 0.5)
            else:
                landing.finish()
            choose = partial(chosen, random, number, torture.is_long)
            kills.update(race(random, server, settings, choose, folder))
        with warehouse(server) as database:
            run_all(settings)
            assert fingerprint(database) == expected
            for table in LEFTOVERS:
                assert database.value(f"SELECT count(*) FROM {table}") == 0, table
            unaccepted = "SELECT count(*) FROM ops.load_batches WHERE state <> 'accepted'"
            assert database.value(unaccepted) == 0
            assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]
    assert kills.total() >= 5 * trials
    where = ", ".join(f"{count} in {name}" for name, count in kills.most_common())
    torture.report(
        "A killed task leaves nothing behind, and its repetition does the rest",
        f"{kills.total()} kills of two racing processes and of their PostgreSQL in {trials} histories: {where}",
        "all tables equal an undisturbed run, each line accounted for",
    )


def race(
    random: Random, server: EmbeddedPostgres, settings: Settings, choose: Callable[[], MakeTasks], folder: Path
) -> Counter[str]:
    """Starts two processes again and again until they are done; returns what was killed.

    On a fast machine they are done before enough was killed: then others follow.
    """
    kills = Counter[str]()
    racing = [choose(), choose()]
    workers = [Worker(make_tasks, settings, folder) for make_tasks in racing]
    while kills.total() < MIN_KILLS_A_ROUND or any(not worker.is_done for worker in workers):
        pause = random.uniform(0.0, random.choice([0.1, 0.6, 3.0]))
        victim = random.randrange(2)
        workers[victim].process.join(pause)
        if kills.total() >= MAX_KILLS_A_ROUND:
            workers[0].process.join(1.0)
            workers[1].process.join(1.0)
        elif random.random() < 0.2:
            kills["a backend of PostgreSQL"] += kill_backend(server, random.randrange(9))
        elif workers[victim].is_done:
            if kills.total() < MIN_KILLS_A_ROUND:
                racing[victim] = choose()
                workers[victim] = Worker(racing[victim], settings, folder)
        else:
            if doing := workers[victim].kill():
                kills[doing] += 1
            workers[victim] = Worker(racing[victim], settings, folder)
    return kills
