"""What a whole platform costs beside Airflow alone, and an hour's run beside as many tasks that do nothing."""

import json
import logging
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psutil

from include.errors import TransientError
from include.local import airflow, leftovers
from include.local.ports import free_ports
from include.settings import PROJECT_ROOT
from tools.bench.dataset import land_hour, messages
from tools.bench.measures import MEGABYTE, Measure, WrongResultError, duration, figure

log = logging.getLogger(__name__)

_IDLE_SECONDS = 180.0
_SETTLING_SECONDS = 60.0
_IDLE_AT_MOST = 1.5
_RUN_AT_MOST = 2.0
_RUN_AT_MOST_SECONDS = 15.0
_LINES = 6_000
_NEVER = 1e-6
"""Trades a second of the simulated exchange: the idle platform has nothing to do."""

_EMPTY_TASKS = '''
"""The graph of hourly_pnl with tasks that do nothing. For Airflow: dag"""
from datetime import UTC, datetime
from airflow.sdk import dag, task

def named(name):
    @task(task_id=name)
    def nothing() -> None:
        pass
    return nothing()

@dag(schedule=None, start_date=datetime(2020, 1, 1, tzinfo=UTC))
def bench_empty_tasks():
    trades, pulled, built = named("load_trades"), named("pull_reference_prices"), named("build_pnl")
    trades >> named("validate_trades") >> built
    trades >> pulled >> named("load_reference_prices") >> named("validate_reference_prices") >> built
    trades >> named("compare_captures")
    built >> named("report_findings")

bench_empty_tasks()
'''

_Found = TypeVar("_Found")


def measure(repeats: int, folder: Path) -> list[Measure]:
    """Each platform once, with an exchange that is silent; on the second one runs in turns.

    Raises:
        WrongResultError: A platform does not start, a run fails, or an hour's trades are not loaded.
    """
    with _platform(folder / "alone", has_dags=False) as alone:
        airflow_cpu, airflow_bytes = alone.idle("airflow", "postgres")
    with _platform(folder / "whole", has_dags=True) as whole:
        cpu, resident = whole.idle("")
        ours, empty = list[float](), list[float]()
        for number in range(repeats + 1):
            hour = whole.land(number)
            taken = whole.run("hourly_pnl", {"hour": hour.isoformat()})
            nothing = whole.run("bench_empty_tasks", {})
            log.info("hourly_pnl %d: %.1f s, empty tasks %.1f s", number, taken, nothing)
            if number:  # the first run of each is one of cold caches
                ours.append(taken)
                empty.append(nothing)
    ratio, slowest = cpu / airflow_cpu, max(ours)
    is_in_time = slowest <= _RUN_AT_MOST_SECONDS
    return [
        figure(
            f"idle platform: {cpu:.2f} s of CPU a minute, Airflow alone {airflow_cpu:.2f} s",
            f"{ratio:.2f}",
            f"<= {_IDLE_AT_MOST}",
            ratio <= _IDLE_AT_MOST,
        ),
        figure(
            f"- its memory, Airflow alone {airflow_bytes / MEGABYTE:,.0f} MB", f"{resident / MEGABYTE:,.0f} MB"
        ),
        duration(f"hourly_pnl of {_LINES:,} trades, limit: empty tasks", ours, empty, _RUN_AT_MOST),
        figure("- the slowest", f"{slowest:.1f} s", f"<= {_RUN_AT_MOST_SECONDS:.0f} s", is_in_time),
    ]


@contextmanager
def _platform(folder: Path, *, has_dags: bool) -> Iterator["_Platform"]:
    """What `make run` starts, from a copy of the project with a DAG more, or with none."""
    copy = folder / "project"
    for name in ("include", "plugins", "dags"):
        shutil.copytree(PROJECT_ROOT / name, copy / name)
    if has_dags:
        (copy / "dags" / "bench_empty_tasks.py").write_text(_EMPTY_TASKS)
    else:
        for file in (copy / "dags").glob("*.py"):
            file.unlink()
    airflow, exchange, provider = map(str, free_ports(3))
    simulator = [
        *(sys.executable, "-m", "include.simulator", "--rate-per-second", str(_NEVER)),
        *("--exchange-port", exchange, "--market-data-port", provider),
    ]
    state = folder / "state"
    run = [sys.executable, "-m", "include.local", "run", "--state", str(state), "--airflow-port", airflow]
    urls = {"EXCHANGE_URL": f"ws://127.0.0.1:{exchange}", "MARKET_DATA_URL": f"http://127.0.0.1:{provider}"}
    processes = []
    with (folder / "run.log").open("wb") as output:
        for command in (simulator, run):
            started = subprocess.Popen(command, cwd=copy, env=os.environ | urls, stdout=output, stderr=output)
            processes.append(started)
    try:
        yield _Platform(state)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(60)


class _Platform:
    """A running one."""

    def __init__(self, state: Path) -> None:
        self._state = state
        credentials = state / "credentials.json"
        _until(credentials.exists, 300)
        found = json.loads(credentials.read_text())["airflow"]
        self._api = airflow.Api(found["url"].rstrip("/"), found["password"])
        _until(lambda: self._call("GET", "monitor/health"), 300)
        self._api.login()

    def idle(self, *words: str) -> tuple[float, int]:
        """CPU seconds a minute, and bytes of memory, of idle processes with one of these words."""
        time.sleep(_SETTLING_SECONDS)
        before, began = self._cpu_seconds(words), time.monotonic()
        time.sleep(_IDLE_SECONDS)
        spent, minutes = self._cpu_seconds(words) - before, (time.monotonic() - began) / 60
        resident = 0
        for process in self._processes(words):
            with suppress(psutil.Error):
                resident += process.memory_full_info().pss
        return spent / minutes, resident

    def land(self, number: int) -> datetime:
        """Lands messages of an hour of the past; returns the hour."""
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30 + number)
        payloads = [text.encode() for text in messages(random.Random(number), _LINES, 0, 0)]
        land_hour(self._state / "landing", hour, payloads)
        return hour

    def run(self, dag: str, conf: dict[str, str]) -> float:
        """Triggers a run; seconds from its start to its end.

        Raises:
            WrongResultError: It fails.
        """
        _until(lambda: self._call("PATCH", f"dags/{dag}", {"is_paused": False}), 120)
        runs = f"dags/{dag}/dagRuns"
        asked = {"logical_date": None, "conf": conf}
        run = _until(lambda: self._call("POST", runs, asked), 60)["dag_run_id"]

        def ended() -> Any:
            found = self._call("GET", f"{runs}/{run}")
            return found if found and found["state"] in ("success", "failed") else None

        found = _until(ended, 300)
        if found["state"] != "success":
            raise WrongResultError(f"{dag} with {conf} failed")
        return (
            datetime.fromisoformat(found["end_date"]) - datetime.fromisoformat(found["start_date"])
        ).total_seconds()

    def _processes(self, words: tuple[str, ...]) -> Iterator[psutil.Process]:
        for process in leftovers.find(self._state):
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if any(word in line for word in words):
                    yield process

    def _cpu_seconds(self, words: tuple[str, ...]) -> float:
        """Of the living processes, and of those of their children that have ended."""
        total = 0.0
        for process in self._processes(words):
            with suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
        return total

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API; None while it does not answer, or not as asked."""
        try:
            return self._api.call(method, f"/api/v2/{path}", body)
        except TransientError:
            return None


def _until(what: Callable[[], _Found], seconds: float) -> _Found:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > deadline:
            raise WrongResultError(f"nothing after {seconds:.0f} s")
        time.sleep(0.5)
    return found
