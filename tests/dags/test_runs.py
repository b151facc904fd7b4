"""Each DAG runs to its end, once, on a real warehouse and a migrated database of Airflow."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from include.settings import PROJECT_ROOT, Settings
from tests.dags.test_policy import DAGS
from tests.factories import Database
from tests.integration.health.receivers import mail_receiver
from tests.integration.pull.server import Answer, price, scripted_provider
from tests.messages import deal, landed, write_landing_file


@pytest.mark.timeout(300)
def test_each_dag_runs_to_its_end(
    postgres: str, settings: Settings, database: Database, tmp_path: Path
) -> None:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE airflow_dag_tests")
    metadata_url = f"{postgres.rsplit('/', 1)[0]}/airflow_dag_tests".replace("://", "+psycopg2://")
    now = datetime.now(UTC)
    tomorrow, received_at = f"{now + timedelta(days=1):%Y-%m-%d}", now - timedelta(hours=1)
    trades = [deal(id="1", delivery_day=tomorrow, delivery_hour="15-16")]
    hour = received_at.replace(minute=0, second=0, microsecond=0)
    write_landing_file(settings.landing_root, landed(trades, hour), hour=hour)
    statements = tmp_path / "statements"
    statements.mkdir()
    yesterday = now.astimezone(settings.market.timezone).date() - timedelta(days=1)
    file = statements / f"epex_trades_{yesterday:%Y%m%d}.csv"
    file.write_text("id,price,quantity,direction,delivery_day,delivery_hour,trader_id,execution_time\n")
    os.utime(file, (now.timestamp() - 3600,) * 2)
    # final whatever is open, since half past twelve of yesterday
    final = yesterday - timedelta(days=1)
    database.period(final, "12-13")
    params: dict[str, dict[str, str]] = {path.stem: {} for path in sorted(DAGS.glob("*.py"))}
    params["rebuild_pnl"] = {"from": tomorrow, "to": tomorrow}
    params["report_pnl"] = params.pop("report_pnl") | {"day": f"{final}"}  # after refresh_pnl has announced it
    with scripted_provider() as provider, mail_receiver() as mail:
        provider.script = [price(42.5), Answer(404)]
        environment = os.environ | {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url,
            "AIRFLOW_DATABASE_URL": metadata_url,
            "WAREHOUSE_URL": settings.warehouse_url,
            "LANDING_ROOT": str(settings.landing_root),
            "STATEMENT_FOLDER": str(statements),
            "DATA_DOCS_ROOT": str(settings.data_docs_root),
            "REPORT_ROOT": str(tmp_path / "reports"),
            "REPORT_URLS": mail.url(),
            "MARKET_DATA_URL": provider.url,
            "PYTHONPATH": str(PROJECT_ROOT),
        }

        def run(*arguments: str) -> str:
            line = [sys.executable, "-m", *arguments]
            done = subprocess.run(
                line, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
            return done.stdout

        run("airflow", "db", "migrate")
        states = json.loads(run("tests.dags.run_dags", json.dumps(params)).splitlines()[-1])
    assert {dag_id: set(tasks.values()) for dag_id, tasks in states.items()} == {
        dag_id: {"success"} for dag_id in params
    }
    assert database.rows("SELECT trade_count, price_status FROM curated.pnl_hourly") == [(1, "provisional")]
    with closing(psycopg2.connect(metadata_url.replace("+psycopg2", ""))) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT partition_key FROM asset_event WHERE source_task_id = 'announce_final_days'")
        assert cursor.fetchall() == [(f"{final}",)], "what starts a run of report_pnl for the day"
    (sent,) = mail.mails
    assert f"Subject: PnL {final} DE" in sent
    assert [file.name for file in (tmp_path / "reports").iterdir()] == [f"pnl-{final}.xlsx"]
    recorded = database.rows("SELECT dag_id, task_id FROM ops.task_runs WHERE state = 'success'")
    assert sorted(recorded) == sorted((dag_id, task) for dag_id, tasks in states.items() for task in tasks)
    windows = "SELECT DISTINCT dag_id, window_start_at FROM ops.task_runs WHERE window_start_at IS NOT NULL"
    assert database.rows(windows) == [("hourly_pnl", hour)]
