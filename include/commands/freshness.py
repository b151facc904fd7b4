"""Tells what is late right now in each market: `python -m include.commands.freshness`, `make freshness`."""

from include.commands.ending import end
from include.errors import TerminalError, TransientError
from include.health.alarms import check
from include.settings import every_market


def main() -> int:
    """Prints a line per alarm; 1 if a critical one is on or an alarm cannot be checked."""
    is_critical = False
    try:
        markets = every_market()
        for settings in markets:
            alarms, _ = check(settings)
            is_critical |= any(alarm.severity == "critical" for alarm in alarms)
            for alarm in alarms:
                print(f"{settings.market.market}: {alarm}" if len(markets) > 1 else alarm)
    except (TerminalError, TransientError) as error:
        print(f"freshness: {error}")
        return 1
    if not is_critical:
        print("capture, loading, hourly PnL and reference prices are fresh")
    return int(is_critical)


if __name__ == "__main__":
    end(main)
