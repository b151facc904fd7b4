"""Great Expectations' HTML pages of the last validations, safe for several validations at once."""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from include.expectations.library import (
    ExpectationSuiteIdentifier,
    ExpectationSuiteValidationResult,
    GreatExpectationsError,
    ValidationResultIdentifier,
    gx,
    new_context,
)

log = logging.getLogger(__name__)

KEPT = 200
"""Validations that have a page: so many that passed, and so many that failed."""

_published: dict[Path, str] = {}
"""The suites whose pages this process wrote."""

_INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Validations</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.4 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #8886; padding: .3rem .6rem; text-align: left; }}
</style>
<h1>Validations</h1>
<p>The last {count}, newest first. ops.validation_results keeps passed results for a week, failed ones for
ever.</p>
<table>
<thead><tr><th>when (UTC)</th><th>suite</th><th>result</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</html>
"""
"""Unlike the index that the library writes, it needs no network."""


class _Statistics(msgspec.Struct):
    unsuccessful_expectations: int


class _StoredResult(msgspec.Struct):
    """What the index says of a validation result, as the library stores it."""

    statistics: _Statistics


def publish(
    root: Path, suite: str, validation_id: str, run_at: datetime, result: ExpectationSuiteValidationResult
) -> None:
    """Adds the page of a validation, removes the oldest beyond KEPT, and rewrites `root/index.html`.

    A disk that is full or gone is logged, not raised: the pages repeat what the database holds.
    """
    for outcome in result.results:
        outcome.result.pop("unexpected_index_query", None)  # of a view that is dropped when somebody reads it
    run_id = gx.RunIdentifier(run_name=validation_id, run_time=run_at)
    result.meta["run_id"] = run_id
    suite_key = ExpectationSuiteIdentifier(suite)
    key = ValidationResultIdentifier(
        expectation_suite_identifier=suite_key, run_id=run_id, batch_identifier="all"
    )
    try:
        with _locked(root):
            context = new_context(suites=root / ".source" / "suites", results=_results(root), site=root)
            context.validation_results_store.set(key, result)
            pages: list[Any] = [key]
            copy = _copy(suite, result)
            if not _is_published(root, copy):
                context.suites.add_or_update(copy)
                pages.append(suite_key)
            context.build_data_docs(resource_identifiers=pages, build_index=False)
            _write_index(root, _delete_oldest(root))
    except (OSError, GreatExpectationsError) as error:
        log.warning("no data docs of %s in %s: %s", validation_id, root, error)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    if root.stat().st_uid == os.geteuid():
        root.chmod(0o700)  # the pages quote trades; an earlier release made the folder readable for all
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


def _is_published(root: Path, suite: Any) -> bool:
    """Whether this process wrote the page of the suite, as it is; if not, remembers that it does now."""
    page = root / "expectations" / f"{suite.name}.html"
    content = str([expectation.configuration for expectation in suite.expectations])
    is_published = _published.get(page) == content and page.exists()
    _published[page] = content
    return is_published


def _delete_oldest(root: Path) -> dict[Path, int]:
    """Deletes the oldest results with their pages; the others, newest first, with their failed expectations."""
    results = sorted(_results(root).glob("*/*/*/*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept: dict[Path, int] = {}
    for path in results:
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_StoredResult)
        except msgspec.DecodeError:  # written when the disk was full
            failed, is_kept = 0, False
        else:
            failed = stored.statistics.unsuccessful_expectations
            is_kept = sum(bool(other) is bool(failed) for other in kept.values()) < KEPT
        if is_kept:
            kept[path] = failed
        else:
            run = path.parents[1]
            shutil.rmtree(root / "validations" / run.relative_to(_results(root)), ignore_errors=True)
            shutil.rmtree(run)
    return kept


def _write_index(root: Path, results: dict[Path, int]) -> None:
    rows = []
    for path, failed in results.items():
        suite, *_ = page = path.relative_to(_results(root)).with_suffix(".html").parts
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        link = f'<a href="validations/{escape("/".join(page))}">{escape(suite)}</a>'
        outcome = f"✗ {failed} expectations not met" if failed else "✓ all met"
        rows.append(f"<tr><td>{at:%Y-%m-%d %H:%M:%S}</td><td>{link}</td><td>{outcome}</td></tr>")
    (root / "index.html").write_text(_INDEX.format(count=len(rows), rows="\n".join(rows)), encoding="utf-8")
