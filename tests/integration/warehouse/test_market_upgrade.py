"""A warehouse of the release before, upgraded in place, says the same as a new one."""

import io
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.jobs import build_pnl, load_trades, rebuild_steps, validate_trades
from include.landing import message_line
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tests.passes import validate_landed
from tools.fingerprint import fingerprint

_DAY = date(2026, 3, 2)
_GAPS = ("capture_gap_seconds", "is_complete")
"""The time since the last look at the landing files counts as a gap, which differs between two warehouses."""

_TABLES = (
    "ops.landing_files", "ops.load_batches", "ops.rejected_messages", "ops.connected_intervals",
    "ops.landing_scans", "raw.trades",
)  # fmt: skip


def line(seconds: float, **changes: object) -> bytes:
    """A message that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=seconds), deal(**changes).encode())


@pytest.mark.parametrize("older", ["0013"], indirect=True)
def test_an_upgraded_warehouse_says_what_a_new_one_says(
    settings: Settings, database: Database, older: str, second_warehouse_url: str
) -> None:
    """Labels in other spellings, quarters with rows of PnL of their own, and decisions on whole batches."""
    october = {"delivery_day": "2026-10-25"}
    files = {
        "labels": line(1, id="plain") + line(2, id="clock", delivery_hour="15:00-16:00")
        + line(3, id="quarter", delivery_hour="15:15-15:30") + line(4, id="oct", delivery_hour="03A", **october)
        + line(5, id="octq", delivery_hour="02:15-02:30", **october),
        "waits": line(6, id="good") + line(7, id="bounds", price=99_999),
        "accepted": line(8, id="right", price=-12_000),
        "discarded": line(9, id="wrong", quantity=-3),
    }  # fmt: skip
    for name, content in files.items():
        write_landing_file(settings.landing_root, event(0, "connected") + content, name)
    load_trades.run(settings)
    with closing(Database(older)) as old:
        move(database, old)
        make_older(old)
    migrate(older)
    upgraded = replace(settings, warehouse_url=older)
    validate_trades.run(upgraded)
    build_pnl.run(upgraded)
    fresh = replace(settings, warehouse_url=second_warehouse_url)
    validate_landed(fresh)
    with closing(Database(older)) as one, closing(Database(second_warehouse_url)) as other:
        review = (
            "UPDATE ops.quarantined_trades SET review = %s, review_reason = 'r', reviewed_at = now()"
            " WHERE trade_id = %s"
        )
        for decision, trade in (("accept", "right"), ("discard", "wrong")):
            other.rows(review, (decision, trade))
        build_pnl.run(fresh)
        expected = fingerprint(other, without=_GAPS)
        # the message that was discarded with its batch is a reject until its file is loaded again
        assert of_curated(fingerprint(one, without=_GAPS)) == of_curated(expected)
        decided = "SELECT trade_id, review FROM ops.quarantined_trades ORDER BY 1"
        assert one.rows(decided) == other.rows(decided)
        assert one.rows(decided) == [("bounds", None), ("right", "accept"), ("wrong", "discard")]
        for day in (_DAY, date(2026, 10, 25)):
            rebuild_steps.run(upgraded, Rebuild(f"r{day}", DeliveryDays(day, day), reload=True))
        assert fingerprint(one, without=_GAPS) == expected
        assert one.rows(decided) == other.rows(decided)
    assert not [problem for file in audit.run(upgraded) for problem in file.problems]


def of_curated(tables: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Those of the tables that analysts read; of PnL without the versions that were replaced."""
    return {name: hashed for name, hashed in tables.items() if name.startswith("curated.")}


