"""Runs DAGs once each by `dag.test()`, in a process with Airflow's environment; prints the states as JSON.

Arguments: a JSON object of DAG id to the run's params.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager

from include.capture import service
from tests.dags.test_policy import dag_of


def states(dag_id: str, params: dict[str, Any]) -> dict[str, str]:
    """Task to its state after a run."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    dag = dag_of(dag_id)
    began = time.monotonic()
    run = dag.test(logical_date=hour if dag_id == "hourly_pnl" else None, run_conf=params)
    print(f"{dag_id}: {time.monotonic() - began:.1f} s", file=sys.stderr)  # noqa: T201
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


if __name__ == "__main__":
    # the stream has no end of its own
    service.run_capture = lambda *_: SimpleNamespace(messages=1, connections=1)
    DagBundlesManager().sync_bundles_to_db()
    found = {dag_id: states(dag_id, params) for dag_id, params in json.loads(sys.argv[1]).items()}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
