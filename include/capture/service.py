"""Keeps a connection to the exchange and passes everything received to the recorder, until told to stop."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI
from websockets.protocol import State
from websockets.uri import parse_uri

from include.capture.clock import AnchoredClock
from include.capture.connection import ExchangeConnection, close_connection, open_connection
from include.capture.reasons import safe_url, was_noticed_at_once, why_closed, why_not_connected
from include.capture.recorder import Recorder
from include.capture.silence import was_trading
from include.capture.timing import Timing
from include.errors import TerminalError
from include.settings import Settings

log = logging.getLogger(__name__)

MANY_MESSAGES = 100
"""A connection that delivered this many messages resets the backoff, however short it was."""

_STOPPED = "capture was stopped"

_utc_now = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """What a capture instance did between start and stop."""

    messages: int
    connections: int


def run_capture(
    settings: Settings,
    name: str,
    stop: Callable[[], bool],
    *,
    timing: Timing | None = None,
    clock: Callable[[], datetime] = _utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> CaptureSummary:
    """Writes the exchange's messages to landing files until `stop()` is true.

    Runs in the calling thread, starts no process, and returns within about a second after `stop()` became true,
    for example by a signal handler.

    Args:
        settings: Has the exchange's URL and LANDING_ROOT.
        name: Distinguishes the files of this instance from those of others, for example `standalone`.
        stop: Polled several times a second.
        timing: Intervals; the defaults are for production.
        clock: The wall clock, UTC.
        monotonic: Monotonic seconds, to detect steps of the wall clock.

    Raises:
        TerminalError: The exchange's URL is invalid.
        ValueError: The name is invalid.
    """
    try:
        parse_uri(settings.exchange_url)
    except (InvalidURI, ValueError) as error:
        raise TerminalError("EXCHANGE_URL is no websocket address (example: ws://exchange:5050)") from error
    # not asyncio.run, which would wait at its end for a DNS lookup that hangs
    loop = asyncio.new_event_loop()
    try:
        capture = _Capture(settings, name, stop, timing or Timing(), clock, monotonic)
        return loop.run_until_complete(capture.run())
    finally:
        loop.close()


class _Capture:
    def __init__(
        self,
        settings: Settings,
        name: str,
        stop: Callable[[], bool],
        timing: Timing,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._name = name
        self._url = safe_url(settings.exchange_url)
        self._stop = stop
        self._timing = timing
        self._wall = clock
        self._clock = AnchoredClock(clock, monotonic)
        self._market = settings.market
        self._silence = f"no message for {settings.max_silence_seconds} s: the subscription may be dead"
        self._is_stopping = False
        self._connection: ExchangeConnection | None = None
        self._successor: ExchangeConnection | None = None
        self._connections = 0
        self._ends_because = ""
        self._pong: asyncio.Future[float] | None = None
        self._trouble = ""
        self._recorder: Recorder

    async def run(self) -> CaptureSummary:
        self._recorder = Recorder(
            self._settings.landing_root,
            self._name,
            self._clock,
            self._timing.retry_write,
            self._settings.landing_market,
        )
        work = asyncio.create_task(self._work())
        try:
            while not self._stop() and not work.done():
                await asyncio.wait({work}, timeout=self._timing.poll)
                if self._connection is not None and self._connection.state is State.CLOSING:
                    # the exchange may never finish its closing handshake
                    await close_connection(self._connection, self._timing)
        finally:
            try:
                await self._end(work)
            finally:
                await self._recorder.close()
        log.info("stopped after %d messages", self._recorder.messages)
        return CaptureSummary(self._recorder.messages, self._connections)

    async def _end(self, work: asyncio.Task[None]) -> None:
        self._is_stopping = True
        if self._connection is not None:
            self._ends_because = self._ends_because or _STOPPED
            # what arrives until the exchange answers the close frame is still received
            await close_connection(self._connection, self._timing)
            await asyncio.wait({work}, timeout=self._timing.close)
        work.cancel()
        await asyncio.wait({work})
        if self._successor is not None:
            await close_connection(self._successor, self._timing)
        if not work.cancelled():
            work.result()

    async def _work(self) -> None:
        await self._recorder.open()
        async with asyncio.TaskGroup() as tasks:
            others = [tasks.create_task(work) for work in (self._send_heartbeats(), self._end_silences())]
            await self._stay_connected()
            for other in others:
                other.cancel()

    async def _stay_connected(self) -> None:
        failures = 0
        while not self._is_stopping:
            if await self._connect_once():
                failures = 0
            if self._successor is None:
                await asyncio.sleep(self._timing.reconnect_delay(failures))
                failures += 1

    async def _connect_once(self) -> bool:
        """Connects and receives until the connection ends; returns whether the backoff is reset."""
        connection, self._successor = self._successor, None
        if connection is None:
            try:
                connection = await open_connection(self._settings, self._timing)
            except Exception as error:  # noqa: BLE001 - whatever the server answers, the next attempt may succeed
                trouble = why_not_connected(error)
                if trouble != self._trouble:
                    self._trouble = trouble
                    log.warning("cannot connect to %s: %s. Retrying", self._url, trouble)
                return False
        before, began = self._recorder.messages, asyncio.get_running_loop().time()
        await self._receive(connection)
        lasted = asyncio.get_running_loop().time() - began
        return self._recorder.messages - before >= MANY_MESSAGES or lasted >= self._timing.steady

    async def _receive(self, connection: ExchangeConnection) -> None:
        recorder = self._recorder
        self._connections += 1
        self._connection, self._pong, self._ends_because, self._trouble = connection, None, "", ""
        log.info("connected to %s (connection %d)", self._url, self._connections)
        reason, noticed_at_once = _STOPPED, False
        try:
            recorder.connected(url=self._url, connection=self._connections)
            while True:
                recorder.message(await connection.recv(decode=False))
                if recorder.is_blocked:
                    await recorder.writable()
        except ConnectionClosed as error:
            self._ends_because = self._ends_because or connection.aborted_because
            reason = self._ends_because or why_closed(error)
            if self._ends_because == _STOPPED:
                noticed_at_once = True
            elif self._ends_because == self._silence:  # alive if the exchange took part in the closing
                noticed_at_once = error.rcvd is not None or isinstance(error.__cause__, EOFError)
            elif not self._ends_because:
                noticed_at_once = was_noticed_at_once(error, self._is_ping_unanswered())
        finally:
            self._connection = None
            if noticed_at_once and self._is_succeeded():
                recorder.event("replaced", reason=reason)
            else:
                ago = connection.ended_seconds_ago
                recorder.disconnected(reason, noticed_at_once=noticed_at_once, seconds_ago=ago)
            log.info("disconnected from %s: %s", self._url, reason)
            await close_connection(connection, self._timing)

    async def _end_silences(self) -> None:
        """Replaces a connection on which nothing arrives: its pongs prove the link, not the subscription."""
        loop = asyncio.get_running_loop()
        limit = self._settings.max_silence_seconds
        known: tuple[ExchangeConnection | None, int] | None = None
        due = math.inf
        while True:
            await asyncio.sleep(min(self._timing.heartbeat, limit / 10))
            now = loop.time()
            state = self._connection, self._recorder.messages
            if state != known or self._recorder.is_blocked:
                known, due = state, now + self._timing.renewal_delay(limit)
            elif now >= due and state[0] is not None and was_trading(self._market, self._wall(), limit):
                known = None
                await self._replace(state[0])

    async def _replace(self, connection: ExchangeConnection) -> None:
        """Closes a silent connection once another one is open, so that nothing is missed in between.

        If the exchange refuses a second connection, the first one is closed before. If it cannot be reached,
        the first one stays.
        """
        log.warning("%s. Reconnecting to %s", self._silence, self._url)
        successor = None
        try:
            successor = await open_connection(self._settings, self._timing)
        except Exception as error:  # noqa: BLE001 - as in _connect_once
            trouble = why_not_connected(error)
            self._recorder.event("not_replaced", reason=self._silence, error=trouble)
            log.warning("cannot open a second connection to %s: %s", self._url, trouble)
            if not (isinstance(error, InvalidStatus) and 400 <= error.response.status_code < 500):
                return
        if self._connection is not connection:  # it ended by itself meanwhile, and a new one is on its way
            if successor is not None:
                await close_connection(successor, self._timing)
            return
        self._successor, self._ends_because = successor, self._ends_because or self._silence
        await close_connection(connection, self._timing)

    def _is_succeeded(self) -> bool:
        """Whether another connection is up and takes over, so that the end of this one is no gap."""
        successor = self._successor
        return successor is not None and successor.state is State.OPEN and not self._is_stopping

    async def _send_heartbeats(self) -> None:
        loop = asyncio.get_running_loop()
        reported_at, reported = loop.time(), 0
        while True:
            await asyncio.sleep(self._timing.heartbeat)
            if not self._recorder.is_blocked:  # else the connection is silent because we do not read
                await self._send_heartbeat()
            if loop.time() - reported_at >= self._timing.report:
                messages = self._recorder.messages
                state = "connected" if self._connection is not None else f"not connected: {self._trouble}"
                log.info("%d messages, %d since the last report; %s", messages, messages - reported, state)
                reported_at, reported = loop.time(), messages

    async def _send_heartbeat(self) -> None:
        connection = self._connection
        is_alive = connection is None or await self._is_alive(connection)
        if connection is not None and not is_alive and self._connection is connection:
            if self._recorder.is_blocked or connection.state is not State.OPEN:  # it ended: `recv` says why
                return
            self._ends_because = f"no answer to a ping for {self._timing.pong:g} s: the link is dead"
            await close_connection(connection, self._timing)
            await asyncio.sleep(self._timing.poll)  # `recv` records the end before the heartbeat does
        if is_alive or self._connection is not connection:  # a new connection has just proved itself alive
            self._recorder.heartbeat()

    async def _is_alive(self, connection: ExchangeConnection) -> bool:
        """Pings the exchange; a message counts as an answer, too, since the pong may queue behind many."""
        loop = asyncio.get_running_loop()
        seen = self._recorder.proofs
        deadline = loop.time() + self._timing.pong
        try:
            if self._pong is None or self._pong.done():
                async with asyncio.timeout_at(deadline):
                    self._pong = asyncio.ensure_future(await connection.ping())
                self._pong.add_done_callback(self._ponged)
        except (ConnectionClosed, TimeoutError):
            return False
        while self._recorder.proofs == seen and self._connection is connection and loop.time() < deadline:
            await asyncio.sleep(min(self._timing.poll, self._timing.pong))
        return self._connection is connection and self._recorder.proofs != seen

    def _ponged(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._recorder.answered(pong.result())

    def _is_ping_unanswered(self) -> bool:
        pong = self._pong
        return pong is not None and not (pong.done() and not pong.cancelled() and pong.exception() is None)
