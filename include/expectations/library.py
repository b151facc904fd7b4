"""The part of Great Expectations that we use, imported without analytics or log noise, and our own expectation.

The only module that imports it, which takes seconds.
"""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # noqa: TID251 - read at the import
# at INFO it logs hundreds of lines when it is imported
logging.getLogger("great_expectations").setLevel(logging.WARNING)

with warnings.catch_warnings():
    # it imports modules of the standard library that Python 3.11 deprecates
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
    from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )
    from great_expectations.datasource.fluent.interfaces import TestConnectionError
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import (
        ExpectColumnValuesToBeInSet,
    )
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
        ExpectColumnValuesToNotBeNull,
    )
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.metrics.metric_provider import metric_partial
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

__all__ = [
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
    "ExpectColumnValuesToNotBeNull",
    "Expectation",
    "ExpectationSuiteIdentifier",
    "ExpectationSuiteValidationResult",
    "ExpectationValidationResult",
    "GreatExpectationsError",
    "TestConnectionError",
    "ValidationResultIdentifier",
    "gx",
]
"""What other modules take of it."""

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING


class ExpectNoRows(UnexpectedRowsExpectation):
    """A query for rows that must not exist finds none.

    The rows are counted in the database; the base class also fetches them, all of them.

    A query with a JOIN names `{batch}` itself (`{batch} AS t`), one without must not: so the base class
    puts the view in.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        (count,) = metrics.values()
        # no `unexpected_count`: the data docs would ask for shares of a whole that a query does not have
        return {"success": count == 0, "result": {"observed_value": count}}


class RowsWhere(TableMetricProvider):
    """How many rows meet a condition in SQL; all such counts of a suite take one pass over the table."""

    metric_name = "table.rows_where"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        condition: Any = sa.literal_column(metric_value_kwargs["condition"])
        return sa.func.count().filter(condition), metric_domain_kwargs, {}


class ExpectNoRowsWhere(ExpectNoRows):
    """No row of the table meets a condition in SQL; `unexpected_rows_query` selects those that do."""

    condition: str
    metric_dependencies: ClassVar[tuple[str, ...]] = (RowsWhere.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)


def no_rows_where(
    condition: str, *, columns: Sequence[str], column: str, severity: FailureSeverity, description: str
) -> ExpectNoRowsWhere:
    """The expectation that no row meets a condition.

    Args:
        condition: In SQL.
        columns: What is shown of a row that meets it.
        column: The column that it is about.
        severity: CRITICAL or WARNING.
        description: In words.
    """
    return ExpectNoRowsWhere(
        condition=condition,
        unexpected_rows_query=f"SELECT {', '.join(columns)} FROM {{batch}} WHERE {condition}",
        meta={"column": column},
        severity=severity,
        description=description,
    )


def new_context(
    suites: Path | None = None,
    results: Path | None = None,
    site: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Any:
    """A context without a project folder.

    Args:
        suites: Folder of the suites; in memory if None.
        results: Folder of the validation results; in memory if None.
        site: Folder of the HTML pages; none are made if None.
        variables: What `${NAME}` in a connection string stands for.
    """
    return gx.get_context(
        mode="ephemeral",
        runtime_environment=dict(variables or {}),
        project_config=DataContextConfig(
            config_version=4.0,
            expectations_store_name="suites",
            validation_results_store_name="results",
            checkpoint_store_name="checkpoints",
            stores={
                "suites": {"class_name": "ExpectationsStore", "store_backend": _backend(suites)},
                "results": {"class_name": "ValidationResultsStore", "store_backend": _backend(results)},
                "checkpoints": {"class_name": "CheckpointStore", "store_backend": _backend(None)},
                # its name is fixed
                "validation_definition_store": {
                    "class_name": "ValidationDefinitionStore",
                    "store_backend": _backend(None),
                },
            },
            data_docs_sites={
                "site": {
                    "class_name": "SiteBuilder",
                    "show_how_to_buttons": False,
                    "store_backend": _backend(site),
                }
            }
            if site
            else {},
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )


def _backend(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {"class_name": "InMemoryStoreBackend"}
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
