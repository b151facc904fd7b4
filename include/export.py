"""Exports a table or view of the warehouse to a parquet or CSV file, with flat memory and every digit."""

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, cursor

from include.errors import TerminalError
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql
from include.whole_file import whole_file

QUERIES = load_queries("export.sql")

FORMATS = ("parquet", "csv")

DAYS = ("delivery_day", "delivery_week", "delivery_month", "statement_day")
"""Columns that FROM and TO are about; a table has one of them or none."""

_TYPES = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "integer": "INTEGER",
    "smallint": "SMALLINT",
    "timestamp with time zone": "TIMESTAMPTZ",
}
"""Types of parquet by those of the warehouse; numeric is below, whatever else there is becomes text,
and an array a list."""

_DIGITS = 38
_DECIMALS, _DECIMALS_OF_AMOUNTS = 12, 18
"""Prices and MW have at most 10 decimals, MWh 12, ratios are rounded to 12; an amount in EUR multiplies them.
The types are the same in every file of a table, so that files can be read together."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of which table.

    Attributes:
        table: With its schema, `curated.pnl_daily`.
        market: As a person writes it; None: all markets.
        first: First delivery day (week, month, day of the statement); None: from the beginning.
        last: The last one, inclusive; None: to the end.

    Raises:
        TerminalError: The first one is after the last.
    """

    table: str
    market: str | None = None
    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise TerminalError(f"FROM {self.first} is after TO {self.last}: the first day comes first")

    @property
    def name(self) -> str:
        """Names a file of it."""
        parts = (self.table.split(".")[-1], self.market, self.first, self.last)
        return "-".join(str(part) for part in parts if part)


def run(settings: Settings, selection: Selection, form: str, path: Path) -> int:
    """Writes the rows that stand at one moment; the file appears whole or not at all.

    Args:
        settings: Where the warehouse is.
        selection: Which rows.
        form: One of FORMATS. Numbers are decimals in parquet, plain digits in CSV; moments are UTC.
        path: The file; one of that name is replaced.

    Returns:
        The number of rows.

    Raises:
        TerminalError: There is no such table, market or column of days; a number does not fit; the file cannot
            be written.
        TransientError: The warehouse cannot be reached.
    """
    try:
        with whole_file(path) as part, connect(settings.warehouse_url, "export") as conn:
            conn.set_session(readonly=True)
            with conn, conn.cursor() as cur:
                columns = _columns(cur, selection.table)
                part.touch()
                query = _query(cur, selection, columns, is_text=form == "csv")
                if form == "csv":
                    with part.open("wb") as file:
                        cur.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", file)
                    count = cur.rowcount
                else:
                    count = _write_parquet(conn, query, columns, part)
    except (psycopg2.DataError, psycopg2.ProgrammingError) as error:
        raise TerminalError(f"{selection.table}: {str(error).strip()}") from error
    return count


def _columns(cur: cursor, table: str) -> dict[str, str]:
    """Types by names."""
    run_sql(cur, QUERIES["export_columns"], {"table": table})
    if not (columns := dict(cur.fetchall())):
        raise TerminalError(
            f"there is no table or view {table!r} in curated and ops; docs/data_dictionary.md has the names"
        )
    return columns


