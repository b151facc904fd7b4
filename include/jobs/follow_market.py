"""Keeps PnL current between two runs of refresh_pnl: new trades and prices count within a minute."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from include.errors import TerminalError, TransientError
from include.health.alarms import check, log_alarms
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

INTERVAL = timedelta(seconds=30)
"""Interval of passes. A publication is certainly out 30 s after its time."""

OFFSET = timedelta(seconds=1)
"""Passes start at seconds 1 and 31 of each minute, since the provider's clock may be slightly behind."""

HANDOVER = timedelta(seconds=31)
"""How long passes continue after the next run is due, which needs some seconds to start its own."""

_PULL_TIMEOUT_SECONDS = 20.0
"""A slow provider must not delay trades; the remaining prices are requested in the next pass."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The wall clock; tests replace it."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)

    def wait_until(self, moment: datetime) -> None:
        """Sleeps until that time; returns immediately if it has passed."""
        time.sleep(max((moment - self.now()).total_seconds(), 0.0))


_CLOCK = Clock()


def run(settings: Settings, until: datetime | None, clock: Clock = _CLOCK) -> dict[str, int]:
    """Processes new data and checks freshness every half minute until the next run takes over.

    Prices are requested once after each publication. A failing provider does not fail this task: the next run
    of refresh_pnl requests the prices again and reports it. Any other error ends its pass only. May be killed
    at any time.

    Args:
        settings: The platform's settings, with the notification channels.
        until: When the next run is due, UTC; None for a manual run, which makes no passes.

    Returns:
        Counts: passes, and the sums of trades, prices and rows of PnL changed in them.

    Raises:
        TerminalError: At the end, if built rows violated a critical expectation, or landing files cannot be
            loaded, or anything else failed, such as a disk that is full.
        TransientError: At the end, if the warehouse was down in the last pass.
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
        except Exception as error:
            log.exception("the rest of this pass is left to the next one")
            findings[f"{type(error).__name__}: {error}"] = None
        try:
            _check_freshness(settings)
        except Exception as error:
            log.exception("freshness was not checked")
            findings[f"{type(error).__name__}: {error}"] = None
        total["passes"] += 1
        next_at = next_pass_at(clock.now())
    if findings:
        raise TerminalError("\n".join(findings))
    if outage is not None:
        raise outage
    return dict(total)


def next_pass_at(now: datetime) -> datetime:
    """When the next pass starts: at second 1 or 31 of a minute."""
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
    """Whether this publication is done: all prices were requested, or the provider failed."""
    try:
        asked = pull_reference_prices.run(settings, now=now, deadline_seconds=_PULL_TIMEOUT_SECONDS)
    except TransientError as error:
        log.warning("%s", error)
        return True
    return not asked["deferred"]


def _check_freshness(settings: Settings) -> None:
    """Raises and clears alarms; only logs them, since the task `check_freshness` fails while one is on."""
    try:
        alarms, _ = check(settings)
    except TransientError as error:
        log.warning("freshness was not checked: %s", error)
    else:
        log_alarms(alarms)
