"""Shows the traders' table of a delivery day: `python -m include.commands.report`, `make report`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from include.commands.ending import end
from include.csv_file import DECIMALS
from include.errors import TerminalError
from include.report import Report, run, to_csv, to_text, to_xlsx, waiting_note
from include.run_scope import parse_day
from include.settings import command_settings
from include.whole_file import whole_file

FORMATS = ("table", "csv", "xlsx")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.report", description=__doc__)
    parser.add_argument("--day", required=True, help="delivery day, for example 2026-03-01")
    parser.add_argument("--trader", default="", help="only this trader; otherwise the whole portfolio")
    parser.add_argument("--format", default="table", help="table (the default), csv or xlsx")
    parser.add_argument("--decimal", default="", help="of a csv: point (the default), or comma and semicolons")
    parser.add_argument("--output", default="", help="file to write; xlsx has a name of its own without it")
    given = parser.parse_args(arguments)
    form = given.format or "table"
    if form not in FORMATS:
        raise TerminalError(f"the format must be one of {', '.join(FORMATS)}, not {form!r}")
    decimal = given.decimal or "point"
    if decimal not in DECIMALS:
        raise TerminalError(f"decimal must be {' or '.join(DECIMALS)}, not {decimal!r}")
    report = run(command_settings(), parse_day("DAY", given.day), given.trader or None)
    _deliver(report, form, decimal, Path(given.output) if given.output else None)
    return 0


def _deliver(report: Report, form: str, decimal: str, output: Path | None) -> None:
    if not report.table:
        stream = sys.stdout if form == "table" and output is None else sys.stderr
        if report.gaps:
            stream.write(
                f"no trades for delivery on {report.delivery_day} are known, and some may be missing: nothing"
                f" was connected to the exchange {report.gaps} market time, while it was tradable\n"
            )
        else:
            stream.write(
                f"no trades for delivery on {report.delivery_day} in curated.pnl_hourly: a trade appears there"
                " within a minute of its arrival\n"
            )
        if report.hours_without_trades:
            stream.write(f"{waiting_note(report.hours_without_trades)}: the trading desk shows them\n")
        return
    if form == "table" and output is None:
        Console(highlight=False, soft_wrap=True).print(to_text(report), end="")
    elif form == "csv" and output is None:
        sys.stdout.write(to_csv(report, decimal))
    else:
        path = output or Path(report.file_name)
        with whole_file(path) as part:
            part.write_bytes(_content(report, form, decimal))
        sys.stderr.write(f"wrote {path}\n")


def _content(report: Report, form: str, decimal: str) -> bytes:
    if form == "xlsx":
        return to_xlsx(report)
    return (to_csv(report, decimal) if form == "csv" else to_text(report).plain).encode()


if __name__ == "__main__":
    end(main)
