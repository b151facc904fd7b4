"""Deletes old runs, other old rows and old logs of Airflow."""

import json
import logging
import subprocess
import sys

from include.errors import TerminalError, TransientError
from include.settings import Settings

log = logging.getLogger(__name__)

COMMAND = ("-m", "include.orchestration.clean_up")
"""In a process of its own: a task of Airflow has no access to Airflow's database."""


def run(settings: Settings) -> dict[str, int]:
    """Runs include.orchestration.clean_up.

    Returns:
        Counts: runs and log_files.

    Raises:
        TerminalError: AIRFLOW_DATABASE_URL is not set.
        TransientError: It failed; a retry removes the rest.
    """
    if not settings.airflow_database_url:
        raise TerminalError(
            "AIRFLOW_DATABASE_URL is not set: give Airflow's processes the URL of Airflow's own database"
        )
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True, check=False)
    log.info("%s", done.stderr)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise TransientError(f"cleaning up Airflow ended with code {done.returncode}: {last}")
    counts: dict[str, int] = json.loads(done.stdout.strip().splitlines()[-1])
    return counts
