"""What all tables of raw and curated say, as one hash a table: equal however and whenever they were filled."""

from typing import Any

from tools.database import Database

_WITHOUT_BUSINESS_MEANING = (
    "built_at", "load_batch_id", "valid_from", "valid_to", "received_at", "landing_file_id", "line_number"
)  # fmt: skip
"""Columns about our work: when, by which load and from which copy of a message a row came about."""
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

    Only columns of business meaning count, and of the history only the versions that are valid.

    Args:
        database: Where the tables are.
        condition: Which rows count, in SQL, by delivery_day. All rows of a table without it count.
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
    shown = [f'"{column}"' for column in columns if column not in _WITHOUT_BUSINESS_MEANING]
    valid = "valid_to IS NULL" if "valid_to" in columns else "true"
    if "delivery_day" not in columns:
        condition, parameters = "true", ()
    ((count, total),) = database.rows(
        "SELECT count(*), sum(('x' || substr(md5(row::text), 1, 16))::bit(64)::bigint::numeric)::text"
        f" FROM (SELECT ROW({', '.join(shown)}) AS row FROM {schema}.{name} WHERE {valid} AND {condition})"
        " AS hashed",
        parameters,
    )
    return count, total or ""