def move(source: Database, target: Database) -> None:
    """Copies what a load writes, in the columns of the release before."""
    for table in _TABLES:
        schema, name = table.split(".")
        columns = ", ".join(
            column
            for (column,) in target.rows(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s AND column_name NOT LIKE 'review%%'",
                (schema, name),
            )
        )
        rows = io.StringIO()
        source.cursor.copy_expert(f"COPY (SELECT {columns} FROM {table}) TO STDOUT", rows)
        rows.seek(0)
        target.cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", rows)
    periods = io.StringIO()
    columns = (
        "delivery_day, delivery_hour, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous,"
        " tradable_from, tradable_until, price_final_from"
    )
    source.cursor.copy_expert(
        f"COPY (SELECT {columns} FROM raw.delivery_periods AS p WHERE EXISTS (SELECT FROM raw.trades AS t"
        " WHERE (t.delivery_day, t.delivery_hour) = (p.delivery_day, p.delivery_hour))) TO STDOUT",
        periods,
    )
    periods.seek(0)
    target.cursor.copy_expert(f"COPY raw.delivery_periods ({columns}) FROM STDIN", periods)
    for table, number in (("ops.landing_files", "landing_file_id"), ("ops.load_batches", "load_batch_id")):
        target.rows(f"SELECT setval(pg_get_serial_sequence('{table}', '{number}'), 1000)")


def make_older(old: Database) -> None:
    """What the release before would have made of the same files."""
    for label, written, trade in (("15-16", "15:00-16:00", "clock"), ("02-03A", "03A", "oct")):
        old.rows(
            "INSERT INTO raw.delivery_periods SELECT delivery_day, %s, delivery_start_at, delivery_end_at,"
            " delivery_hours, is_dst_ambiguous, tradable_from, tradable_until, price_final_from"
            " FROM raw.delivery_periods WHERE delivery_hour = %s",
            (written, label),
        )
        old.rows("UPDATE raw.trades SET delivery_hour = %s WHERE trade_id = %s", (written, trade))
    old.rows("DELETE FROM raw.delivery_periods WHERE delivery_hour = '02-03A'")
    old.rows("UPDATE ops.load_batches SET state = 'accepted', validated_at = now()")
    of_file = (
        " WHERE landing_file_id = (SELECT landing_file_id FROM ops.landing_files WHERE landing_file LIKE %s)"
    )
    old.rows("UPDATE ops.load_batches SET state = 'blocked'" + of_file, ("%waits%",))
    old.rows(
        "UPDATE ops.load_batches SET review = 'accepted', review_reason = 'r', reviewed_at = now()" + of_file,
        ("%/accepted%",),
    )
    old.rows(
        "WITH gone AS (DELETE FROM raw.trades AS t WHERE trade_id = 'wrong' RETURNING t)"
        " INSERT INTO ops.rejected_messages (landing_file_id, line_number, load_batch_id, source, reason_code,"
        " detail, raw, received_at) SELECT (t).landing_file_id, (t).line_number, (t).load_batch_id, 'trades',"
        " 'discarded_batch', 'd', staging.trade_message(t), (t).received_at FROM gone"
    )
    counts = "loaded_count = loaded_count - 1, rejected_count = rejected_count + 1"
    old.rows(
        f"UPDATE ops.load_batches SET {counts}, state = 'blocked', review = 'discarded', review_reason = 'r',"
        " reviewed_at = now()" + of_file,
        ("%discarded%",),
    )
    old.rows(f"UPDATE ops.landing_files SET {counts} WHERE landing_file LIKE '%discarded%'")
    # a quarter was a row of PnL of its own
    old.rows(
        "INSERT INTO curated.pnl_versions (delivery_day, delivery_hour, trader_id, delivery_start_at,"
        " delivery_end_at, trade_count, buy_mwh, sell_mwh, price_status, capture_gap_seconds, buy_value_eur,"
        " sell_value_eur, valid_from) SELECT delivery_day, delivery_hour, trader_id, delivery_start_at,"
        " delivery_end_at, 1, 0, 0.3, 'missing', 0, 0, 6.192, now() - interval '1 day' FROM raw.trades"
        " WHERE trade_id = 'quarter'"
    )
    old.rows(
        "INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)"
        " SELECT DISTINCT delivery_day, delivery_hour, 'trades' FROM raw.trades"
    )
