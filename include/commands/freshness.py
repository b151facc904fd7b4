"""Tells what is late right now: `python -m include.commands.freshness`, `make freshness`."""

import sys

from include.errors import TerminalError, TransientError
from include.jobs.check_freshness import check
from include.settings import command_settings


def main() -> int:
    """Prints a line an alarm; 1 if one is on that is more than a warning, or nothing can be said."""
    try:
        alarms, _ = check(command_settings())
    except (TerminalError, TransientError) as error:
        print(f"freshness: {error}")
        return 1
    for alarm in alarms:
        print(alarm)
    is_critical = any(alarm.severity == "critical" for alarm in alarms)
    if not is_critical:
        print("capture, loading, hourly PnL and reference prices are fresh")
    return int(is_critical)


if __name__ == "__main__":
    sys.exit(main())
