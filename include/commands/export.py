"""Exports a table or view of curated or ops to a file: `python -m include.commands.export`, `make export`."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from include.domain.delivery_period import parse_delivery_day
from include.domain.rejection import RejectedMessageError
from include.errors import TerminalError, TransientError
from include.export import FORMATS, Selection, run
from include.settings import command_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 after an error, which is one line."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.export", description=__doc__)
    parser.add_argument("--table", required=True, help="table or view, for example curated.pnl_daily")
    parser.add_argument("--from", dest="first", default="", help="first delivery day, like 2026-03-01")
    parser.add_argument("--to", dest="last", default="", help="last delivery day, inclusive")
    parser.add_argument("--market", default="", help="only this market; otherwise all")
    parser.add_argument("--format", default="", help="parquet (the default) or csv")
    parser.add_argument("--file", default="", help="file to write; named after the table without it")
    given = parser.parse_args(arguments)
    try:
        form = given.format or "parquet"
        if form not in FORMATS:
            raise TerminalError(f"the format must be one of {', '.join(FORMATS)}, not {form!r}")
        days = _day("FROM", given.first), _day("TO", given.last)
        selection = Selection(given.table, given.market or None, *days)
        path = Path(given.file or f"{selection.name}.{form}")
        count = run(command_settings(), selection, form, path)
    except (TerminalError, TransientError) as error:
        sys.stderr.write(f"export: {error}\n")
        return 1
    sys.stdout.write(f"wrote {path}: {count:,} rows\n")
    return 0


def _day(name: str, given: str) -> date | None:
    try:
        return parse_delivery_day(given) if given else None
    except RejectedMessageError:
        raise TerminalError(f"{name} must be a day like 2026-03-01, not {given!r}") from None


if __name__ == "__main__":
    sys.exit(main())
