"""Measures each part beside its limit, and writes the tables of docs/performance.md."""

import argparse
import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from include.local.postgres import EmbeddedPostgres, embedded_postgres
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
from tools.bench.measures import Measure, WrongResultError, table_of
from tools.bench.warehouses import Warehouses


@dataclass(frozen=True)
class _Bench:
    """What the parts measure with."""

    server: EmbeddedPostgres
    warehouses: Warehouses
    folder: Path
    options: argparse.Namespace


_PARTS: Mapping[str, Callable[[_Bench], list[Measure]]] = {
    "loader": lambda b: loader.measure(b.warehouses, b.options.repeats, b.folder),
    "peers": lambda b: peers.measure(b.warehouses, 1, b.folder),  # the slowest takes minutes
    "capture": lambda b: capture.measure(b.warehouses.dataset, b.options.repeats, b.folder),
    "sustained": lambda b: capture.sustain(b.warehouses.dataset, b.folder),
    "durable": lambda b: durable.measure(b.options.repeats, b.folder),
    "validation": lambda b: validation.measure(b.warehouses, b.options.repeats, b.folder),
    "build": lambda b: build.measure(b.warehouses, b.options.repeats, b.folder),
    "rebuild": lambda b: rebuild.measure(b.warehouses, b.options.days, b.folder),
    "growth": lambda b: growth.measure(b.server, b.options.repeats, b.options.trades, b.folder),
    "dashboard": lambda b: dashboard.measure(b.server, b.options.repeats, b.options.trades, b.folder),
    "platform": lambda b: whole_platform.measure(b.options.repeats, b.folder),
}


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
            machine, parts = _measure(Path(folder), options)
    except WrongResultError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    took = time.monotonic() - began
    print(table_of([measure for measures in parts.values() for measure in measures]))
    sizes = f"{options.lines:,} lines, {options.repeats} pairs, {options.days} days, {options.trades:,} trades"
    print(f"\n{machine}; {sizes}, {took:.0f} s in all")
    if not options.no_write:
        report.write(parts, machine, sizes)
    return 0


def _measure(folder: Path, options: argparse.Namespace) -> tuple[str, dict[str, list[Measure]]]:
    """The machine, and the measures of each part."""
    with embedded_postgres(folder / "postgres") as server:
        warehouses = Warehouses(server, folder, options.lines)
        bench = _Bench(server, warehouses, folder, options)
        wanted = options.parts or _PARTS
        parts = {name: measure(bench) for name, measure in _PARTS.items() if name in wanted}
        machine = (
            f"{os.cpu_count()} cores, PostgreSQL {warehouses.version()}, Python {platform.python_version()},"
            f" {platform.system()} {platform.machine()}"
        )
    return machine, parts


if __name__ == "__main__":
    sys.exit(main())
