"""When a capture instance is not connected, and what its journal will say about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

_DEAD_LINK = "no answer to a ping for 12 s: the link is dead"
_REASONS = (
    "closed by the exchange: received 1011 (internal error)",
    "the exchange ended the connection without a close frame",
    _DEAD_LINK,
)
_HOURS_PER_GAP = 6


@dataclass(frozen=True, slots=True)
class Outage:
    """A span without a connection.

    Attributes:
        lost_at: UTC; nothing sent from then on is received.
        noticed_at: UTC; when the journal says so: later than `lost_at` for a link that died silently.
        connected_at: UTC; when the next connection is open.
        reason: As the journal gives it.
    """

    lost_at: datetime
    noticed_at: datetime
    connected_at: datetime
    reason: str


def outages(seed: int, line: int, start_at: datetime, hours: int) -> list[Outage]:
    """The outages of one line, in order and apart from each other.

    About two hours of three have one of the line's own. In the second hour, and every six hours from
    then on, no line is connected for a while: every other time across the turn of the hour.
    """
    result = []
    for number in range(hours):
        hour = start_at + timedelta(hours=number)
        random = Random(f"{seed}/outages/{line}/{hour}")
        if random.random() < 2 / 3:
            lost_at = hour + timedelta(minutes=random.uniform(2, 48))
            result.append(_outage(random, lost_at, random.uniform(5, 150)))
        if number % _HOURS_PER_GAP == 1 % hours:
            is_across = number % (2 * _HOURS_PER_GAP) == 1 and number + 1 < hours
            lost_at = hour + timedelta(minutes=59.4 if is_across else 54, seconds=2 * line)
            result.append(_outage(random, lost_at, random.uniform(60, 90)))
    return result


def _outage(random: Random, lost_at: datetime, seconds: float) -> Outage:
    reason = random.choice(_REASONS)
    unnoticed = random.uniform(12, 22) if reason == _DEAD_LINK else 0
    noticed_at = lost_at + timedelta(seconds=unnoticed)
    return Outage(lost_at, noticed_at, lost_at + timedelta(seconds=max(seconds, unnoticed + 1)), reason)
