"""The pull: an hourly run that asks the simulated provider and lands its replies as include/pull does."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import urlencode

from include.domain.delivery_period import DeliveryPeriod
from include.landing import REFERENCE_PRICES, event_line, message_line
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tools.history.line import open_landing_file, opened_line
from tools.history.traffic import LATE_DAYS

RUN_MINUTE = 11
"""Of each hour: after the publication at :10."""

_BETWEEN_REPLIES = timedelta(seconds=1.25)  # 48 requests a minute, within the provider's budget
_PROVISIONAL_HOURS = 3
_REVISED_RUN, _REVISED_AFTER = 9, timedelta(hours=5)
_UNAVAILABLE_RUN, _FAILED_RUN = 4, 16
_NAME, _HOST, _PID = "pull", "desk-1", 5000
_UNDEFINED: tuple[Literal["null", "404", "missing"], ...] = ("null", "404", "missing")


class Pull:
    """All runs over a history.

    Each run asks for the delivery hours that became final since the run before, and for some that are open.
    The first run catches up with the days that late trades may be for.

    Args:
        root: LANDING_ROOT.
        market: Whose index is published.
        start_at: UTC; no run is before.
        has_revisions: Whether one final price a day is asked for again and has changed.

    Attributes:
        files: Written so far: one a run that asks for anything.
        lines: In these, events included.
    """

    def __init__(self, root: Path, market: SimulatedMarket, start_at: datetime, has_revisions: bool) -> None:
        self.files = self.lines = 0
        self._root = root
        self._market = market
        self._has_revisions = has_revisions
        self._final_until = start_at - timedelta(days=LATE_DAYS + 2)
        self._at = start_at
        self._provider = Provider(market, budget=(), clock=lambda: self._at)
        self._file: BinaryIO | None = None

    def run_if_due(self, minute: datetime) -> None:
        """The run that starts in this minute, if there is one."""
        if minute.minute == RUN_MINUTE:
            self._run(minute, [*self._became_final(minute), *self._open(minute)], self._has_revisions)

    def settle(self, end_at: datetime, last_day: date) -> datetime:
        """Runs on, for final prices only, until the last delivery day has all of them.

        Returns:
            The UTC hour in which nothing was landed any more.
        """
        final_from = max(p.price_final_from for p in self._market.calendar.hours_of(last_day))
        minute = end_at + RUN_MINUTE * timedelta(minutes=1)
        while self._final_until < final_from:
            self._run(minute, self._became_final(minute))
            minute += timedelta(hours=1)
        return max(end_at, minute.replace(minute=0))

    def _became_final(self, minute: datetime) -> list[DeliveryPeriod]:
        since, self._final_until = self._final_until, minute
        day = self._local_day(since) - timedelta(days=1)
        found = []
        while day <= self._local_day(minute) + timedelta(days=1):
            found += [p for p in self._market.calendar.hours_of(day) if since < p.price_final_from <= minute]
            day += timedelta(days=1)
        return found

    def _open(self, minute: datetime) -> list[DeliveryPeriod]:
        """The next hours; all of tomorrow's when trading for them has just opened: some have no price yet."""
        tradable = self._market.calendar.tradable_hours(minute)
        just_opened = [p for p in tradable if minute - p.tradable_from < timedelta(hours=1)]
        return [*tradable[:_PROVISIONAL_HOURS], *just_opened]

    def _run(self, minute: datetime, periods: Iterable[DeliveryPeriod], may_revise: bool = False) -> None:
        self._at = minute + timedelta(seconds=31, microseconds=minute.hour * 1001)
        self._provider.undefined = _UNDEFINED[minute.hour % 3]
        for number, period in enumerate(periods):
            if number == 0 and minute.hour == _UNAVAILABLE_RUN:
                self._provider.faults.error_status = 503
                self._ask(period)
                self._provider.faults.error_status = 0
            elif number == 0 and minute.hour == _FAILED_RUN:
                self._land(event_line(self._at, "request_failed", request=_request(period), error="timed out"))
            self._ask(period)
        if may_revise and minute.hour == _REVISED_RUN:
            self._provider.faults.revise_final = True
            self._ask(self._hour_at(minute - _REVISED_AFTER))
            self._provider.faults.revise_final = False
        if self._file is not None:
            self._write(event_line(self._at, "closed"))
            self._file.close()
            self._file = None

    def _ask(self, period: DeliveryPeriod) -> None:
        request = _request(period)
        reply = self._provider.answer(f"/reference-price?{urlencode(request)}")
        assert reply is not None
        self._land(message_line(self._at, reply.body.encode(), request=request, status=reply.status))

    def _land(self, line: bytes) -> None:
        if self._file is None:
            self._file = open_landing_file(self._root, REFERENCE_PRICES, _NAME, _HOST, _PID, self._at)
            self.files += 1
            self._write(opened_line(self._at, _NAME, _HOST, _PID))
        self._write(line)
        self._at += _BETWEEN_REPLIES

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        self._file.write(line)
        self.lines += 1

    def _hour_at(self, at: datetime) -> DeliveryPeriod:
        """The delivery hour that begins with the UTC hour of that moment, or is under way then."""
        hours = self._market.calendar.hours_of(self._local_day(at))
        return next(p for p in hours if p.start_at <= at < p.end_at)

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self._market.calendar.timezone).date()


def _request(period: DeliveryPeriod) -> dict[str, str]:
    return {"delivery_day": period.delivery_day.isoformat(), "delivery_hour": period.delivery_hour}
