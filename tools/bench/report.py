"""The tables of docs/performance.md; docs/performance.json has the last two runs of each part."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from include.settings import PROJECT_ROOT
from tools.bench.measures import Measure, table_of
from tools.written_docs import put_between, short_commit

PAGE = PROJECT_ROOT / "docs/performance.md"
RUNS = PROJECT_ROOT / "docs/performance.json"
_BEGIN, _END = "<!-- tables: written by make bench -->\n", "<!-- end of tables -->\n"


def write(parts: Mapping[str, Sequence[Measure]], machine: str, sizes: str) -> None:
    """Adds a run of these parts to both files, in place of the last run but one; other parts stay.

    Args:
        parts: Part to its measures.
        machine: Cores and versions.
        sizes: Of the inputs, and how many repeats.
    """
    runs: dict[str, list[dict[str, Any]]] = json.loads(RUNS.read_text()) if RUNS.exists() else {}
    for part, measures in parts.items():
        run = {
            "day": datetime.now(UTC).date().isoformat(),
            "commit": short_commit(),
            "machine": machine,
            "sizes": sizes,
            "load": round(os.getloadavg()[2], 1),
            "measures": [asdict(measure) for measure in measures],
        }
        runs[part] = [*runs.get(part, [])[-1:], run]
    RUNS.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n")
    put_between(PAGE, _BEGIN, _END, page(runs))


def page(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A section a part: the table of its last run, and how far the ratios of the run before are away."""
    sections = []
    for part, (*before, last) in sorted(runs.items()):
        measures = [Measure(**measure) for measure in last["measures"]]
        text = (
            f"**{part}**: {last['sizes']}; commit {last['commit']}, {last['day']}; {last['machine']};"
            f" load average of the 15 minutes before the end {last['load']}"
        )
        for run in before:
            if apart := _apart(measures, [Measure(**measure) for measure in run["measures"]]):
                text += f". Ratios of the run before ({run['day']}, commit {run['commit']}): {apart}"
        sections.append(f"\n{text}\n\n{table_of(measures)}\n")
    return "".join(sections) + "\n"


def _apart(last: Sequence[Measure], before: Sequence[Measure]) -> str:
    """The ratios of two runs side by side, with the largest difference first."""
    ratios = {measure.name: float(measure.ratio) for measure in before if measure.ratio}
    both = [(m.name, float(m.ratio), ratios[m.name]) for m in last if m.ratio and ratios.get(m.name)]
    if not both:
        return ""
    most = max(abs(new / old - 1) for _, new, old in both)
    listed = ", ".join(f"{name} {old:g}" for name, _, old in both)
    return f"{listed}; at most {most:.0%} away"
