"""Named queries: a file of SQL beside the package or module that runs them."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor

_ROOT = Path(__file__).parent.parent
_SCRIPTS = Path(__file__).parent / "sql"

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load_queries(file: str) -> Mapping[str, str]:
    """The queries of a file, by name.

    A query, with its comments, follows a line `-- name: landing_files_lock`. Use it by its literal name,
    `QUERIES["landing_files_lock"]`; a test checks that each name is used and defined.

    Args:
        file: Its path below `include`, for example `load/queries.sql`.

    Raises:
        ValueError: Two queries have the same name.
    """
    _, *parts = _NAME.split((_ROOT / file).read_text(encoding="utf-8"))
    names, texts = parts[::2], [text.strip() for text in parts[1::2]]
    if len(set(names)) < len(names):
        raise ValueError(f"{file}: two queries have the same name")
    return dict(zip(names, texts, strict=True))


def read_script(name: str) -> str:
    """The statements of `sql/<name>.sql`, to be run together."""
    return (_SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")


def run_sql(cur: cursor, statement: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Runs a statement with bound parameters.

    Returns:
        Rows affected or returned.
    """
    cur.execute(statement, parameters or {})
    return cur.rowcount


def fetch_dicts(
    cur: cursor, statement: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Runs a query; returns its rows as dictionaries by column name."""
    run_sql(cur, statement, parameters)
    names = [column.name for column in cur.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cur]
