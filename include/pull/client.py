"""HTTP client of the provider: one request, one complete reply of bounded time and size, or an error."""

import re
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests

from include.errors import TransientError
from include.pull.sending import GivenUpError, Sending, new_session

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 10.0
WHOLE_TIMEOUT_SECONDS = 20.0
MAX_BODY_BYTES = 1_000_000
_ABORT_TIMEOUT_SECONDS = 5.0
"""For the thread to close an aborted connection, which takes milliseconds."""

DEFAULT_RETRY_SECONDS = 60.0
"""Wait after a 429 without Retry-After: the shorter window of the provider's budget."""

MAX_RETRY_SECONDS = 3600.0
"""A longer Retry-After is cut to the longer window of the budget."""


class RequestFailedError(TransientError):
    """No complete reply; the message names the cause, but no part of the URL."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the provider.

    Attributes:
        received_at: UTC, when it was complete.
        body: The body, verbatim.
        retry_after: The header Retry-After; None if there is none.
    """

    received_at: datetime
    status: int
    body: bytes
    retry_after: str | None


class MarketDataClient:
    """Sends requests to the provider, one at a time, on a persistent connection.

    It follows no redirects and retries nothing by itself, so that each request that is sent was asked for.

    Args:
        base_url: MARKET_DATA_URL, with its base path if it has one.
        whole_seconds: Timeout from the call to the last byte of the reply. Nothing is sent later.
    """

    def __init__(
        self,
        base_url: str,
        connect_seconds: float = CONNECT_TIMEOUT_SECONDS,
        read_seconds: float = READ_TIMEOUT_SECONDS,
        whole_seconds: float = WHOLE_TIMEOUT_SECONDS,
        body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._base_url = base_url
        self._timeout = (connect_seconds, read_seconds)
        self._whole_seconds = whole_seconds
        self._body_bytes = body_bytes
        self._session = new_session()

    def __enter__(self) -> "MarketDataClient":
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def reference_price(self, delivery_day: date, delivery_hour: str, asked_at: float | None = None) -> Reply:
        """The provider's reply for one delivery period, whatever its status.

        Args:
            delivery_day: Local day of the market.
            delivery_hour: Label, local time.
            asked_at: `time.monotonic()` at which `whole_seconds` start; default: now.

        Raises:
            RequestFailedError: No connection, no complete reply in time, or a reply that is too large.
        """
        url = reference_price_url(self._base_url, delivery_day, delivery_hour)
        sending = Sending((time.monotonic() if asked_at is None else asked_at) + self._whole_seconds)
        outcome: Future[Reply] = Future()
        # The timeouts of requests bound neither a DNS lookup nor a server that sends its headers byte by byte,
        # so the request runs in a thread and waiting for it is bounded.
        thread = threading.Thread(
            target=self._fulfil,
            args=(outcome, self._session, url, sending),
            name="reference-price",
            daemon=True,
        )
        thread.start()
        try:
            return outcome.result(max(0.0, sending.end - time.monotonic()))
        except TimeoutError as error:
            if sending.give_up():
                thread.join(_ABORT_TIMEOUT_SECONDS)
            self._session = new_session()  # the thread may still use the old one
            raise RequestFailedError(f"no complete reply within {self._whole_seconds:g} s") from error

    def _fulfil(self, outcome: "Future[Reply]", session: requests.Session, url: str, sending: Sending) -> None:
        try:
            outcome.set_result(self._get(session, url, sending))
        except BaseException as error:  # noqa: BLE001 - passed to the waiting thread
            outcome.set_exception(error)

    def _get(self, session: requests.Session, url: str, sending: Sending) -> Reply:
        try:
            with sending.get(session, url, self._timeout) as response:
                body = bytearray()
                while chunk := response.raw.read1(65_536, decode_content=True):
                    body += chunk
                    if len(body) > self._body_bytes:
                        raise RequestFailedError(f"the reply is larger than {self._body_bytes:,} bytes")
                    if time.monotonic() > sending.end:
                        raise RequestFailedError(f"no complete reply within {self._whole_seconds:g} s")
                return Reply(
                    datetime.now(UTC), response.status_code, bytes(body), response.headers.get("Retry-After")
                )
        except GivenUpError as error:
            raise RequestFailedError(f"not sent within {self._whole_seconds:g} s") from error
        except RequestFailedError:
            raise
        except Exception as error:  # whatever a reply causes fails this request only, not the pull
            raise RequestFailedError(_cause(error)) from error


def reference_price_url(base_url: str, delivery_day: date, delivery_hour: str) -> str:
    """The URL of a request; keeps the query string of the base URL, such as a key."""
    base = urlsplit(base_url)
    asked = urlencode({"delivery_day": delivery_day.isoformat(), "delivery_hour": delivery_hour})
    query = f"{base.query}&{asked}" if base.query else asked
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + "/reference-price", query, ""))


def retry_after_seconds(status: int, header: str | None, now: datetime) -> float | None:
    """How long all processes have to wait before the next request, s; None if the reply does not ask for it.

    Args:
        status: HTTP status of the reply. Only 429 and 503 ask to wait; 429 even without the header.
        header: Retry-After: a number of seconds or an HTTP date.
        now: UTC, for the date.
    """
    if status not in (429, 503):
        return None
    text = (header or "").strip()
    seconds: float | None = None
    if re.fullmatch(r"[0-9]{1,12}", text):
        seconds = float(text)
    elif text:
        try:
            at = parsedate_to_datetime(text)
            seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
        except (ValueError, OverflowError):
            seconds = None  # invalid: treated as missing
    if seconds is None:
        return DEFAULT_RETRY_SECONDS if status == 429 else None
    return min(max(seconds, 1.0), MAX_RETRY_SECONDS)


def _cause(error: BaseException) -> str:
    """The innermost cause; the messages of outer errors contain the URL, which may include a key."""
    innermost = error
    while inner := innermost.__cause__ or innermost.__context__:
        innermost = inner
    if isinstance(innermost, OSError) and innermost.strerror:
        return f"{type(error).__name__}: {innermost.strerror}"
    return ": ".join(dict.fromkeys((type(error).__name__, type(innermost).__name__)))
