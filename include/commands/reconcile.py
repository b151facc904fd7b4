"""Reconciles captured trades with statements of the exchange: `make reconcile`; MARKET names another market."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from include.commands.ending import end
from include.errors import TerminalError
from include.jobs import import_statements
from include.run_scope import DeliveryDays
from include.settings import command_settings
from include.statement_files import changed_last, day_in_name, finished_files


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.reconcile", description=__doc__)
    parser.add_argument(
        "--file", required=True, help="an end-of-day file of the exchange, or a folder of such files"
    )
    parser.add_argument("--day", help="the day of its trades, like 2026-03-02; without it the name says it")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stderr
    )
    settings = command_settings()
    files = _files(Path(given.file), given.day or None)
    counts = import_statements.run(settings, files)
    standing = import_statements.standing(settings, [day for day, _ in files])
    sys.stdout.write(
        f"{counts['files']:,} statements, {counts['line_count']:,} new lines,"
        f" {counts['rejected_count']:,} rejected; {counts['days']:,} days compared:"
        f" {counts['matched']:,} trades matched, {counts['missing']:,} added, {counts['differs']:,} changed,"
        f" {counts['cancelled']:,} cancelled, {counts['unexpected']:,} unexpected\n"
    )
    sys.stdout.writelines(f"{day}: {landing_file} stands\n" for day, landing_file in standing)
    if counts["not_reconciled"]:
        sys.stdout.write(
            f"{counts['not_reconciled']:,} days wait for a review: make review{settings.market_argument} lists"
            " what\n"
        )
    return 0


def _files(path: Path, day: str | None) -> list[tuple[date, Path]]:
    """The statements with their days, the oldest first; of several files of a day the one that changed last."""
    if not path.is_dir():
        if day is not None:
            return [(DeliveryDays.parse(day, day).first, path)]
        if (named := day_in_name(path.name)) is None:
            if not path.exists():
                raise TerminalError(f"there is no {path}")
            raise TerminalError(f"the name of {path} does not say which day it is about: give DAY=2026-03-02")
        return [(named, path)]
    if day is not None:
        raise TerminalError("DAY is for one file; the files of a folder have their days in their names")
    files = dict[date, list[Path]]()
    for file in finished_files(path):
        if (named := day_in_name(file.name)) is None:
            raise TerminalError(f"the name of {file} does not say which day it is about")
        files.setdefault(named, []).append(file)
    if not files:
        raise TerminalError(f"{path} holds no files")
    return [(each, max(of_day, key=changed_last)) for each, of_day in sorted(files.items())]


if __name__ == "__main__":
    end(main)
