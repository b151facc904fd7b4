"""The table of PnL: an older warehouse says the same after its upgrade, a new column needs one definition."""

from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import cursor

from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.integration.warehouse.conftest import MIGRATIONS, upgrade

DAY = date(2026, 3, 2)
MOMENTS = ["01 00:00", "01 02:00", "10 12:17:30", "10 13:00:00.005", "31 23:00"]
VIEWS = ["curated.pnl_daily", "curated.portfolio_pnl_hourly", "curated.portfolio_pnl_daily"]
CURATED = [
    "curated.pnl_hourly",
    "curated.pnl_hourly_history",
    "curated.pnl_hourly_changes",
    *VIEWS,
    *(f"{view}_as_of('2026-03-{at}Z')" for view in ("curated.pnl_hourly", *VIEWS) for at in MOMENTS),
]
OPS = ["ops.missing_prices", "ops.incomplete_periods"]


def said(database: Database, columns: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    """Number and hash of the rows of each relation, every digit of these columns."""
    return {
        relation: database.rows(
            "SELECT count(*), md5(string_agg(shown::text, E'\\n' ORDER BY shown::text))"
            f" FROM (SELECT ROW({', '.join(names)}) AS shown FROM {relation}) AS rows"
        )[0]
        for relation, names in columns.items()
    }


def columns_of(database: Database, relation: str) -> list[str]:
    database.rows(f"SELECT * FROM {relation} LIMIT 0")
    return [column.name for column in database.cursor.description or ()]


@pytest.mark.parametrize("older", ["0008"], indirect=True)
def test_an_older_warehouse_says_the_same_after_its_upgrade(older: str) -> None:
    with closing(Database(older)) as database:
        database.rows(Path(__file__).with_name("pnl_before_versions.sql").read_text())
        columns = {relation: columns_of(database, relation) for relation in (*CURATED, *OPS)}
        before = said(database, columns)
        assert before["curated.pnl_hourly_history"][0] == 30 * 24 * 20 * 3
        assert all(count for relation, (count, _) in before.items() if "01 00:00" not in relation)
        moments = [f"curated.pnl_daily_as_of('2026-03-{at}Z')" for at in MOMENTS]
        assert len({before[moment] for moment in moments}) == len(moments)

        upgrade(older, "0009")
        assert said(database, {name: columns[name] for name in OPS}) == {name: before[name] for name in OPS}
        migrate(older)
        assert said(database, {name: columns[name] for name in CURATED}) == {
            name: before[name] for name in CURATED
        }
        for name in CURATED:
            assert columns_of(database, name)[: len(columns[name]) + 1] == ["market", *columns[name]]
        assert database.rows("SELECT DISTINCT market FROM curated.pnl_versions") == [("DE",)]
        unreadable = (
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'curated'::regnamespace AND relkind IN ('r', 'v')"
            " AND (relname LIKE '%before%' OR NOT has_table_privilege('analyst', oid, 'SELECT'))"
        )
        assert database.rows(unreadable) == []


def run_views(cur: cursor, more_sums: str = "") -> None:
    script = (MIGRATIONS / "pnl_views.sql").read_text()
    cur.execute(script.replace(") AS s (position, name", f"{more_sums}) AS s (position, name"))
    cur.execute("DROP TABLE pg_temp.summed_views, pg_temp.sums")  # a commit would do it


def test_a_column_that_follows_from_facts_needs_its_definition_only(cur: cursor) -> None:
    cur.execute(
        "ALTER TABLE curated.pnl_versions ADD COLUMN added_eur numeric"
        " GENERATED ALWAYS AS (buy_value_eur + sell_value_eur) STORED;"
        "COMMENT ON COLUMN curated.pnl_versions.added_eur IS 'Added, EUR'"
    )
    run_views(cur)
    for relation in (
        "curated.pnl_hourly",
        "curated.pnl_hourly_history",
        "curated.pnl_hourly_as_of(now())",
        "staging.pnl_hourly",
    ):
        cur.execute(f"SELECT added_eur FROM {relation}")
    cur.execute(
        "SELECT col_description('curated.pnl_hourly'::regclass, ordinal_position) FROM"
        " information_schema.columns WHERE table_schema = 'curated' AND table_name = 'pnl_hourly'"
        " AND column_name = 'added_eur'"
    )
    assert cur.fetchall() == [("Added, EUR",)]


def test_what_days_sum_up_is_in_the_index_that_they_are_read_from(cur: cursor) -> None:
    index = (
        "SELECT indexrelid, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indexrelid = to_regclass('curated.pnl_versions_standing')"
    )
    cur.execute(index)
    before = cur.fetchall()
    run_views(cur)
    cur.execute(index)
    assert cur.fetchall() == before
    cur.execute("ALTER TABLE curated.pnl_versions ADD COLUMN added_eur numeric NOT NULL DEFAULT 0")
    run_views(cur, ", (99, 'added_eur', '{hour,period}', 'sum(added_eur)', NULL)")
    cur.execute(index)
    ((_, definition),) = cur.fetchall()
    assert "added_eur" in definition


def test_a_new_fact_is_compared_and_published(cur: cursor) -> None:
    cur.execute("ALTER TABLE curated.pnl_versions ADD COLUMN note text")
    run_views(cur)
    cur.execute("SELECT * FROM staging.built_facts")
    built = [column.name for column in cur.description or ()]
    cur.execute("SELECT * FROM staging.standing_facts")
    assert [column.name for column in cur.description or ()] == ["valid_from", *built]
    assert built[-1] == "note"


def test_a_row_has_one_version_that_stands(database: Database) -> None:
    database.pnl(DAY, "12-13", "anna", None)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        database.pnl(DAY, "12-13", "anna", None)
