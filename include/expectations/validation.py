"""Runs a suite on a view inside the database; results go to ops.validation_results and to the data docs."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection, cursor
from psycopg2.extras import RealDictCursor
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from include.errors import TransientError
from include.expectations import data_docs
from include.expectations.library import (
    Expectation,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    ExpectNoRows,
    TestConnectionError,
    gx,
    new_context,
)
from include.expectations.views import SCHEMA
from include.settings import Settings
from include.warehouse.connection import connection_parameters, sqlalchemy_url
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("expectations/queries.sql")

_EXAMPLES = 3
_MAX_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Suite:
    """What is expected of a table.

    Attributes:
        name: The table's.
        identity: Columns of the view by which a person finds a row again.
        expectations: Each with a severity and a description in words, which is unique in the suite.
        planner: Settings of PostgreSQL's planner for the session that evaluates them.
    """

    name: str
    identity: Sequence[str]
    expectations: Sequence[Expectation]
    planner: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one expectation came out.

    Attributes:
        expectation: In words.
        column: Of which column; None: of the whole.
        severity: `critical`, `warning` or `info`.
        unexpected_count: Rows that did not meet it.
        detail: What was seen, in words, with examples.
        rows_sql: Selects them, while the view exists.
    """

    expectation: str
    column: str | None
    severity: str
    is_success: bool
    unexpected_count: int
    detail: str
    rows_sql: str

    @property
    def is_critical(self) -> bool:
        """Whether it stops the run."""
        return not self.is_success and self.severity == "critical"


def validate(
    settings: Settings, conn: connection, suite: Suite, view: str, load_batch_ids: Sequence[int] = ()
) -> list[Finding]:
    """Evaluates the suite on the view and records every result, whatever it is.

    Args:
        settings: Where the warehouse and the data docs are.
        conn: Writes the results; Great Expectations opens its own connection.
        suite: What is expected.
        view: Name of a view in schema `staging`, committed.
        load_batch_ids: The batches that the view shows.

    Raises:
        TransientError: Something could not be evaluated: that says nothing about the data.
    """
    started_at = datetime.now(UTC)
    validation_id = f"{suite.name}-{started_at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    result = _evaluate(settings.warehouse_url, suite, view)
    with conn:
        findings = list(_findings(conn, suite, view, result))
    with conn, conn.cursor() as cur:
        _store(cur, settings.market.market, validation_id, suite.name, findings, load_batch_ids)
    data_docs.publish(settings.data_docs_root, suite.name, validation_id, started_at, result)
    for finding in findings:
        if not finding.is_success:
            level = logging.ERROR if finding.is_critical else logging.WARNING
            log.log(level, "%s: expected that %s; %s", suite.name, finding.expectation, finding.detail)
    return findings


def store_unexpected(cur: cursor, finding: Finding) -> None:
    """Adds the rows of a finding to pg_temp.unsound_rows; the view that it is about still exists."""
    _see_views(cur)
    cur.execute(
        f"INSERT INTO pg_temp.unsound_rows"
        f" SELECT landing_file_id, line_number, %s FROM ({finding.rows_sql}) AS unexpected",
        [finding.expectation],
    )


def _evaluate(warehouse_url: str, suite: Suite, view: str) -> ExpectationSuiteValidationResult:
    try:
        with _table(warehouse_url, suite, view) as table:
            result: ExpectationSuiteValidationResult = table.validate(
                gx.ExpectationSuite(suite.name, expectations=list(suite.expectations)),
                # counts and the query of the rows; no values, because the data docs would not escape them
                result_format={
                    "result_format": "BASIC",
                    "partial_unexpected_count": 0,
                    "exclude_unexpected_values": True,
                    "return_unexpected_index_query": True,
                    "unexpected_index_column_names": list(suite.identity),
                },
            )
    except (TestConnectionError, DBAPIError) as error:
        raise TransientError(f"{suite.name} could not be validated: {error}") from error
    for message in filter(None, map(_exception, result.results)):
        raise TransientError(f"{suite.name} could not be validated: {message}")
    return result


@contextmanager
def _table(warehouse_url: str, suite: Suite, view: str) -> Iterator[Any]:
    """The view as a batch of a table asset, in a context that lives in memory."""
    parameters = connection_parameters(f"validate_{suite.name}", search_path=SCHEMA, **suite.planner)
    url = make_url(sqlalchemy_url(warehouse_url)).update_query_dict(
        {parameter: str(value) for parameter, value in parameters.items()}
    )
    # the URL is passed as a variable: so its password is in no configuration; a $ would be read as one more
    text = url.render_as_string(hide_password=False).replace("$", "%24")
    context = new_context(variables={"WAREHOUSE": text})
    source = context.data_sources.add_postgres("warehouse", connection_string="${WAREHOUSE}")
    try:
        asset = source.add_table_asset(suite.name, table_name=view)
        yield asset.add_batch_definition_whole_table("all").get_batch()
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _exception(result: ExpectationValidationResult) -> str | None:
    """What was raised instead of an evaluation: flat, or one entry per metric."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    return next((str(entry["exception_message"]) for entry in entries if entry["raised_exception"]), None)


def _findings(
    conn: connection, suite: Suite, view: str, result: ExpectationSuiteValidationResult
) -> Iterator[Finding]:
    by_description = {r.expectation_config.description: r for r in result.results if r.expectation_config}
    for expectation in suite.expectations:
        outcome = by_description[expectation.description]
        counted = "observed_value" if isinstance(expectation, ExpectNoRows) else "unexpected_count"
        count = int(outcome.result.get(counted) or 0)
        detail, rows_sql = "met by all", ""
        if not outcome.success:
            rows_sql = _rows_sql(expectation, outcome, view)
            detail = f"not met by {count:,}: {_examples(conn, rows_sql)}"
        yield Finding(
            expectation=str(expectation.description),
            column=getattr(expectation, "column", None) or (expectation.meta or {}).get("column"),
            severity=expectation.severity.value,
            is_success=bool(outcome.success),
            unexpected_count=count,
            detail=detail[:_MAX_CHARACTERS],
            rows_sql=rows_sql,
        )


def _rows_sql(expectation: Expectation, outcome: ExpectationValidationResult, view: str) -> str:
    if isinstance(expectation, ExpectNoRows):
        return str(expectation.unexpected_rows_query).format(batch=view)
    return str(outcome.result["unexpected_index_query"]).rstrip().rstrip(";")


def _examples(conn: connection, rows_sql: str) -> str:
    with conn.cursor(cursor_factory=RealDictCursor) as cur:
        _see_views(cur)
        cur.execute(f"SELECT * FROM ({rows_sql}) AS unexpected LIMIT {_EXAMPLES}")
        return "; ".join(", ".join(f"{k} {_shown(v)}" for k, v in row.items()) for row in cur.fetchall())


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _see_views(cur: cursor) -> None:
    cur.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(SCHEMA)))


def _store(
    cur: cursor,
    market: str,
    validation_id: str,
    suite: str,
    findings: Iterable[Finding],
    load_batch_ids: Sequence[int],
) -> None:
    checked = {
        "market": market,
        "validation_id": validation_id,
        "suite": suite,
        "load_batch_ids": list(load_batch_ids),
    }
    for finding in findings:
        run_sql(cur, QUERIES["validation_results"], asdict(finding) | checked)
