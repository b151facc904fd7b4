"""Exports a table or view of curated or ops to a file: `python -m include.commands.export`, `make export`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from include.commands.ending import end
from include.errors import TerminalError
from include.export import FORMATS, Selection, run
from include.run_scope import parse_day
from include.settings import command_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.export", description=__doc__)
    parser.add_argument("--table", required=True, help="table or view, for example curated.pnl_daily")
    parser.add_argument("--from", dest="first", default="", help="first delivery day, like 2026-03-01")
    parser.add_argument("--to", dest="last", default="", help="last delivery day, inclusive")
    parser.add_argument("--market", default="", help="only this market; otherwise all")
    parser.add_argument("--format", default="", help="parquet (the default) or csv")
    parser.add_argument("--file", default="", help="file to write; named after the table without it")
    given = parser.parse_args(arguments)
    form = given.format or "parquet"
    if form not in FORMATS:
        raise TerminalError(f"the format must be one of {', '.join(FORMATS)}, not {form!r}")
    first = parse_day("FROM", given.first) if given.first else None
    last = parse_day("TO", given.last) if given.last else None
    selection = Selection(given.table, given.market or None, first, last)
    path = Path(given.file or f"{selection.name}.{form}")
    count = run(command_settings(), selection, form, path)
    sys.stdout.write(f"wrote {path}: {count:,} rows\n")
    return 0


if __name__ == "__main__":
    end(main)
