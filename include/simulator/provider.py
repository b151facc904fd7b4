"""The simulated market data provider: reference prices over HTTP, within a request budget."""

import contextlib
import json
import math
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from socketserver import TCPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from include.domain.delivery_period import DeliveryPeriod, parse_delivery_day
from include.domain.rejection import Reason, RejectedMessageError, quoted
from include.simulator.faults import ProviderFaults
from include.simulator.market import SimulatedMarket, utc_now

PUBLISHED_BUDGET = ((50, 60), (1000, 3600))
"""Requests and the seconds in which no more are allowed."""

Undefined = Literal["null", "missing", "404"]
"""How a price that does not exist yet is answered."""

_PATHS = ("/reference-price", "/v1/reference-price")
_VALUE = "\ue000value"  # stands in the body until the literal of `raw_value` replaces it
_BODY_PIECES = 10

_REVISION = timedelta(hours=1)  # before the platform asks for final prices once more
_REVISED_BY = Decimal("1.25")


@dataclass(slots=True)
class Reply:
    """Status, JSON text and further headers of one reply."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, status: int, message: str) -> "Reply":
        return cls(status, json.dumps({"error_message": message}))


class RequestBudget:
    """A sliding log of requests; refused ones do not count.

    Args:
        limits: Pairs of a number of requests and the seconds in which no more are allowed.
    """

    def __init__(self, limits: Sequence[tuple[int, int]]) -> None:
        self._limits = limits
        self._log: deque[datetime] = deque(maxlen=max((most for most, _ in limits), default=0))
        self._lock = threading.Lock()

    def take(self, at: datetime) -> int:
        """Books a request: 0, or the whole seconds to wait if there is no room for it."""
        with self._lock:
            wait = 0.0
            for most, seconds in self._limits:
                if len(self._log) >= most:
                    free_at = self._log[-most] + timedelta(seconds=seconds)
                    wait = max(wait, (free_at - at).total_seconds())
            if wait <= 0:
                self._log.append(at)
            return max(0, math.ceil(wait))


class Provider:
    """The provider in background threads, as a context manager.

    Args:
        market: Whose index is published; share it with an Exchange.
        host: Address to listen on.
        port: 0 takes a free one.
        faults: What goes wrong; its attributes may be changed at any time, from any thread.
        budget: Pairs of a number of requests and the seconds in which no more are allowed.
        undefined: How a price that does not exist yet is answered.
        clock: Now.
    """

    def __init__(
        self,
        market: SimulatedMarket | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: ProviderFaults | None = None,
        budget: Sequence[tuple[int, int]] = PUBLISHED_BUDGET,
        undefined: Undefined = "null",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.market = market or SimulatedMarket()
        self.host = host
        self.port = port
        self.faults = faults or ProviderFaults()
        self.undefined = undefined
        self.clock = clock
        self.requests_answered = 0
        self._budget = RequestBudget(budget)
        self._random = Random(f"{self.market.seed}/provider")
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Returns when the port is open.

        Raises:
            OSError: It cannot be opened.
        """
        self._server = _Server((self.host, self.port), self)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="provider"
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the port and every connection; returns when all is gone."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def answer(self, target: str) -> Reply | None:
        """The reply to `GET target`; None closes the connection without one."""
        with self._lock:
            self.requests_answered += 1
        faults, at = self.faults, self.clock()
        wait = 0 if faults.permissive else self._budget.take(at)
        if wait or faults.too_many:
            reply = Reply.error(429, "too many requests")
            if not faults.no_retry_after:
                reply.headers["Retry-After"] = str(wait or 1)
            return reply
        if (faults.error_status or faults.hang_up) and self._random.random() < faults.error_share:
            return Reply.error(faults.error_status, "not now") if faults.error_status else None
        url = urlsplit(target)
        if url.path not in _PATHS:
            return Reply.error(404, f"there is no {url.path}")
        query = parse_qs(url.query)
        if any(len(query.get(name, [])) != 1 for name in ("delivery_day", "delivery_hour")):
            return Reply.error(400, "delivery_day and delivery_hour are required, once each")
        return self._price(query["delivery_day"][0], query["delivery_hour"][0], at)

    def _price(self, day: str, label: str, at: datetime) -> Reply:
        faults = self.faults
        try:
            period = self._period(day, label)
        except RejectedMessageError as error:
            if not faults.permissive:
                return Reply.error(400, error.detail)
            value: float | None = self._any_value(day, label, at)
            updated_at = at
        else:
            is_stale = self._hits(faults.stale_prices, "stale", period)
            last_seen_at = period.tradable_until - timedelta(hours=1) if is_stale else at
            publication = self.market.publication(period, min(at, last_seen_at))
            price, updated_at = publication.value, publication.published_at
            revised_at = period.price_recheck_from - _REVISION
            if price is not None and at >= revised_at and self._hits(faults.revised_prices, "revised", period):
                price, updated_at = price + _REVISED_BY, revised_at
            value = None if price is None else float(price)
            if faults.permissive and value is None:
                value = self._any_value(day, label, at)
            if faults.revise_final and value is not None:
                value, updated_at = round(value + self._any_value(day, label, at) / 100, 2), at
        body: dict[str, Any] = {
            "delivery_day": day,
            "delivery_hour": label,
            "last_update": updated_at.isoformat(timespec="seconds"),
            "unit": faults.wrong_unit or "euro/mwh",
            "value": _VALUE if faults.raw_value else value,
        }
        if body["value"] is None and self.undefined == "404":
            return Reply.error(404, f"nothing was traded for {day} {label} yet")
        if body["value"] is None and self.undefined == "missing":
            del body["value"]
        text = json.dumps(body).replace(json.dumps(_VALUE), faults.raw_value)
        return Reply(200, text[: len(text) // 2] + "<html>" if faults.garbage else text)

    def _period(self, day: str, label: str) -> DeliveryPeriod:
        period = self.market.calendar.period(parse_delivery_day(day), label)
        if period.shares[0].pnl_hour != label:  # neither parts of hours nor blocks, nor hours in other words
            raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
        return period

    def _hits(self, share: float, fault: str, period: DeliveryPeriod) -> bool:
        """Whether a fault that hits a share of the hours hits this one, always the same ones."""
        key = f"{self.market.seed}/{fault}/{period.delivery_day}/{period.delivery_hour}"
        return Random(key).random() < share

    def _any_value(self, day: str, label: str, at: datetime) -> float:
        """A price from nothing but the names, another one every 10 minutes."""
        interval = int(at.timestamp()) // 600
        return round(Random(f"{self.market.seed}/{day}/{label}/{interval}").gauss(40, 25), 2)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close joins them
    allow_reuse_port = False  # a second simulator on our port must fail, not share it
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], provider: Provider) -> None:
        self.provider = provider
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As HTTPServer does, without asking a name server who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.provider.host, self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in mid-reply is its own business; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Wakes the threads that wait for a next request or dawdle over a body."""
        self.stopping.set()
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        reply = self.server.provider.answer(self.path)
        if reply is None:
            self.close_connection = True
            return
        body = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        seconds = self.server.provider.faults.slow_body_seconds
        size = math.ceil(len(body) / _BODY_PIECES) if seconds else len(body)
        for start in range(0, len(body), size):
            self.server.stopping.wait(seconds / _BODY_PIECES)
            self.wfile.write(body[start : start + size])

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: a query string has no place in a log."""
