"""Keeps the alarms current, and fails while a critical one is on."""

from collections.abc import Mapping

from include.errors import TerminalError
from include.health.alarms import check, log_alarms
from include.settings import Settings


def run(settings: Settings) -> Mapping[str, int]:
    """Checks what has to stay fresh in the market, keeps ops.alarms, tells people of alarms raised and cleared.

    Returns:
        The number of alarms that were cleared.

    Raises:
        TerminalError: A critical alarm is on; the message has a line for each. Or no warehouse is configured.
        TransientError: The warehouse cannot be reached.
    """
    alarms, cleared = check(settings)
    log_alarms(alarm for alarm in alarms if alarm.severity == "warning")
    if critical := [str(alarm) for alarm in alarms if alarm.severity == "critical"]:
        raise TerminalError("\n".join(critical))
    return {"cleared": cleared}
