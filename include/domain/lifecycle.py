"""Which of the received messages count: the executable specification that the SQL is tested against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from include.domain.trade import Cancellation, Trade

Identity = tuple[str, str]
"""Trade id and direction."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message with the order of its receipt.

    Attributes:
        received_at: UTC.
        place: Landing file and line; decides between messages that were received at the same time.
    """

    message: Trade | Cancellation
    received_at: datetime
    place: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the messages come to.

    Attributes:
        counting: The trades of PnL.
        cancelled: The last revision of each trade that was taken back.
        replaced: Revisions that a higher one replaced.
        quarantined: Revisions that break a critical expectation and nobody has accepted.
        orphans: Cancellations of trades that are not known.
    """

    counting: dict[Identity, Trade]
    cancelled: dict[Identity, Trade]
    replaced: list[Trade]
    quarantined: list[Trade]
    orphans: list[Cancellation]


def outcome(received: Iterable[Received], is_sound: Callable[[Trade], bool] = lambda trade: True) -> Outcome:
    """Decides which trades count; the order of the messages in `received` does not matter.

    - Of copies of one revision with different contents the one received first counts.
    - A revision is disputed if any copy of it says so.
    - The highest revision counts; a revision in quarantine is as if it had not come.
    - A cancellation with a revision takes back that one and those before it. One without a revision takes back
      revision 0, whenever it comes, and each revision that was received before it.

    Args:
        received: All messages.
        is_sound: False for a trade that is in quarantine.
    """
    messages = sorted(received, key=lambda r: (r.received_at, r.place))
    cancellations = [(r.message, r.received_at) for r in messages if isinstance(r.message, Cancellation)]
    revisions = revisions_of(messages)
    result = Outcome({}, {}, [], [], [])
    for identity, of_trade in revisions.items():
        sound = {n: kept for n, kept in of_trade.items() if is_sound(kept[0])}
        result.quarantined.extend(trade for n, (trade, _) in of_trade.items() if n not in sound)
        if not sound:
            continue
        trade, first_at = sound.pop(max(sound))
        result.replaced.extend(older for older, _ in sound.values())
        is_cancelled = any(takes_back(c, at, trade, first_at) for c, at in cancellations)
        (result.cancelled if is_cancelled else result.counting)[identity] = trade
    known = {*revisions, *((trade_id, None) for trade_id, _ in revisions)}
    result.orphans.extend(c for c, _ in cancellations if (c.trade_id, c.direction) not in known)
    return result


def revisions_of(received: Iterable[Received]) -> dict[Identity, dict[int, tuple[Trade, datetime]]]:
    """The revisions of each trade, with the time when the first copy of each was received."""
    revisions: dict[Identity, dict[int, tuple[Trade, datetime]]] = {}
    for r in sorted(received, key=lambda r: (r.received_at, r.place)):
        if isinstance(trade := r.message, Trade):
            of_trade = revisions.setdefault((trade.trade_id, trade.direction), {})
            first, first_at = of_trade.setdefault(trade.revision, (trade, r.received_at))
            if trade.is_disputed and not first.is_disputed:
                of_trade[trade.revision] = (replace(first, is_disputed=True), first_at)
    return revisions


def takes_back(cancellation: Cancellation, at: datetime, trade: Trade, first_at: datetime) -> bool:
    """Whether a cancellation received at a time takes back a revision that was first received at another."""
    if cancellation.trade_id != trade.trade_id or cancellation.direction not in (None, trade.direction):
        return False
    if cancellation.revision is not None:
        return cancellation.revision >= trade.revision
    return trade.revision == 0 or first_at <= at
