"""What every DAG of the project keeps to."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from include.jobs.follow_market import RUN_SECONDS
from include.orchestration.notifier import FailureNotifier
from include.orchestration.timetable import HourTimetable

DAGS = Path(__file__).parents[2] / "dags"

ONCE = ("pull_reference_prices", "stream_trades", "check_freshness")
"""Tasks that see to their own retries, or that the next run repeats in a minute."""


def load(path: Path) -> ModuleType:
    """The DAG file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=sorted(DAGS.glob("*.py")), ids=lambda path: path.stem)
def dag(request: pytest.FixtureRequest) -> Any:
    """The DAG of each file, by the name of the file."""
    return getattr(load(request.param), request.param.stem)()


def test_documented_tagged_and_named_after_its_file(dag: Any) -> None:
    assert dag.dag_id in {path.stem for path in DAGS.glob("*.py")}
    assert "**rerun**" in dag.doc_md
    assert {"now", "window", "range"} & set(dag.tags)
    assert not dag.catchup


def test_every_task_has_a_verb_retries_and_a_bound(dag: Any) -> None:
    verbs = (
        "load_",
        "validate_",
        "pull_",
        "build_",
        "stream_",
        "check_",
        "reload_",
        "repull_",
        "rebuild_",
        "follow_",
        "report_",
        "clean_",
    )
    for task in dag.tasks:
        assert task.task_id.startswith(verbs)
        if task.task_id in ONCE:
            assert task.retries == 0
        else:
            assert task.retries == 3
        if task.task_id != "stream_trades":
            assert task.execution_timeout is not None


def test_a_task_pushes_one_summary_and_not_each_key_of_it(dag: Any) -> None:
    assert {task.task_id: task.multiple_outputs for task in dag.tasks} == dict.fromkeys(dag.task_ids, False)


def test_people_are_told_of_every_failure_once(dag: Any) -> None:
    for task in dag.tasks:
        callbacks = [type(callback) for callback in task.on_failure_callback]
        # an alarm tells of itself, when it is raised and when it is over
        assert callbacks == ([] if task.task_id == "check_freshness" else [FailureNotifier])
        assert not task.on_retry_callback


def test_every_job_exists(dag: Any) -> None:
    for task in dag.tasks:
        if task.task_id != "stream_trades":
            assert importlib.util.find_spec(f"include.jobs.{task.task_id}") is not None


def test_a_dag_file_reads_at_a_glance() -> None:
    for path in DAGS.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 60


def test_the_schedules() -> None:
    hourly = load(DAGS / "hourly_pnl.py").hourly_pnl()
    assert isinstance(hourly.timetable, HourTimetable)
    refresh = load(DAGS / "refresh_pnl.py").refresh_pnl()
    assert refresh.timetable.expression == "1-59/10 * * * *"
    watch = load(DAGS / "watch_freshness.py").watch_freshness()
    assert (watch.timetable.expression, watch.max_active_runs) == ("* * * * *", 1)
    assert watch.get_task("check_freshness").execution_timeout < timedelta(minutes=1)
    follow = load(DAGS / "follow_market.py").follow_market()
    assert refresh.max_active_runs == follow.max_active_runs == 1
    assert timedelta(seconds=RUN_SECONDS) < follow.get_task("follow_market").execution_timeout
    assert load(DAGS / "capture_trades.py").capture_trades().max_active_runs == 1
    clean = load(DAGS / "clean_up.py").clean_up()
    assert (clean.timetable.expression, clean.max_active_runs) == ("43 2 * * *", 1)


def test_only_a_run_about_an_hour_takes_params() -> None:
    hourly = load(DAGS / "hourly_pnl.py").hourly_pnl()
    assert hourly.params.dump() == {"hour": None, "force_prices": False}
    assert hourly.params.get_param("hour").schema["format"] == "date-time", "the form shows a picker"
    assert not load(DAGS / "refresh_pnl.py").refresh_pnl().params


@pytest.mark.parametrize("name", ["hourly_pnl", "refresh_pnl"])
def test_prices_never_block_what_does_not_need_them(name: str) -> None:
    dag = getattr(load(DAGS / f"{name}.py"), name)()
    assert dag.get_task("load_reference_prices").trigger_rule == "all_done"
    assert dag.get_task("pull_reference_prices").retries == 0
    assert dag.get_task("build_pnl").upstream_task_ids == {"validate_trades", "validate_reference_prices"}
    assert {outlet.uri for outlet in dag.get_task("build_pnl").outlets} == {"warehouse://curated/pnl_hourly"}
