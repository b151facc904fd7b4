"""The list of validations in the data docs: a page that needs no network, unlike the one of the library."""

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

_PAGE = """<!doctype html>
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
<p>The last {count}, newest first. ops.validation_results has all of a week, and for ever what was not met.</p>
<table>
<thead><tr><th>when (UTC)</th><th>suite</th><th>result</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</html>
"""


def note_validation(root: Path, validation_id: str, suite: str, run_at: datetime, failed: int) -> None:
    """Remembers how a validation came out, for `write_index`."""
    entry = {"id": validation_id, "suite": suite, "at": run_at.isoformat(), "failed": failed}
    with _notes(root).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(entry) + "\n")


def broken_validations(root: Path) -> set[str]:
    """The noted validations of which an expectation was not met."""
    return {entry["id"] for entry in _entries(root) if entry["failed"]}


def write_index(root: Path) -> None:
    """Writes `index.html` with a row for each validation that has a page, and forgets the others."""
    pages = {page.parent.parent.name: page for page in root.glob("validations/*/*/*/*.html")}
    entries = [entry for entry in _entries(root) if entry["id"] in pages]
    _notes(root).write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    rows = "\n".join(_row(entry, pages[entry["id"]].relative_to(root)) for entry in reversed(entries))
    (root / "index.html").write_text(_PAGE.format(count=len(entries), rows=rows), encoding="utf-8")


def _row(entry: dict[str, Any], page: Path) -> str:
    at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    result = f"✗ {entry['failed']} expectations not met" if entry["failed"] else "✓ all met"
    link = f'<a href="{escape(page.as_posix())}">{escape(entry["suite"])}</a>'
    return f"<tr><td>{at:%Y-%m-%d %H:%M:%S}</td><td>{link}</td><td>{result}</td></tr>"


def _entries(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _notes(root).read_text(encoding="utf-8").splitlines()]


def _notes(root: Path) -> Path:
    return root / ".source" / "validations.jsonl"
