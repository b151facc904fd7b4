"""A loader that is killed in the middle of a transaction leaves nothing behind and loses nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.jobs import load_trades
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file

LINES = 60_000
PROJECT = Path(__file__).parents[3]
LOAD = (
    "from include.jobs import load_trades; from include.settings import Settings;"
    " load_trades.run(Settings.from_environment())"
)


@pytest.mark.parametrize("rows_before_the_kill", [1, 30_000])
def test_sigkill_in_mid_transaction(settings: Settings, database: Database, rows_before_the_kill: int) -> None:
    write_landing_file(settings.landing_root, landed([deal(id=str(n)) for n in range(LINES)]))
    loader = subprocess.Popen(
        [sys.executable, "-c", LOAD],
        cwd=PROJECT,
        env=os.environ | {"WAREHOUSE_URL": settings.warehouse_url, "LANDING_ROOT": str(settings.landing_root)},
    )
    # rows of the open transaction are on disk long before anybody can see them
    deadline = time.monotonic() + 60
    while database.value("SELECT pg_relation_size('raw.trades')") < rows_before_the_kill * 100:
        assert time.monotonic() < deadline
        assert loader.poll() is None, "the loader ended before it could be killed"
    loader.send_signal(signal.SIGKILL)
    assert loader.wait() == -signal.SIGKILL
    assert database.value("SELECT count(*) FROM raw.trades") == 0
    assert load_trades.run(settings)["loaded_count"] == LINES
    assert database.value("SELECT count(*) FROM raw.trades") == LINES
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
