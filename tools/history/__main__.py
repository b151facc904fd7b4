"""Writes landing files of the past: `python -m tools.history --help`."""

import argparse
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tools.history import write_history


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; 0, or 2 when an argument is wrong or the files exist."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.history",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, help="LANDING_ROOT to write into")
    parser.add_argument("--from", dest="start_at", type=datetime.fromisoformat, required=True, help="UTC hour")
    parser.add_argument("--hours", type=int, default=48, help="how long the capture instances run")
    parser.add_argument("--per-minute", type=int, default=100, help="ordinary deals a minute")
    parser.add_argument("--lines", type=int, default=2, help="capture instances")
    parser.add_argument("--seed", type=int, default=7, help="of market, deals and faults")
    parser.add_argument("--timezone", default="Europe/Berlin", help="the market's zone")
    parser.add_argument("--no-prices", dest="has_prices", action="store_false", help="only trades")
    parser.add_argument(
        "--unsettled",
        dest="is_settled",
        action="store_false",
        help="the pull stops with the capture instances: the last delivery hours have no final price",
    )
    parser.add_argument(
        "--revisions", dest="has_revisions", action="store_true", help="a final price a day is revised"
    )
    parser.add_argument(
        "--fast", dest="is_fast", action="store_true", help="ordinary deals are varied, not made: for months"
    )
    options = vars(parser.parse_args(arguments))
    began = time.monotonic()
    try:
        history = write_history(options.pop("root"), options.pop("start_at"), options.pop("hours"), **options)
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))
    for name, value in asdict(history).items():
        print(f"{name} {value}")
    seconds = time.monotonic() - began
    lines = history.trade_lines + history.price_lines
    print(f"{lines:,} lines in {seconds:.1f} s: {lines / seconds:,.0f} lines/s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
