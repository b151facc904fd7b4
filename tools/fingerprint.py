"""What all tables of raw and curated say, as one hash a table: equal however and whenever they were filled."""

from typing import Any

from tools.database import Database

_WHEN_WE_DID_IT = ("built_at", "load_batch_id", "valid_from", "valid_to")
"""Columns about our work, not about the market."""
_ABOUT_OUR_WORK = ("pnl_hourly_changes",)

_COLUMNS = """
SELECT c.table_schema, c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position)
FROM information_schema.columns AS c
WHERE c.table_schema IN ('raw', 'curated')
GROUP BY 1, 2
ORDER BY 1, 2
"""


def fingerprint(
    database: Database,
    condition: str = "true",
    parameters: tuple[Any, ...] = (),
    without: tuple[str, ...] = (),
) -> dict[str, tuple[int, str]]:
    """Table or view to the number of its rows and a hash of them, free of order.

    A landing file is named by its path instead of its number; of the history the versions that are valid count.

    Args:
        database: Where the tables are.
        condition: Which rows count, in SQL; every table has a delivery_day.
        parameters: Of the condition.
        without: Columns that are left out.
    """
    return {
        f"{schema}.{name}": _of_table(
            database, schema, name, [c for c in columns if c not in without], condition, parameters
        )
        for schema, name, columns in database.rows(_COLUMNS)
        if name not in _ABOUT_OUR_WORK
    }


def _of_table(
    database: Database, schema: str, name: str, columns: list[str], condition: str, parameters: tuple[Any, ...]
) -> tuple[int, str]:
    shown = [f't."{c}"' for c in columns if c not in (*_WHEN_WE_DID_IT, "landing_file_id")]
    source = f"{schema}.{name} AS t"
    if "landing_file_id" in columns:
        shown.append("f.landing_file")
        source += " JOIN ops.landing_files AS f USING (landing_file_id)"
    valid = "t.valid_to IS NULL" if "valid_to" in columns else "true"
    ((count, total),) = database.rows(
        "SELECT count(*), sum(('x' || substr(md5(row::text), 1, 16))::bit(64)::bigint::numeric)::text"
        f" FROM (SELECT ROW({', '.join(shown)}) AS row FROM {source} WHERE {valid} AND {condition})"
        " AS hashed",
        parameters,
    )
    return count, total or ""
