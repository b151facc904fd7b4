"""The figures of docs/guarantees.md: docs/guarantees.json has them, the table of the page shows them."""

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

from include.settings import PROJECT_ROOT
from tools.written_docs import put_between, short_commit

PAGE = PROJECT_ROOT / "docs/guarantees.md"
FIGURES = PROJECT_ROOT / "docs/guarantees.json"
_BEGIN, _END = "<!-- figures: written by make torture -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test of a long run found.

    Attributes:
        test: Its node id.
        has_passed: Whether the property held.
        seconds: How long it took.
        seed: TORTURE_SEED that repeats it.
        rows: Guarantee, what was tried, what came of it.
    """

    test: str
    has_passed: bool
    seconds: float
    seed: int
    rows: list[tuple[str, str, str]]


def write(outcomes: list[Outcome]) -> None:
    """Replaces the figures of these tests in both files and keeps those of others."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for outcome in outcomes:
        figures[outcome.test] = {
            "rows": outcome.rows,
            "passed": outcome.has_passed,
            "seconds": round(outcome.seconds),
            "seed": outcome.seed,
            "commit": short_commit(),
            "day": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}",
        }
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    put_between(PAGE, _BEGIN, _END, table(figures))


def table(figures: dict[str, dict[str, object]]) -> str:
    """The table of all figures, in the order of the tests' names."""
    lines = ["| guarantee | tried | result | test |", "|---|---|---|---|"]
    for test, found in sorted(figures.items()):
        name = test.split("/")[-1].replace(".py::", ", ")
        how = f"`{name}`, {found['day']}, commit {found['commit']}, seed {found['seed']}, {found['seconds']} s"
        for guarantee, tried, figure in found["rows"]:  # type: ignore[attr-defined]
            result = figure if found["passed"] else f"**FAILED** {figure}"
            cells = [guarantee, tried, result, how]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])
