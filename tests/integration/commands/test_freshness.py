"""What is late, from the command line."""

from dataclasses import replace

from include.settings import Settings
from tests.factories import Database
from tests.messages import heartbeat
from tests.waiting import run_module


def test_the_command_tells_a_monitor(settings: Settings, database: Database) -> None:
    database.ran(20, window=20)
    heartbeat(settings, 1)
    assert command(settings) == (0, "capture, loading, hourly PnL and reference prices are fresh\n")
    database.insert(
        "ops.rejected_messages", landing_file_id=1, load_batch_id=database.batch(), reason_code="not_text"
    )
    code, text = command(settings)
    assert (code, len(text.splitlines())) == (0, 2), "a warning is told, but wakes nobody"
    assert text.startswith("messages_rejected: 1 message was rejected and not reviewed: not_text. What to do: ")
    database.rows("TRUNCATE ops.rejected_messages")
    heartbeat(settings, 90, silent=90)
    code, text = command(settings)
    assert (code, len(text.splitlines())) == (1, 1)
    assert text.startswith("capture_silent: ")
    code, text = command(replace(settings, warehouse_url="postgresql://u:p@127.0.0.1:1/w"))
    assert code == 1
    assert "the warehouse" in text


def command(settings: Settings) -> tuple[int, str]:
    own = {"WAREHOUSE_URL": settings.warehouse_url, "LANDING_ROOT": str(settings.landing_root)}
    done = run_module("include.commands.freshness", **own)
    return done.returncode, done.stdout
