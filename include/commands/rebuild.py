"""Rebuilds PnL of a range of delivery days: `python -m include.commands.rebuild`, `make rebuild`."""

import argparse
import logging
import sys
from collections.abc import Sequence

from include.commands.ending import end
from include.duration import counted
from include.jobs import rebuild_steps
from include.run_scope import DeliveryDays, Rebuild
from include.settings import command_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.rebuild", description=__doc__)
    parser.add_argument("--from", dest="first", required=True, help="first delivery day, like 2026-03-02")
    parser.add_argument("--to", dest="last", required=True, help="last delivery day, inclusive")
    parser.add_argument("--reload", action="store_true", help="load their landing files from scratch")
    parser.add_argument("--force-prices", action="store_true", help="ask the provider for their prices again")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stderr
    )
    days = DeliveryDays.parse(given.first, given.last)
    options = f"{' reload' * given.reload}{' force_prices' * given.force_prices}"
    name = f"make rebuild {days.first} {days.last}{options}"
    rebuild = Rebuild(name, days, given.reload, given.force_prices)
    counts = rebuild_steps.run(command_settings(), rebuild)["rebuild_pnl"]
    sys.stdout.write(
        f"{counted(counts['delivery_days'], 'delivery day')}: {counted(counts['rows_built'], 'row')} built,"
        f" {counts['rows_changed']:,} changed\n"
    )
    return 0


if __name__ == "__main__":
    end(main)
