"""The databases of the measurements: an empty one a load, and one that is loaded."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from psycopg2.extensions import connection as Connection

from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT
from include.warehouse.connection import connect
from include.warehouse.migrate import migrate
from include.warehouse.roles import WRITER
from tools.bench.dataset import Dataset, generate
from tools.bench.measures import WrongResultError


@dataclass(frozen=True)
class LoadRun:
    """One run of the job that loads trades.

    Attributes:
        seconds: Of the job itself, without the interpreter's start and the imports.
        peak_bytes: Of its process, interpreter and imports included.
    """

    seconds: float
    peak_bytes: int


class Warehouses:
    """Makes migrated databases on one server that keeps its promises (fsync on).

    Args:
        server: A running server.
        folder: Where what is loaded is generated.
        line_count: How many messages that has.
    """

    def __init__(self, server: EmbeddedPostgres, folder: Path, line_count: int) -> None:
        self._server = server
        self._folder, self._line_count = folder, line_count
        self._numbers = itertools.count(1)
        server.create_database("migrated", WRITER)
        migrate(server.url("migrated", WRITER))

    @cached_property
    def dataset(self) -> Dataset:
        """What is loaded; made when it is needed first."""
        return generate(self._folder, self._line_count)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """URL of a fresh warehouse; nothing of earlier measurements is left to be written to disk."""
        name = f"bench_{next(self._numbers)}"
        self._server.create_database(name, WRITER, "migrated")
        self.settle()
        yield self._server.url(name, WRITER)
        self._server.drop_database(name)

    @cached_property
    def loaded(self) -> str:
        """URL of a warehouse that holds the whole dataset."""
        self._server.create_database("loaded", WRITER, "migrated")
        url = self._server.url("loaded", WRITER)
        self.load(url)
        return url

    def settle(self) -> None:
        """Writes everything to disk, so that one measurement does not pay for another."""
        with self._server.connect("postgres") as conn, conn.cursor() as cur:
            cur.execute("CHECKPOINT")

    def version(self) -> str:
        """PostgreSQL's version."""
        with self._server.connect("postgres") as conn, conn.cursor() as cur:
            cur.execute("SHOW server_version")
            return str(cur.fetchone()[0])  # type: ignore[index]

    def load(self, url: str, is_alone: bool = False) -> LoadRun:
        """Runs the real job in a process of its own and checks what it did.

        Args:
            url: Of an empty warehouse.
            is_alone: Without processes of its own, however much there is to load.

        Raises:
            WrongResultError: A line is missing or counted wrongly.
        """
        done = subprocess.run(
            [sys.executable, "-m", "tools.bench.processes.load", *(["--alone"] if is_alone else [])],
            cwd=PROJECT_ROOT,
            env=os.environ | {"WAREHOUSE_URL": url, "LANDING_ROOT": str(self.dataset.landing_root)},
            stdout=subprocess.PIPE,
            check=True,
        )
        report = json.loads(done.stdout)
        self._check(url, report["counts"])
        return LoadRun(report["seconds"], report["peak_bytes"])

    def _check(self, url: str, counts: dict[str, int]) -> None:
        data = self.dataset
        expected = (data.line_count, data.trade_count, data.duplicate_count, data.malformed_count)
        names = ("line_count", "loaded_count", "duplicate_count", "rejected_count")
        with connect(url, "bench") as conn, conn.cursor() as cur:
            cur.execute(
                "SELECT sum(line_count)::bigint, (SELECT count(*) FROM raw.trades),"
                " sum(duplicate_count)::bigint, (SELECT count(*) FROM ops.rejected_messages)"
                " FROM ops.landing_files"
            )
            found = cur.fetchone()
        reported = tuple(counts[name] for name in names)
        if not (expected == reported == found):
            raise WrongResultError(
                f"{names} must be {expected}, the job reports {reported}, the tables hold {found}"
            )


def vacuum(conn: Connection, statement: str = "VACUUM (ANALYZE)") -> None:
    """Runs a VACUUM, which no transaction may hold."""
    conn.autocommit = True
    with conn.cursor() as cur:
        cur.execute(statement)
    conn.autocommit = False
