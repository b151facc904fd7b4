"""Keeps PnL current between two refreshes: what arrives is loaded, validated and built within a minute."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from include.errors import TerminalError, TransientError
from include.jobs import (
    build_pnl,
    check_freshness,
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

INTERVAL = timedelta(seconds=30)
"""Between two passes: a trade waits half a minute at most, and a publication is certainly out 30 s after its
instant."""

OFFSET = timedelta(seconds=1)
"""Passes start at the first and the 31st second of each minute: the clocks of provider and platform differ a
little."""

HANDOVER = timedelta(seconds=31)
"""How long passes go on after the next run is due: it needs some seconds until its own passes begin."""

_PULL_TIMEOUT_SECONDS = 20.0
"""A slow provider must not delay trades; what is left over is asked for in the next pass."""

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


def run(settings: Settings, until: datetime | None, clock: Clock = _CLOCK) -> dict[str, int]:
    """Works on what has arrived and checks freshness, every half minute, until the next run has taken over.

    Prices are asked for once after each publication. A provider that fails does not fail this task: the next
    refresh asks again and reports it. Another error ends its pass, not the run: what it does not concern still
    counts. Killed at any moment, nothing is half done.

    Args:
        settings: Of the platform, with the channels by which people are notified of alarms.
        until: When the next run is due, UTC. None: nobody waits for passes, so there are none.
        clock: For tests.

    Returns:
        Counts: passes, and the sums of trades, prices and rows of PnL changed in them.

    Raises:
        TerminalError: At the end: batches were blocked, built rows broke a critical expectation, or landing
            files cannot be loaded.
        TransientError: At the end: the warehouse was away in the last pass.
    """
    total = Counter({"passes": 0, "trades": 0, "prices": 0, "rows_changed": 0})
    findings: dict[str, None] = {}
    outage: TransientError | None = None
    priced_for: datetime | None = None
    next_at = next_pass_at(clock.now())
    while until is not None and next_at <= until + HANDOVER:
        clock.wait_until(next_at)
        outage = None
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
            findings[str(error)] = None
        except TransientError as error:
            log.warning("%s", error)
            outage = error
        _check_freshness(settings)
        total["passes"] += 1
        next_at = next_pass_at(clock.now())
    if findings:
        raise TerminalError("\n".join(findings))
    if outage is not None:
        raise outage
    return dict(total)


def next_pass_at(now: datetime) -> datetime:
    """When the next pass starts: the first or the 31st second of a minute."""
    return now + INTERVAL - (now - _EPOCH - OFFSET) % INTERVAL


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
        asked = pull_reference_prices.run(settings, now=now, deadline_seconds=_PULL_TIMEOUT_SECONDS)
    except TransientError as error:
        log.warning("%s", error)
        return True
    return not asked["deferred"]


def _check_freshness(settings: Settings) -> None:
    """Raises and clears alarms. The task `check_freshness` fails while one is on; here they are only logged."""
    try:
        alarms, _ = check_freshness.check(settings)
    except TransientError as error:
        log.warning("freshness was not checked: %s", error)
        return
    for alarm in alarms:
        log.error("%s", alarm)
