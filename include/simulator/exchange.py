"""The simulated exchange: a websocket server that broadcasts the same deals to every connection."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from http import HTTPStatus
from random import Random
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State

from include.simulator.faults import Disturbance, ExchangeFaults
from include.simulator.market import SimulatedMarket, utc_now
from include.simulator.statement import EndOfDayFiles

_TICK_S = 0.02
_CLOSE_TIMEOUT_S = 0.5
_BURST_SHARE = 0.15
_LONGEST_BURST = 20
_SLOW_BYTES = 1 << 20
_HOPELESS_BYTES = 64 << 20
_COUNTED_AT_ONCE = 100

# a probe of the port is no handshake, and worth no stack trace
_quiet = logging.getLogger("include.simulator.websockets")
_quiet.setLevel(logging.CRITICAL + 1)


class Exchange:
    """The exchange in a background thread, as a context manager.

    Deals come in clusters of up to 20, as on a real market. A client that reads too slowly holds up nobody;
    64 MB behind, it is disconnected.

    Args:
        market: Where deals come from and are recorded; share it with a Provider.
        rate_per_second: Mean number of deals a second; 0 for a silent exchange that only sends
            what it is told to.
        host: Address to listen on.
        port: 0 takes a free one.
        faults: What goes wrong; its attributes may be changed at any time, from any thread.
        clock: The time of execution.
        statements: Writes the end-of-day files; None: there are none. GET /statement writes that of the running
            day so far and answers with its path.
    """

    def __init__(
        self,
        market: SimulatedMarket | None = None,
        *,
        rate_per_second: float = 3.0,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: ExchangeFaults | None = None,
        clock: Callable[[], datetime] = utc_now,
        statements: EndOfDayFiles | None = None,
    ) -> None:
        self.market = market or SimulatedMarket()
        self.rate_per_second = rate_per_second
        self.host = host
        self.port = port
        self.faults = faults or ExchangeFaults()
        self.messages_sent = 0
        self._clock = clock
        self._statements = statements
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._server: Server
        self._opened_at: dict[ServerConnection, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.is_silent = False
        self._connected = threading.Condition()

    @property
    def url(self) -> str:
        return f"ws://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._opened_at)

    def start(self) -> None:
        """Returns when the port is open.

        Raises:
            OSError: It cannot be opened.
        """
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name="exchange")
        self._thread.start()
        try:
            started.result()
        except OSError:
            self._thread.join()
            self._thread = None
            raise

    def stop(self) -> None:
        """Closes every connection with 1001 and the port; returns when all is gone."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def send(self, raw: str | bytes, *, is_text: bool | None = None) -> None:
        """Sends exactly this to every connection: a text message for str, a binary one for bytes.

        Args:
            raw: The message.
            is_text: True sends bytes as a text message, even if they are none.
        """
        self.send_all([raw], is_text=is_text)

    def send_all(self, messages: Iterable[str | bytes], *, is_text: bool | None = None) -> None:
        """Sends many, no faster than the slowest connection reads; returns when all are on their way."""
        asyncio.run_coroutine_threadsafe(self._send_all(messages, is_text), self._loop).result()

    def disconnect(self, code: int | None = None) -> None:
        """Closes every connection with that code, or cuts them off without a close frame."""

        def close() -> None:
            for connection in list(self._opened_at):
                self._close(connection, code)

        self._loop.call_soon_threadsafe(close)

    def wait_for_connections(self, number: int = 1, timeout_seconds: float = 10.0) -> None:
        """Returns when at least that many are connected.

        Raises:
            TimeoutError: They did not come.
        """
        with self._connected:
            if not self._connected.wait_for(lambda: self.connections >= number, timeout_seconds):
                raise TimeoutError(f"{self.connections} of {number} connections after {timeout_seconds} s")

    async def _run(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            self._server = await serve(
                self._handle,
                self.host,
                self.port,
                process_request=self._write_statement,
                compression=None,
                # a client that is gone is found by what it leaves unread; our own ping would end a silence
                ping_interval=None,
                close_timeout=_CLOSE_TIMEOUT_S,
                logger=_quiet,
            )
        except OSError as error:
            started.set_exception(error)
            return
        async with self._server:
            self.port = self._server.sockets[0].getsockname()[1]
            started.set_result(None)
            await self._trade()

    async def _handle(self, connection: ServerConnection) -> None:
        with self._connected:
            self._opened_at[connection] = self._loop.time()
            self._connected.notify_all()
        if self.is_silent:
            connection.transport.pause_reading()
        try:
            with contextlib.suppress(ConnectionClosed):
                async for _ in connection:
                    pass  # a client has nothing to say, but its pings are answered only while we read
        finally:
            with self._connected:
                del self._opened_at[connection]

    async def _write_statement(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers GET /statement; any other request is the handshake of a client."""
        if request.path != "/statement":
            return None
        if self._statements is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "this exchange writes no end-of-day file\n")
        return connection.respond(HTTPStatus.OK, f"{await asyncio.to_thread(self._statements.write)}\n")

    async def _trade(self) -> None:
        """Every 20 ms: switches faults, and broadcasts the deals that are due."""
        generator = self.market.deals()
        disturbance = Disturbance(self.faults, self.market.seed)
        random = Random(f"{self.market.seed}/bursts")
        credit, burst = 0.0, 1
        before = cut_at = self._loop.time()
        while not self._stop.is_set():
            now = self._loop.time()
            # after a stall the market does not make up for more than a second
            credit = min(credit + (now - before) * self.rate_per_second, self.rate_per_second + _LONGEST_BURST)
            before = now
            self._apply_silence()
            if self._statements is not None and self._statements.is_due():
                await asyncio.to_thread(self._statements.write_due)
            while credit >= burst:
                credit -= burst
                for _ in range(burst):
                    deal = generator.deal(self._clock())
                    self.market.record(deal)
                    for message in disturbance.messages(deal):
                        self._broadcast(message)
                burst = random.randint(2, _LONGEST_BURST) if random.random() < _BURST_SHARE else 1
                if self._loop.time() - now > _TICK_S:
                    break  # connections, pings and stop have their turn
            cut_at = self._apply_disconnects(now, cut_at)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stop.wait()
        if self.is_silent:
            for connection in self._opened_at:
                connection.transport.resume_reading()

    def _broadcast(self, message: str | bytes, is_text: bool | None = None) -> None:
        if self._statements is not None:
            # first: whoever is killed in between has sent nothing that it forgets
            self._statements.record(message)
        if not self.is_silent:
            broadcast(self._opened_at, message, text=is_text)
        self.messages_sent += 1
        every = self.faults.disconnect_every_messages
        if every and self.messages_sent % every == 0:
            for connection in list(self._opened_at):
                self._close(connection)

    async def _send_all(self, messages: Iterable[str | bytes], is_text: bool | None) -> None:
        for number, message in enumerate(messages):
            self._broadcast(message, is_text)
            if number % _COUNTED_AT_ONCE == 0:
                await asyncio.sleep(0)
                while self._most_unread() > _SLOW_BYTES and not self.is_silent:
                    await asyncio.sleep(_TICK_S / 10)

    def _most_unread(self) -> int:
        return max((c.transport.get_write_buffer_size() for c in self._opened_at), default=0)

    def _apply_silence(self) -> None:
        if self.faults.silence == self.is_silent:
            return
        self.is_silent = self.faults.silence
        for connection in self._opened_at:
            if self.is_silent:
                connection.transport.pause_reading()
            else:
                connection.transport.resume_reading()

    def _apply_disconnects(self, now: float, cut_at: float) -> float:
        """Ends the connections whose time has come; returns when all were cut last."""
        faults = self.faults
        is_dying = faults.dying_hour or self._clock().hour == faults.dying_utc_hour
        cuts_all = 0 < faults.disconnect_every_seconds <= now - cut_at
        for connection, opened_at in list(self._opened_at.items()):
            if cuts_all or connection.transport.get_write_buffer_size() > _HOPELESS_BYTES:
                self._close(connection)
            elif is_dying and now - opened_at >= faults.dying_after_seconds:
                self._close(connection, CloseCode.INTERNAL_ERROR)
        return now if cuts_all else cut_at

    def _close(self, connection: ServerConnection, code: int | None = None) -> None:
        if code is None:
            connection.transport.abort()
        elif connection.state is State.OPEN:
            task = self._loop.create_task(connection.close(code))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
