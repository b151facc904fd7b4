"""What `make run` gives to Airflow."""

from pathlib import Path

import pytest

from include.local import airflow
from include.local.files import Secrets
from include.settings import Settings


@pytest.mark.parametrize("markets", [1, 5])
def test_tasks_that_run_all_the_time_leave_slots_to_others(tmp_path: Path, markets: int) -> None:
    """Those of each market: `stream_trades` of capture_trades, and `follow_market` of refresh_pnl."""
    settings = [Settings(warehouse_url="postgresql://pipeline:p@h:1/warehouse")] * markets
    common = airflow.common_environment({}, settings[0])
    secrets = Secrets(tmp_path / "secrets.json", size=48)
    environment = airflow.environment(common, settings, tmp_path, "postgresql://a@h/a", secrets)
    assert int(environment["AIRFLOW__CORE__PARALLELISM"]) - 2 * markets == 6