def _query(cur: cursor, selection: Selection, columns: dict[str, str], *, is_text: bool) -> str:
    """The rows as COPY sends them: numbers without trailing zeros, arrays as JSON unless people read it."""
    conditions: list[sql.Composable] = []
    order: sql.Composable = sql.SQL("")
    if selection.market is not None:
        if "market" not in columns:
            raise TerminalError(f"{selection.table} is not about markets: leave MARKET out")
        is_market = sql.SQL("market = {}").format(sql.Literal(_market(cur, selection.market)))
        conditions.append(is_market)
    day = next((name for name in DAYS if name in columns), None)
    if day is not None:
        order = sql.SQL(" ORDER BY {}").format(sql.Identifier(day))
    for bound, sign in ((selection.first, ">="), (selection.last, "<=")):
        if bound is not None:
            if day is None:
                raise TerminalError(f"{selection.table} has no column of days: leave FROM and TO out")
            comparison = sql.SQL("{} " + sign + " {}").format(sql.Identifier(day), sql.Literal(bound))
            conditions.append(comparison)
    named = []
    for name, kind in columns.items():
        shown = "{}"
        if kind == "numeric":
            shown = "trim_scale({})"
        elif kind.endswith("[]") and not is_text:
            shown = "array_to_json({})"
        named.append(sql.SQL(shown + " AS {}").format(sql.Identifier(name), sql.Identifier(name)))
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(named), sql.Identifier(*selection.table.split("."))
    )
    return (query + where + order).as_string(cur)


def _market(cur: cursor, given: str) -> str:
    run_sql(cur, QUERIES["export_markets"])
    markets = [market for (market,) in cur]
    for market in markets:
        if market.lower() == given.lower():
            return str(market)
    raise TerminalError(f"there is no market {given!r}; there are: {', '.join(markets)}")


def _write_parquet(conn: connection, query: str, columns: dict[str, str], path: Path) -> int:
    """The server writes text into a pipe, and DuckDB reads it and writes parquet, a row group at a time."""
    import duckdb  # only parquet needs it

    reading, writing = os.pipe()
    problems: list[psycopg2.Error] = []
    counts: list[int] = []

    def send() -> None:
        # a problem is known before the pipe ends, which DuckDB takes for the end of the rows
        with suppress(OSError), os.fdopen(writing, "wb") as file, conn.cursor() as cur:
            try:
                cur.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", file)
                counts.append(cur.rowcount)
            except psycopg2.Error as error:
                problems.append(error)

    sender = threading.Thread(target=send, daemon=True)
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "256MB",
        "autoinstall_known_extensions": False,
    }
    try:
        with duckdb.connect(config=limits) as duck:
            sender.start()
            duck.execute("SET preserve_insertion_order = false")  # row groups then have a size in bytes
            duck.execute(_copy(columns, f"/dev/fd/{reading}", path))
    except duckdb.Error as error:
        if not problems:  # else the server failed first, and DuckDB met half a line
            raise TerminalError(f"DuckDB: {str(error).splitlines()[0]}") from error
    finally:
        os.close(reading)  # a sender that nobody reads ends here
        if sender.ident is not None:
            sender.join()
    if problems:
        raise problems[0]
    return counts[0]


def _copy(columns: dict[str, str], source: str, path: Path) -> str:
    """The statement of DuckDB that turns the text into typed parquet."""
    texts = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in columns)
    values = ", ".join(f'{_typed(name, kind)} AS "{name}"' for name, kind in columns.items())
    return (
        f"COPY (SELECT {values} FROM read_csv({_quoted(source)}, columns = {{{texts}}}, header = false,"
        " delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false,"
        f" auto_detect = false, parallel = false)) TO {_quoted(str(path))}"
        " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '16MB', USE_TMP_FILE false)"
    )


def _typed(name: str, kind: str) -> str:
    if kind.endswith("[]"):
        return f'from_json("{name}", \'["{_TYPES.get(kind[:-2], "VARCHAR")}"]\')'
    if kind != "numeric":
        return f'CAST("{name}" AS {_TYPES.get(kind, "VARCHAR")})'
    decimals = _DECIMALS_OF_AMOUNTS if name.endswith("_eur") else _DECIMALS
    too_long = _quoted(f"{name} has a number of more than {decimals} decimals, FORMAT=csv has it: ")
    return (
        f'CASE WHEN length(split_part("{name}", \'.\', 2)) > {decimals} THEN error({too_long} || "{name}")'
        f' ELSE CAST("{name}" AS DECIMAL({_DIGITS}, {decimals})) END'
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
