"""What the warehouse says of itself: schemas, tables, views, columns and functions with their comments."""

from collections import defaultdict
from dataclasses import dataclass

from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("warehouse/queries.sql")

SCHEMAS = ("curated", "ops", "raw")
"""The schemas that people read, those with the answers first."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view; `comment` is None when somebody forgot it."""

    name: str
    type: str
    comment: str | None

    @property
    def unit(self) -> str:
        """The unit that the name's ending promises, empty if it promises none."""
        if self.type == "timestamp with time zone":
            return "UTC"
        return next((unit for ending, unit in _UNITS if self.name.endswith(ending)), "")


_UNITS = (
    ("_eur_per_mwh", "EUR/MWh"),
    ("_mwh", "MWh"),
    ("_mw", "MW"),
    ("_eur", "EUR"),
    ("_seconds", "s"),
    ("_hours", "h"),
    ("_bytes", "bytes"),
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view.

    Attributes:
        kind: `table` or `view`.
        key: Columns of the primary key; empty for a view.
    """

    name: str
    kind: str
    comment: str | None
    key: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function with what it takes and returns, as PostgreSQL writes them."""

    name: str
    arguments: str
    result: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Schema:
    """A layer of the warehouse."""

    name: str
    comment: str | None
    relations: tuple[Relation, ...]
    functions: tuple[Function, ...]


def read_dictionary(warehouse_url: str) -> list[Schema]:
    """The schemas of SCHEMAS, in that order, their relations and functions by name.

    Raises:
        TransientError: The warehouse cannot be reached.
        TerminalError: No warehouse is configured.
    """
    columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
    relations: dict[str, list[Relation]] = defaultdict(list)
    functions: dict[str, list[Function]] = defaultdict(list)
    parameters = {"schemas": list(SCHEMAS)}
    with connect(warehouse_url, "dictionary") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["catalog_schemas"], parameters)
        comments: dict[str, str | None] = dict(cur.fetchall())
        run_sql(cur, QUERIES["catalog_columns"], parameters)
        for schema, relation, name, type_, comment in cur:
            columns[schema, relation].append(Column(name, type_, comment))
        run_sql(cur, QUERIES["catalog_relations"], parameters)
        for schema, name, kind, comment, key in cur:
            of_it = tuple(columns[schema, name])
            relations[schema].append(Relation(name, kind, comment, tuple(key), of_it))
        run_sql(cur, QUERIES["catalog_functions"], parameters)
        for schema, *function in cur:
            functions[schema].append(Function(*function))
    return [
        Schema(name, comments[name], tuple(relations[name]), tuple(functions[name]))
        for name in SCHEMAS
        if name in comments
    ]
