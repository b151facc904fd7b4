"""Measures each part beside its limit, and writes the tables of docs/performance.md."""

import argparse
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from include.local.postgres import embedded_postgres
from tools.bench import (
    build,
    capture,
    dashboard,
    durable,
    growth,
    loader,
    peers,
    rebuild,
    report,
    validation,
    whole_platform,
)
from tools.bench.measures import Measure, WrongResultError, table
from tools.bench.warehouses import Warehouses

_PARTS = (
    "loader",
    "peers",
    "capture",
    "sustained",
    "durable",
    "validation",
    "build",
    "rebuild",
    "growth",
    "dashboard",
    "platform",
)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code: marks that are missed are information, wrong results are not."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "--lines", type=int, default=1_000_000, help="messages of the input (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="measured pairs of each part (default: %(default)s)"
    )
    parser.add_argument(
        "--days",
        type=int,
        default=7,
        help="days of landing files that a rebuild starts from, 144,000 trades each (default: %(default)s)",
    )
    parser.add_argument(
        "--trades",
        type=int,
        default=10_000_000,
        help="in the warehouses of growth and dashboard (default: %(default)s)",
    )
    parser.add_argument(
        "--no-write", action="store_true", help="leave docs/performance.md and .json as they are"
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(_PARTS)} (default: all)")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.lines < 1000 or options.repeats < 1 or options.days < 1 or options.trades < 200_000:
        parser.error("--lines must be at least 1000, --repeats and --days at least 1, --trades at least 200000")
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    logging.getLogger("tools.bench").setLevel(logging.INFO)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            machine, parts, notes = _measure(Path(folder), options)
    except WrongResultError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(table([measure for measures in parts.values() for measure in measures]))
    took = time.monotonic() - began
    for note in notes:
        print(f"\n{note}")
    sizes = f"{options.lines:,} lines, {options.repeats} pairs, {options.days} days, {options.trades:,} trades"
    print(f"\n{machine}; {sizes}, {took:.0f} s in all")
    if not options.no_write:
        report.write(parts, machine, sizes)
    return 0


def _measure(folder: Path, options: argparse.Namespace) -> tuple[str, dict[str, list[Measure]], list[str]]:
    """The machine, the measures of each part, and what there is to say beside them."""
    measures: dict[str, list[Measure]] = {}
    notes: list[str] = []
    repeats, wanted = options.repeats, options.parts or _PARTS
    with embedded_postgres(folder / "postgres") as server:
        warehouses = Warehouses(server, folder, options.lines)
        if "loader" in wanted:
            measures["loader"] = loader.measure(warehouses, repeats, folder)
        if "peers" in wanted:
            measures["peers"] = peers.measure(warehouses, 1, folder)  # the slowest takes minutes
        if "capture" in wanted:
            measures["capture"] = capture.measure(warehouses.dataset, repeats, folder)
        if "sustained" in wanted:
            measures["sustained"] = capture.sustain(warehouses.dataset, folder)
        if "durable" in wanted:
            measures["durable"] = durable.measure(repeats, folder)
        if "validation" in wanted:
            measures["validation"] = validation.measure(warehouses, repeats, folder)
        if "build" in wanted:
            measures["build"] = build.measure(warehouses, repeats, folder)
        if "rebuild" in wanted:
            measures["rebuild"], note = rebuild.measure(warehouses, options.days, folder)
            notes.append(note)
        if "growth" in wanted:
            measures["growth"] = growth.measure(server, repeats, options.trades, folder)
        if "dashboard" in wanted:
            measures["dashboard"] = dashboard.measure(server, repeats, options.trades, folder)
        if "platform" in wanted:
            measures["platform"] = whole_platform.measure(repeats, folder)
        machine = (
            f"{os.cpu_count()} cores, PostgreSQL {warehouses.version()}, Python {platform.python_version()},"
            f" {platform.system()} {platform.machine()}"
        )
    return machine, measures, notes


if __name__ == "__main__":
    sys.exit(main())
