"""What every DAG of the project keeps to."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airflow.utils.file import list_py_file_paths

from include.jobs.follow_market import HANDOVER
from include.jobs.rebuild_steps import STEPS
from include.orchestration.notifier import FailureNotifier
from include.orchestration.timetable import DayTimetable, FinalDaysTimetable, HourTimetable

DAGS = Path(__file__).parents[2] / "dags"

ONCE = ("pull_reference_prices", "stream_trades", "check_freshness")
"""Tasks that retry by themselves, or that the next run repeats."""


def load(path: Path) -> ModuleType:
    """The DAG file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dag_of(name: str) -> Any:
    """The DAG of the file with this name."""
    made = getattr(load(DAGS / f"{name}.py"), name)()
    return made[0] if isinstance(made, list) else made  # of the first market


@pytest.fixture(params=sorted(path.stem for path in DAGS.glob("*.py")))
def dag(request: pytest.FixtureRequest) -> Any:
    """The DAG of each file."""
    return dag_of(request.param)


def test_documented_tagged_and_named_after_its_file(dag: Any) -> None:
    assert dag.dag_id in {path.stem for path in DAGS.glob("*.py")}
    assert "**rerun**" in dag.doc_md
    assert {"now", "window", "range"} & set(dag.tags)
    assert not dag.catchup


def test_every_task_has_a_verb_retries_and_a_bound(dag: Any) -> None:
    verbs = (
        "load_", "validate_", "pull_", "build_", "stream_", "check_", "reload_", "repull_", "rebuild_",
        "follow_", "report_", "clean_", "compare_", "wait_", "reconcile_", "announce_", "write_", "send_",
    )  # fmt: skip
    for task in dag.tasks:
        assert task.task_id.startswith(verbs)
        assert task.retries == (0 if task.task_id in ONCE else 3)
        assert (task.execution_timeout is None) == (task.task_id == "stream_trades")


def test_a_task_pushes_one_summary_and_not_each_key_of_it(dag: Any) -> None:
    assert {task.task_id: task.multiple_outputs for task in dag.tasks} == dict.fromkeys(dag.task_ids, False)


def test_people_are_told_of_every_failure_once(dag: Any) -> None:
    for task in dag.tasks:
        callbacks = [type(callback) for callback in task.on_failure_callback]
        # an alarm tells of itself, when it is raised and when it is over
        assert callbacks == ([] if task.task_id == "check_freshness" else [FailureNotifier])
        assert not task.on_retry_callback


def test_a_dag_file_reads_at_a_glance() -> None:
    assert max(len(path.read_text().splitlines()) for path in DAGS.glob("*.py")) <= 80


def test_airflow_takes_every_file_for_a_dag_file() -> None:
    found = {Path(path).name for path in list_py_file_paths(DAGS, safe_mode=True)}
    assert found == {path.name for path in DAGS.glob("*.py")}


def test_the_schedules() -> None:
    hourly, refresh, clean = dag_of("hourly_pnl"), dag_of("refresh_pnl"), dag_of("clean_up")
    assert isinstance(hourly.timetable, HourTimetable)
    expressions = [dag.timetable.serialize()["expression"] for dag in (refresh, clean)]
    assert expressions == ["1-59/10 * * * *", "43 2 * * *"]
    reconcile = dag_of("reconcile_trades").schedule
    assert isinstance(reconcile, DayTimetable)
    assert reconcile.serialize() == {"expression": "15 0 * * *", "timezone": "Europe/Berlin"}
    assert clean.max_active_runs == dag_of("capture_trades").max_active_runs == 1


def test_a_run_that_hangs_delays_no_later_refresh() -> None:
    refresh, every = dag_of("refresh_pnl"), timedelta(minutes=10)
    assert every + HANDOVER < refresh.get_task("follow_market").execution_timeout < refresh.dagrun_timeout
    at_once = refresh.dagrun_timeout // every + 1
    assert refresh.max_active_runs > at_once, "and one that a person started"
    assert not refresh.get_task("follow_market").upstream_task_ids, "what waits in the chain holds up no pass"


def test_what_runs_all_the_time_gets_the_next_slot() -> None:
    """Airflow adds up the weights of a task and all that come after it."""
    first = dag_of("capture_trades").get_task("stream_trades"), dag_of("refresh_pnl").get_task("follow_market")
    assert min(task.priority_weight for task in first) > 10 * len(dag_of("hourly_pnl").tasks)


