"""Keeps PnL current between the scheduled runs: what arrives is loaded, validated and built within a minute."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from include.errors import TerminalError, TransientError
from include.jobs import (
    build_pnl,
    load_reference_prices,
    load_trades,
    pull_reference_prices,
    report_findings,
    validate_reference_prices,
    validate_trades,
)
from include.pull.schedule import last_publication
from include.settings import Settings

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
"""A pass starts at the first and the 31st second of each minute: a publication is certainly out 30 s after its
instant, and a trade waits half a minute at most."""

AFTER = timedelta(seconds=1)
"""How far behind the full half minute a pass starts: the clocks of provider and platform differ a little."""

RUN_SECONDS = 600.0
"""One run; then the next one starts, with whatever code is deployed by then."""

_PULL_SECONDS = 20.0
"""A slow provider must not hold up trades; what is left over is asked for in the next pass."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The time, and a way to let it pass."""

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.now(UTC)

    def wait_until(self, moment: datetime) -> None:
        """Returns at that moment, at once if it has passed."""
        time.sleep(max((moment - self.now()).total_seconds(), 0.0))


_CLOCK = Clock()


def run(settings: Settings, seconds: float = RUN_SECONDS, clock: Clock = _CLOCK) -> dict[str, int]:
    """Works on what has arrived, every half minute, until the time is up; at least once.

    Prices are asked for once after each publication. A provider that fails is no failure of this task: the
    refresh that comes half a minute later asks again, and says so. Another error ends its pass, not the run:
    what it does not concern goes on to count. Killed anywhere, nothing is half done.

    Args:
        settings: Where everything is.
        seconds: No pass starts later than this after the first.
        clock: For tests.

    Returns:
        Counts: passes, and the sums of trades, prices and rows of PnL changed in them.

    Raises:
        TerminalError: At the end: batches were blocked, built rows broke a critical expectation, or landing
            files cannot be loaded.
        TransientError: At the end: the warehouse was away, and still is.
    """
    end = clock.now() + timedelta(seconds=seconds)
    total = Counter({"passes": 0, "trades": 0, "prices": 0, "rows_changed": 0})
    wrong: dict[str, None] = {}
    priced_for: datetime | None = None
    while True:
        away: TransientError | None = None
        now = clock.now()
        publication = last_publication(now)
        try:
            total.update(_trades(settings))
            if publication != priced_for and _pull(settings, now):
                priced_for = publication
            total.update(_prices(settings))
            report_findings.run(settings)
        except TerminalError as error:
            log.error("%s", error)
            wrong[str(error)] = None
        except TransientError as error:
            log.warning("%s", error)
            away = error
        total["passes"] += 1
        next_at = next_pass_at(clock.now())
        if next_at > end:
            break
        clock.wait_until(next_at)
    if wrong:
        raise TerminalError("\n".join(wrong))
    if away is not None:
        raise away
    return dict(total)


def next_pass_at(now: datetime) -> datetime:
    """When the next pass starts: the first or the 31st second of a minute."""
    return now + EVERY - (now - _EPOCH - AFTER) % EVERY


def _trades(settings: Settings) -> Mapping[str, int]:
    loaded = load_trades.run(settings)
    validate_trades.run(settings)
    return {"trades": loaded["loaded_count"], **_build(settings)}


def _prices(settings: Settings) -> Mapping[str, int]:
    loaded = load_reference_prices.run(settings)
    validate_reference_prices.run(settings)
    return {"prices": loaded["loaded_count"], **_build(settings)}


def _build(settings: Settings) -> Mapping[str, int]:
    return {"rows_changed": build_pnl.run(settings)["rows_changed"]}


def _pull(settings: Settings, now: datetime) -> bool:
    """Whether this publication is done with: all was asked for, or the provider failed."""
    try:
        asked = pull_reference_prices.run(settings, now=now, deadline_seconds=_PULL_SECONDS)
    except TransientError as error:
        log.warning("%s", error)
        return True
    return not asked["deferred"]
