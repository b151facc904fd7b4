"""Which log files are removed."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.orchestration.clean_up import KEEP_DAYS, main, remove_logs

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def write(path: Path, days: float) -> Path:
    """A file that was last written to so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def test_logs_of_a_known_run_stay_and_so_does_what_was_written_lately(tmp_path: Path) -> None:
    dag = tmp_path / "dag_id=d"
    known = write(dag / "run_id=known" / "task_id=t" / "attempt=1.log", 400)
    fresh = write(dag / "run_id=fresh" / "task_id=t" / "attempt=1.log", 1)
    half = [write(dag / "run_id=half" / "task_id=t" / f"attempt={n}.log", n * 29) for n in (1, 2)]
    old = write(dag / "run_id=old" / "task_id=t" / "attempt=1.log", KEEP_DAYS + 1)
    assert remove_logs(tmp_path, {("d", "known"), ("e", "old")}, NOW) == 1
    assert all(path.exists() for path in (known, fresh, *half))
    assert not old.parents[1].exists()


def test_old_logs_of_components_go(tmp_path: Path) -> None:
    write(tmp_path / "dag_processor" / "2025-01-01" / "dags" / "a.py.log", 400)
    young = write(tmp_path / "dag_processor" / "2026-03-01" / "dags" / "a.py.log", 1)
    (tmp_path / "dag_processor" / "latest").symlink_to(young.parents[1])
    at_the_top = write(tmp_path / "a_file_of_somebody.txt", 400)
    assert remove_logs(tmp_path, set(), NOW) == 1
    assert young.exists()
    assert at_the_top.exists()


def test_no_folder_is_nothing_to_do(tmp_path: Path) -> None:
    assert remove_logs(tmp_path / "none", set(), NOW) == 0


@pytest.mark.parametrize("days", ["0", "-1", "36501", "99999999999999999999"])
def test_less_than_a_day_and_more_than_a_century_are_refused(
    days: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--days", days])
    assert "from 1 to 36,500" in capsys.readouterr().err
