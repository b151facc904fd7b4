"""An engineer's decision on a blocked batch, from the command line."""

import os
import subprocess
import sys

import pytest

from include.errors import TerminalError
from include.jobs import validate_trades
from include.settings import PROJECT_ROOT, Settings
from tests.integration.expectations.conftest import Warehouse


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "include.commands.review", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "WAREHOUSE_URL": settings.warehouse_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_list_says_what_is_wrong(settings: Settings, warehouse: Warehouse) -> None:
    warehouse.trades(14)
    batch_id = warehouse.batch(loaded=1)
    warehouse.trade(batch_id, quantity_mw="0")
    with pytest.raises(TerminalError):
        validate_trades.run(settings)
    listed = run(settings, "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"batch {batch_id}: 1 rows and 0 rejects of trades from trades/date=" in listed.stdout
    assert "each quantity is above 0 MW" in listed.stdout
    assert listed.stdout.count("batch ") == 1
    done = run(settings, "discard", str(batch_id), "--reason", "wrong")
    assert (done.returncode, done.stderr) == (0, "")
    assert run(settings, "list").stdout == "no batch is blocked\n"


def test_a_wrong_command_gets_one_line(settings: Settings) -> None:
    done = run(settings, "accept", "4711", "--reason", "why")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "there is no batch 4711" in done.stderr
    assert run(settings, "accept", "4711").returncode == 2
