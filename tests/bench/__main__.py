"""Measures loader, capture and build beside their limits: `python -m tests.bench --help`."""

import argparse
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from include.local.postgres import embedded_postgres
from tests.bench import build, capture, loader
from tests.bench.dataset import generate
from tests.bench.measures import Measure, WrongResultError, table
from tests.bench.warehouses import Warehouses

_PARTS = ("loader", "capture", "build")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code: marks that are missed are information, wrong results are not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--lines", type=int, default=1_000_000, help="messages of the input (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="measured pairs of each part (default: %(default)s)"
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(_PARTS)} (default: all)")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.lines < 1000 or options.repeats < 1:
        parser.error("--lines must be at least 1000, --repeats at least 1")
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    logging.getLogger("tests.bench").setLevel(logging.INFO)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            machine, measures = _measure(Path(folder), options.lines, options.repeats, options.parts or _PARTS)
    except WrongResultError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(table(measures))
    took = time.monotonic() - began
    print(f"\n{machine}; {options.lines:,} lines, {options.repeats} pairs, {took:.0f} s in all")
    return 0


def _measure(folder: Path, lines: int, repeats: int, parts: tuple[str, ...]) -> tuple[str, list[Measure]]:
    measures: list[Measure] = []
    dataset = generate(folder, lines)
    with embedded_postgres(folder / "postgres") as server:
        warehouses = Warehouses(server, dataset)
        if "loader" in parts:
            measures += loader.measure(warehouses, repeats, folder)
        if "capture" in parts:
            measures += capture.measure(dataset, repeats, folder)
        if "build" in parts:
            measures += build.measure(warehouses, repeats, folder)
        machine = (
            f"{os.cpu_count()} cores, PostgreSQL {warehouses.version()}, Python {platform.python_version()},"
            f" {platform.system()} {platform.machine()}"
        )
    return machine, measures


if __name__ == "__main__":
    sys.exit(main())
