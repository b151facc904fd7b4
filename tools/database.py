"""A warehouse that is looked at with plain SQL."""

from typing import Any

import psycopg2
from psycopg2.extensions import connection, cursor


class Database:
    """One connection with autocommit."""

    def __init__(self, url: str) -> None:
        self.connection: connection = psycopg2.connect(url, options="-c TimeZone=UTC")
        self.connection.autocommit = True
        self.cursor: cursor = self.connection.cursor()

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()

    def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The statement's rows; empty if it has none."""
        self.cursor.execute(sql, parameters)
        return self.cursor.fetchall() if self.cursor.description else []

    def dicts(self, sql: str, parameters: Any = None) -> list[dict[str, Any]]:
        """The statement's rows by column name."""
        rows = self.rows(sql, parameters)
        names = [column.name for column in self.cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def value(self, sql: str, parameters: Any = None) -> Any:
        """The only value of the only row."""
        ((value,),) = self.rows(sql, parameters)
        return value
