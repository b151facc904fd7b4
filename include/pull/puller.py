"""Requests the prices of delivery periods one by one, within budget and deadline; lands every reply."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from include.domain.delivery_period import Market
from include.domain.reference_price import is_transient_status, why_no_answer
from include.errors import TransientError
from include.landing import event_line, message_line
from include.landing_writer import LandingWriter
from include.pull.budget import AskedElsewhere, Budget, Ticket
from include.pull.client import MarketDataClient, RequestFailedError, retry_after_seconds
from include.pull.schedule import PeriodToPrice

MAX_ATTEMPTS = 3
"""Requests for one period in one run; each uses budget."""

MAX_UNANSWERED_PERIODS = 3
"""After this many consecutive periods without a reply, or with one that says to retry later, the provider
counts as down …"""

MAX_FAILED_PERIODS = 30
"""… and after this many that failed in whatever way, such as with unusable replies: a day has fewer hours."""

MAX_BACKOFF_SECONDS = 8.0
"""Limit of the exponential backoff between attempts, which starts at 0.5 s and has jitter."""

_POLL_SECONDS = 5.0
_LOG_INTERVAL_SECONDS = 30.0

_log = logging.getLogger(__name__)


class _UnusableReplyError(TransientError):
    """A complete reply that is no answer: about this period only, as far as we know."""


class _RateLimitedError(TransientError):
    """429: the provider counts more requests than our budget does."""


class _OutOfTimeError(TransientError):
    """The budget allows no request before the deadline."""


class _Outcome(Enum):
    ANSWERED = auto()
    ASKED_ELSEWHERE = auto()
    UNANSWERED = auto()
    UNUSABLE = auto()
    DEFERRED = auto()


@dataclass(frozen=True, slots=True)
class PullResult:
    """The outcome of a pull; the first four count periods and add up to all that were due.

    Attributes:
        answered: The provider returned a price, said that there is none, or does not know the period; landed.
        asked_elsewhere: Another process asked at the same time.
        failed: No answer after all attempts.
        deferred: Left to the next run because of the budget, the deadline, or a provider that is down.
        requested: Requests sent.
        last_failure: Why the last failed request failed; None if none did.
    """

    answered: int
    asked_elsewhere: int
    failed: int
    deferred: int
    requested: int
    last_failure: str | None


class Puller:
    """One pull of reference prices.

    Args:
        budget: Shared with all other processes.
        writer: Where replies land.
        end: `time.monotonic()` after which nothing is requested.
    """

    def __init__(
        self, client: MarketDataClient, budget: Budget, writer: LandingWriter, market: Market, end: float
    ) -> None:
        self._client = client
        self._budget = budget
        self._writer = writer
        self._market = market
        self._end = end
        self._logged_at = time.monotonic()
        self._periods: Sequence[PeriodToPrice] = ()
        self._outcomes: list[_Outcome] = []
        self._requested = 0
        self._failed_requests = 0
        self._last_failure: str | None = None

    def pull(self, periods: Sequence[PeriodToPrice]) -> PullResult:
        """Requests the prices until all are done, time or budget is up, or the provider is down.

        Raises:
            OSError: A reply could not be landed; its request stays counted.
            psycopg2.Error: The warehouse failed; all replies so far are landed.
        """
        self._periods = periods
        for is_history in (False, True):
            if not self._ask_all([period for period in periods if period.is_history is is_history]):
                break
        count = Counter(self._outcomes)
        return PullResult(
            answered=count[_Outcome.ANSWERED],
            asked_elsewhere=count[_Outcome.ASKED_ELSEWHERE],
            failed=count[_Outcome.UNANSWERED] + count[_Outcome.UNUSABLE],
            deferred=len(periods) - len(self._outcomes),
            requested=self._requested,
            last_failure=self._last_failure,
        )

    def _ask_all(self, left: list[PeriodToPrice]) -> bool:
        """Requests the prices in order, until the provider counts as down; False if time or budget is up.

        The neighbours of a period that fails often fail as well. So the period after a first failure, a third
        and so on is taken from the middle of those that did not fail the last time: only a provider that fails
        in both places counts as down.
        """
        failures: list[_Outcome] = []
        while left:
            self._log_progress()
            middle = sum(period.failed_at is None for period in left) // 2
            outcome = self._ask(left.pop(middle if len(failures) % 2 else 0))
            if outcome is _Outcome.DEFERRED:
                return False
            self._outcomes.append(outcome)
            is_failure = outcome in (_Outcome.UNANSWERED, _Outcome.UNUSABLE)
            failures = [*failures, outcome] if is_failure else []
            is_away = failures[-MAX_UNANSWERED_PERIODS:] == [_Outcome.UNANSWERED] * MAX_UNANSWERED_PERIODS
            if is_away or len(failures) >= MAX_FAILED_PERIODS:
                break
        return True

    def _ask(self, period: PeriodToPrice) -> _Outcome:
        """Requests the price of one period, with retries."""
        attempts = Retrying(
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=MAX_BACKOFF_SECONDS),
            retry=retry_if_exception_type((RequestFailedError, _UnusableReplyError, _RateLimitedError)),
            reraise=True,
        )
        failures_before = self._failed_requests
        try:
            return attempts(self._attempt, period)
        except RequestFailedError:
            return _Outcome.UNANSWERED
        except _UnusableReplyError:
            return _Outcome.UNUSABLE
        except _RateLimitedError:
            return _Outcome.DEFERRED
        except _OutOfTimeError:
            return _Outcome.UNANSWERED if self._failed_requests > failures_before else _Outcome.DEFERRED

    def _attempt(self, period: PeriodToPrice) -> _Outcome:
        """One request: takes budget, asks, lands what came, and only then marks the request finished."""
        ticket = self._take(period)
        if ticket is None:
            return _Outcome.ASKED_ELSEWHERE
        self._requested += 1
        request = {"delivery_day": period.delivery_day.isoformat(), "delivery_hour": period.delivery_hour}
        try:
            reply = self._client.reference_price(period.delivery_day, period.delivery_hour, ticket.taken_at)
        except RequestFailedError as error:
            at = datetime.now(UTC)
            self._land(event_line(at, "request_failed", request=request, error=str(error)), at)
            self._budget.finish(ticket, None, is_answer=False, retry_after_seconds=None)
            self._note_failure(period, str(error))
            raise
        self._land(
            message_line(reply.received_at, reply.body, request=request, status=reply.status), reply.received_at
        )
        wait = retry_after_seconds(reply.status, reply.retry_after, reply.received_at)
        asked = self._market.period(period.delivery_day, period.delivery_hour)
        failure = why_no_answer(reply.status, reply.body, asked, self._market.price_bounds)
        self._budget.finish(ticket, reply.status, is_answer=failure is None, retry_after_seconds=wait)
        if reply.status == 429:
            _log.warning("the provider refuses requests (429); all processes wait %.0f s", wait)
            raise _RateLimitedError("status 429")
        if failure is not None:
            self._note_failure(period, failure)
            says_later = is_transient_status(reply.status)
            raise RequestFailedError(failure) if says_later else _UnusableReplyError(failure)
        return _Outcome.ANSWERED

    def _take(self, period: PeriodToPrice) -> Ticket | None:
        """Waits until the budget allows a request; None if another process asks for this period.

        Raises:
            _OutOfTimeError: The budget allows none before the end.
        """
        while (left := self._end - time.monotonic()) > 0:
            taken = self._budget.take(period.delivery_day, period.delivery_hour, period.is_history)
            if isinstance(taken, Ticket):
                return taken
            if isinstance(taken, AskedElsewhere):
                return None
            if taken.seconds > left:
                break
            self._log_progress()
            time.sleep(min(taken.seconds, _POLL_SECONDS))
        raise _OutOfTimeError("no budget before the deadline")

    def _land(self, line: bytes, at: datetime) -> None:
        self._writer.append(line, at)
        self._writer.sync()

    def _note_failure(self, period: PeriodToPrice, reason: str) -> None:
        self._failed_requests += 1
        self._last_failure = reason
        _log.info("no answer for %s %s: %s", period.delivery_day, period.delivery_hour, reason)

    def _log_progress(self) -> None:
        if time.monotonic() - self._logged_at < _LOG_INTERVAL_SECONDS:
            return
        self._logged_at = time.monotonic()
        left = len(self._periods) - len(self._outcomes)
        # history comes last: if there is any, its lower limits determine the time
        seconds = self._budget.seconds_for(left, self._periods[-1].is_history)
        _log.info(
            "reference prices: %d of %d delivery periods are done, %d requests so far; %d to go,"
            " at least %s by the budget",
            len(self._outcomes),
            len(self._periods),
            self._requested,
            left,
            timedelta(seconds=round(seconds)),
        )
