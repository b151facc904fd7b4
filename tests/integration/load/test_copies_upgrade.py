"""A warehouse of the release before: its waiting copies are decided, and its files reload, as in a new one."""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from include.jobs import build_pnl, load_trades, rebuild_steps, validate_trades
from include.landing import message_line
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from include.warehouse import migrations
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tools.fingerprint import fingerprint

_HOUR = timedelta(hours=1)
_WINDOW = RECEIVED_AT.replace(minute=0)

_DAY = date(2026, 3, 2)
_GAPS = ("capture_gap_seconds", "is_complete")
"""The time since the last look at the landing files counts as a gap, which differs between two warehouses."""

_LOADED = {
    "ops.landing_files": "ops.landing_files",
    "ops.load_batches": "ops.load_batches",
    "ops.rejected_messages": "ops.rejected_messages",
    "ops.connected_intervals": "ops.connected_intervals",
    "ops.landing_scans": "ops.landing_scans",
    "ops.pending_delivery_periods": "ops.pending_delivery_periods",
    "raw.delivery_periods": "raw.delivery_periods",
    "raw.trades": "raw.trades",
    "staging.trade_copies": "staging.earlier_copies",
}
"""What a load writes, and where the release before wrote it."""


@pytest.fixture
def older(postgres: str) -> Iterator[str]:
    """URL of an empty warehouse at the revision before equal copies stayed."""
    url = postgres.rsplit("/", 1)[0] + "/older_copies"
    with closing(Database(postgres)) as server:
        server.rows("CREATE DATABASE older_copies")
        config = Config()
        config.set_main_option("script_location", str(Path(next(iter(migrations.__path__)))))
        config.attributes["warehouse_url"] = url
        command.upgrade(config, "0008")
        yield url
        server.rows("DROP DATABASE older_copies WITH (FORCE)")


def line(seconds: float, **changes: object) -> bytes:
    """A message that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=seconds), deal(**changes).encode())


def test_waiting_copies_are_decided_after_the_upgrade(
    settings: Settings, database: Database, older: str, second_warehouse_url: str
) -> None:
    filler = b"".join(line(3700 + n, id=f"f{n}", quantity=0.1) for n in range(60))
    earlier = event(-1, "connected") + line(0, id="equal") + line(1, id="other", price=1) + line(2, id="new")
    write_landing_file(settings.landing_root, earlier, hour=_WINDOW)
    later = line(3600, id="equal") + line(3601, id="other", price=2) + filler
    write_landing_file(settings.landing_root, later, hour=_WINDOW + _HOUR)
    load_trades.run(settings, Window(_WINDOW + _HOUR, _WINDOW + 2 * _HOUR))
    validate_trades.run(settings)
    load_trades.run(settings, Window(_WINDOW, _WINDOW + _HOUR))
    with closing(Database(older)) as old:
        move_rows(database, old)
        assert old.value("SELECT count(*) FROM staging.earlier_copies") == 2
    settings, fresh = (
        replace(settings, warehouse_url=older),
        replace(settings, warehouse_url=second_warehouse_url),
    )
    migrate(older)
    for one in (settings, fresh):
        load_trades.run(one)
        validate_trades.run(one)
        build_pnl.run(one)
    with closing(Database(older)) as upgraded, closing(Database(second_warehouse_url)) as new:
        expected = fingerprint(new, without=_GAPS)
        assert fingerprint(upgraded, without=_GAPS) == expected
        assert upgraded.rows("SELECT price_eur_per_mwh::int FROM raw.trades WHERE trade_id = 'other'") == [(1,)]
        assert upgraded.value("SELECT count(*) FROM staging.trade_copies") == 0
        rebuild_steps.run(settings, Rebuild("r", DeliveryDays(_DAY, _DAY), reload=True))
        assert fingerprint(upgraded, without=_GAPS) == expected
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def move_rows(source: Database, target: Database) -> None:
    """Copies what was loaded into a warehouse of the release before."""
    for table, older_table in _LOADED.items():
        columns = target.value(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            (older_table,),
        )
        rows = io.StringIO()
        source.cursor.copy_expert(f"COPY (SELECT {columns} FROM {table}) TO STDOUT", rows)
        rows.seek(0)
        target.cursor.copy_expert(f"COPY {older_table} ({columns}) FROM STDIN", rows)
    for table, number in (
        ("ops.landing_files", "landing_file_id"),
        ("ops.load_batches", "load_batch_id"),
        ("ops.pending_delivery_periods", "pending_id"),
    ):
        target.rows(f"SELECT setval(pg_get_serial_sequence('{table}', '{number}'), 1000)")
