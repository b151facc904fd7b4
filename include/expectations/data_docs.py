"""Great Expectations' HTML pages of the last validations, safe for several validations at once."""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from include.expectations.docs_index import broken_validations, note_validation, write_index
from include.expectations.library import (
    ExpectationSuiteIdentifier,
    ExpectationSuiteValidationResult,
    GreatExpectationsError,
    RunIdentifier,
    ValidationResultIdentifier,
    gx,
    new_context,
)

log = logging.getLogger(__name__)

KEPT = 200
"""Validations that have a page, as many of those that were met as of those that were not."""


def publish(
    root: Path, suite: str, validation_id: str, run_at: datetime, result: ExpectationSuiteValidationResult
) -> None:
    """Adds the page of a validation, removes the oldest beyond KEPT, and rewrites `root/index.html`.

    A disk that is full or gone is logged, not raised: the pages repeat what the database holds.
    """
    for outcome in result.results:
        outcome.result.pop("unexpected_index_query", None)  # of a view that is gone when somebody reads it
    run_id = RunIdentifier(run_name=validation_id, run_time=run_at)
    result.meta["run_id"] = run_id
    suite_key = ExpectationSuiteIdentifier(suite)
    key = ValidationResultIdentifier(
        expectation_suite_identifier=suite_key, run_id=run_id, batch_identifier="all"
    )
    try:
        with _locked(root):
            context = new_context(suites=root / ".source" / "suites", results=_results(root), site=root)
            context.suites.add_or_update(_copy(suite, result))
            context.validation_results_store.set(key, result)
            failed = sum(not outcome.success for outcome in result.results)
            note_validation(root, validation_id, suite, run_at, failed)
            _forget_oldest(root)
            pages: list[Any] = [suite_key, key]
            context.build_data_docs(resource_identifiers=pages, build_index=False)
            write_index(root)
    except (OSError, GreatExpectationsError) as error:
        log.warning("no data docs of %s in %s: %s", validation_id, root, error)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    if root.stat().st_uid == os.geteuid():
        root.chmod(0o700)  # the pages quote trades; the folder may be older than this line
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _results(root: Path) -> Path:
    return root / ".source" / "results"


def _copy(suite: str, result: ExpectationSuiteValidationResult) -> Any:
    """The suite as it was evaluated; an expectation belongs to one suite, so the pages get their own."""
    copies = [
        outcome.expectation_config.to_domain_obj() for outcome in result.results if outcome.expectation_config
    ]
    for copy in copies:
        copy.id = None
    return gx.ExpectationSuite(suite, expectations=copies)


def _forget_oldest(root: Path) -> None:
    """Removes the oldest pages with what they were made of; the index then leaves them out."""
    broken = broken_validations(root)
    runs = sorted(_results(root).glob("*/*"), key=lambda run: run.stat().st_mtime)
    for is_broken in (True, False):
        for run in [run for run in runs if (run.name in broken) is is_broken][:-KEPT]:
            shutil.rmtree(root / "validations" / run.relative_to(_results(root)), ignore_errors=True)
            shutil.rmtree(run)
