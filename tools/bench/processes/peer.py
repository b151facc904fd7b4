"""Loads landing files by another library, in the way its manual shows, and reports seconds and rows as JSON.

Runs by itself, also in an environment that has nothing of this project.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

ROWS_PER_STATEMENT = 10_000
COLUMNS = (
    "trade_id", "trader_id", "direction", "price", "quantity", "delivery_day", "delivery_hour", "executed_at",
    "received_at",
)  # fmt: skip
TABLE = """
CREATE TABLE public.trades (
    trade_id text, trader_id text NOT NULL, direction text, price numeric NOT NULL, quantity numeric NOT NULL,
    delivery_day date NOT NULL, delivery_hour text NOT NULL, executed_at timestamptz,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (trade_id, direction)
)
"""


def trades(folder: str) -> Iterator[tuple[Any, ...]]:
    """The trades of all landing files; lines that hold none are left out, with none of our checks."""
    for path in sorted(Path(folder).rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            landed = json.loads(line)
            try:
                deal = json.loads(landed["raw"], parse_float=str)["deal_confirmation"]
                if not isfinite(float(deal["price"])):
                    continue
                yield (
                    deal["id"], deal["trader_id"], deal["direction"], deal["price"], deal["quantity"],
                    deal["delivery_day"], deal["delivery_hour"], deal["execution_time"], landed["received_at"],
                )  # fmt: skip
            except (ValueError, KeyError, TypeError):
                continue


def portions(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows in lists of ROWS_PER_STATEMENT."""
    rows = iter(rows)
    while portion := list(islice(rows, ROWS_PER_STATEMENT)):
        yield portion


def by_execute_values(folder: str, url: str) -> None:
    """INSERT … ON CONFLICT DO NOTHING of many rows a statement, by psycopg2."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cur:
        statement = f"INSERT INTO public.trades ({', '.join(COLUMNS)}) VALUES %s ON CONFLICT DO NOTHING"
        for portion in portions(trades(folder)):
            execute_values(cur, statement, portion, page_size=ROWS_PER_STATEMENT)
    connection.close()


def by_to_sql(folder: str, url: str) -> None:
    """DataFrame.to_sql with the method that the manual of pandas shows for ON CONFLICT."""
    import pandas
    from sqlalchemy import create_engine
    from sqlalchemy.dialects.postgresql import insert

    def insert_new(table: Any, connection: Any, keys: list[str], rows: Iterable[Any]) -> int:
        values = [dict(zip(keys, row, strict=True)) for row in rows]
        statement = insert(table.table).values(values).on_conflict_do_nothing()
        return int(connection.execute(statement).rowcount)

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        for portion in portions(trades(folder)):
            frame = pandas.DataFrame(portion, columns=list(COLUMNS))
            frame = frame.astype({"price": float, "quantity": float})
            for column in ("executed_at", "received_at", "delivery_day"):
                frame[column] = pandas.to_datetime(frame[column])
            frame.to_sql(
                "trades", connection, schema="public", if_exists="append", index=False, method=insert_new,
                chunksize=5_000,
            )  # fmt: skip


def by_dlt(folder: str, url: str) -> None:
    """A pipeline of dlt with the write disposition `merge` and a primary key."""
    import dlt  # type: ignore[import-not-found]

    resource = dlt.resource(
        (dict(zip(COLUMNS, row, strict=True)) for row in trades(folder)),
        name="trades",
        write_disposition="merge",
        primary_key=("trade_id", "direction"),
    )
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=folder,
            destination=dlt.destinations.postgres(url),
            dataset_name="public",
        )
        pipeline.run(resource)


def main(name: str, folder: str, url: str) -> None:
    """Loads, and prints seconds and rows; the imports are not counted."""
    ways = {"execute_values": by_execute_values, "to_sql": by_to_sql, "dlt": by_dlt}
    if name == "to_sql":
        import pandas  # noqa: F401
    if name == "dlt":
        import dlt  # noqa: F401
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cur:
        if name != "dlt":  # which makes its own
            cur.execute(TABLE)
        began = time.perf_counter()
        ways[name](folder, url)
        seconds = time.perf_counter() - began
        cur.execute("SELECT count(*) FROM public.trades")
        json.dump({"seconds": seconds, "trades": cur.fetchone()[0]}, sys.stdout)  # type: ignore[index]
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
