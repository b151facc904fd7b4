"""Which of the received messages count: the executable specification that the SQL is tested against."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from include.domain.trade import Cancellation, Trade

Identity = tuple[str, str]
"""Trade id and direction."""

CAPTURED_FILE = re.compile(
    r"(?:.*/)?(?P<process>(?P<instance>.+)-\d+)-(?P<opened>\d{8}T\d+Z)\.jsonl", re.DOTALL
)
"""A landing file of capture: its instance, the process that wrote it, and when that opened it."""


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

    @property
    def instance(self) -> str:
        """The capture instance, by the name of its file; a file of no instance is one itself."""
        match = CAPTURED_FILE.fullmatch(self.place[0])
        return match["instance"] if match else self.place[0]


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a trade, and when copies of it were received.

    Attributes:
        trade: The copy that was received first, disputed if any copy says so.
        first_at: When the first copy was received, UTC.
        last_at: When each capture instance received its last copy, UTC.
    """

    trade: Trade
    first_at: datetime
    last_at: Mapping[str, datetime]


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
      revision 0, whenever it comes, and each revision of which a copy was received before it.
    - A copy of a cancellation without a revision does not take back what followed the first one, if the same
      instance received that after the copy, too: both came again, at a second instance or after a reconnect.

    Args:
        received: All messages.
        is_sound: False for a trade that is in quarantine.
    """
    messages = sorted(received, key=lambda r: (r.received_at, r.place))
    cancellations = cancellations_of(messages)
    revisions = revisions_of(messages)
    result = Outcome({}, {}, [], [], [])
    for identity, of_trade in revisions.items():
        sound = {n: kept for n, kept in of_trade.items() if is_sound(kept.trade)}
        result.quarantined.extend(kept.trade for n, kept in of_trade.items() if n not in sound)
        if not sound:
            continue
        latest = sound.pop(max(sound))
        result.replaced.extend(older.trade for older in sound.values())
        is_cancelled = cancelled_at(latest, cancellations) is not None
        (result.cancelled if is_cancelled else result.counting)[identity] = latest.trade
    known = {*revisions, *((trade_id, None) for trade_id, _ in revisions)}
    result.orphans.extend(c for c, _, _ in cancellations if (c.trade_id, c.direction) not in known)
    return result


def revisions_of(received: Iterable[Received]) -> dict[Identity, dict[int, Revision]]:
    """The revisions of each trade, by their numbers."""
    revisions: dict[Identity, dict[int, Revision]] = {}
    for r in sorted(received, key=lambda r: (r.received_at, r.place)):
        if isinstance(trade := r.message, Trade):
            of_trade = revisions.setdefault((trade.trade_id, trade.direction), {})
            first = of_trade.get(trade.revision) or Revision(trade, r.received_at, {})
            kept = replace(first.trade, is_disputed=first.trade.is_disputed or trade.is_disputed)
            last_at = {**first.last_at, r.instance: r.received_at}
            of_trade[trade.revision] = replace(first, trade=kept, last_at=last_at)
    return revisions


def cancellations_of(received: Iterable[Received]) -> list[tuple[Cancellation, datetime, str]]:
    """The cancellations, each with the time of its receipt and the capture instance that received it."""
    return [(r.message, r.received_at, r.instance) for r in received if isinstance(r.message, Cancellation)]


def cancelled_at(
    revision: Revision, cancellations: Iterable[tuple[Cancellation, datetime, str]]
) -> datetime | None:
    """When the first cancellation that takes a revision back was received; None if none does.

    Args:
        revision: Of any trade.
        cancellations: All of them, as `cancellations_of` returns them.
    """
    trade = revision.trade
    of_trade = [
        (cancellation, at, instance)
        for cancellation, at, instance in cancellations
        if cancellation.names(trade.trade_id, trade.direction)
    ]
    followed = {cancellation for cancellation, at, _ in of_trade if at < revision.first_at}

    def takes_back(cancellation: Cancellation, at: datetime, instance: str) -> bool:
        if cancellation.revision is not None:
            return cancellation.revision >= trade.revision
        is_copy = cancellation in followed and at < revision.last_at.get(instance, at)
        return trade.revision == 0 or (revision.first_at <= at and not is_copy)

    return min((each[1] for each in of_trade if takes_back(*each)), default=None)