def test_a_task_that_fails_fails_the_run(dag: Any) -> None:
    """Airflow judges a run by its leaves: a task that runs whatever came before it must not be one."""
    judged = [task.upstream_task_ids for task in dag.leaves if task.trigger_rule == "all_success"]
    for task in dag.leaves:
        assert task.upstream_task_ids in judged, "or another leaf after the same tasks says how they ended"


def test_only_a_run_about_an_hour_takes_params() -> None:
    hourly = dag_of("hourly_pnl")
    assert hourly.params.dump() == {"hour": None, "force_prices": False}
    assert hourly.params.get_param("hour").schema["format"] == "date-time", "the form shows a picker"
    assert not dag_of("refresh_pnl").params


def test_final_days_start_the_report_of_their_day() -> None:
    announce, report = dag_of("refresh_pnl").get_task("announce_final_days"), dag_of("report_pnl")
    assert announce.upstream_task_ids == {"build_pnl"}, "what has landed counts first"
    assert announce.trigger_rule == "all_done", "a red build does not hold it up"
    assert isinstance(report.schedule, FinalDaysTimetable)
    assert [asset.name for asset in announce.outlets] == [report.schedule.asset_condition.name]
    assert announce.outlets[0].name == "curated.pnl_daily"
    assert report.params.dump() == {"day": None}
    # else a second try would find that the first one is less than five minutes old
    assert report.get_task("send_report").retry_delay > timedelta(minutes=5)


@pytest.mark.parametrize("name", ["hourly_pnl", "refresh_pnl"])
def test_prices_never_block_what_does_not_need_them(name: str) -> None:
    dag = dag_of(name)
    assert dag.get_task("load_reference_prices").trigger_rule == "all_done"
    assert dag.get_task("pull_reference_prices").retries == 0
    assert dag.get_task("build_pnl").upstream_task_ids == {"validate_trades", "validate_reference_prices"}


@pytest.mark.parametrize("name", ["hourly_pnl", "refresh_pnl"])
def test_assets_lead_from_landing_files_to_pnl(name: str) -> None:
    def names(assets: Any) -> list[str]:
        return [asset.name for asset in assets]

    steps = {task.task_id: (names(task.inlets), names(task.outlets)) for task in dag_of(name).tasks}
    assert steps["load_trades"] == (["landing/trades"], ["raw.trades"])
    assert steps["validate_trades"] == (["raw.trades"], ["curated.trades"])
    assert steps["pull_reference_prices"] == ([], ["landing/reference_prices"])
    assert steps["load_reference_prices"] == (["landing/reference_prices"], ["raw.reference_prices"])
    assert steps["validate_reference_prices"] == (["raw.reference_prices"], ["curated.reference_prices"])
    assert steps["build_pnl"] == (["curated.trades", "curated.reference_prices"], ["curated.pnl_hourly"])
    assert names(dag_of("capture_trades").get_task("stream_trades").outlets) == ["landing/trades"]


def test_assets_lead_from_a_statement_to_pnl() -> None:
    dag = dag_of("reconcile_trades")
    assert not dag.get_task("reconcile_missed_days").upstream_list, "it waits for no file of another day"
    steps = [task for task in dag.topological_sort() if task.task_id != "reconcile_missed_days"]
    assert [task.task_id for task in steps] == [
        *("wait_for_statement", "load_statement", "reconcile_trades", "validate_trades", "build_pnl"),
    ]
    inlets, outlets = (
        [{asset.name for asset in getattr(task, kind)} for task in steps] for kind in ("inlets", "outlets")
    )
    assert outlets[1:] == [
        {"landing/statements", "raw.statement_trades"},
        {"raw.trades", "ops.reconciliations"},
        {"curated.trades"},
        {"curated.pnl_hourly"},
    ]
    for read, written_before in zip(inlets[2:4], outlets[1:3], strict=True):
        assert read & written_before


def test_a_run_about_a_statement_lasts_until_the_file_must_be_there_and_delays_no_other() -> None:
    dag = dag_of("reconcile_trades")
    assert dag.params.dump() == {"day": None, "file": None}
    assert dag.params.get_param("day").schema["format"] == "date", "the form shows a picker"
    assert dag.dagrun_timeout > timedelta(hours=9), (
        "00:15 to 08:00, an hour more on the day of the October change"
    )
    assert dag.max_active_runs > 1


def test_a_rebuild_does_its_steps_one_after_the_other() -> None:
    dag = dag_of("rebuild_pnl")
    assert [task.task_id for task in dag.topological_sort()] == [step.__name__ for step in STEPS]
    assert [len(task.upstream_task_ids) for task in dag.topological_sort()] == [0, *[1] * (len(STEPS) - 1)]
