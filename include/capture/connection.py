"""A websocket connection with a timeout on every wait and a bound on its memory."""

import asyncio
import logging
from typing import Any, Literal
from urllib.parse import urljoin
from urllib.request import getproxies

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.frames import CloseCode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from include.capture.timing import Timing
from include.settings import Settings

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A longer message closes the connection with code 1009, which the journal records; capture then reconnects."""

MAX_UNSENT_BYTES = 64 * 1024
"""Limit of the send buffer, beyond the socket's own. We send only pings and pongs, so an exchange that lets
this many accumulate has stopped reading."""

# At debug level the library logs each frame and the handshake, including credentials.
_library_log = logging.getLogger(f"{__name__}.websockets")
_library_log.setLevel(logging.WARNING)


class RedirectRefusedError(ValueError):
    """The server redirects to another scheme, host or port, which must get neither headers nor subscription."""


class ExchangeConnection(ClientConnection):
    """Refuses redirects to other servers, and aborts when the exchange does not read what we send.

    The library answers each ping without waiting for the pong to be sent, so pongs would accumulate in memory.

    Attributes:
        aborted_because: Why it was aborted; empty if it was not.
    """

    aborted_because = ""
    _ended_at: float | None = None
    _is_ended_by_us = False

    @property
    def ended_seconds_ago(self) -> float:
        """How long ago the exchange's last message can have come: since its close frame, 0 without one."""
        return 0.0 if self._ended_at is None else self.loop.time() - self._ended_at

    async def handshake(self, *args: Any, **kwargs: Any) -> None:
        """Performs the opening handshake.

        Raises:
            RedirectRefusedError: The server redirects to another origin; the library would follow.
            InvalidURI: It redirects to something that is no websocket.
        """
        try:
            await super().handshake(*args, **kwargs)
        except InvalidStatus as error:
            location = error.response.headers.get("Location")
            if location is not None and 300 <= error.response.status_code < 400:
                ours = _origin(self.protocol.uri)
                if _origin(parse_uri(urljoin(ours, location))) != ours:
                    raise RedirectRefusedError("another scheme, host or port") from error
            raise

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Performs the closing handshake."""
        self._is_ended_by_us = self.state is State.OPEN
        await super().close(code, reason)

    def data_received(self, data: bytes) -> None:
        """Processes received bytes, pings included, then checks the size of the send buffer."""
        super().data_received(data)
        if self._ended_at is None and self.state is State.CLOSING and not self._is_ended_by_us:
            self._ended_at = self.loop.time()
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES and not self.transport.is_closing():
            self.aborted_because = "the exchange pings and does not read the answers"
            self.transport.abort()


async def open_connection(settings: Settings, timing: Timing) -> ExchangeConnection:
    """Connects to the exchange, through the proxy of the environment if there is one, and subscribes.

    Raises:
        OSError: The network connection failed.
        TimeoutError: It took longer than `timing.open`.
        WebSocketException: The handshake failed, or the exchange hung up on the subscription.
        RedirectRefusedError: The server redirects to another scheme, host or port.
    """
    connection = await connect(
        settings.exchange_url,
        additional_headers=settings.exchange_headers,
        create_connection=ExchangeConnection,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        open_timeout=timing.open,
        close_timeout=timing.close,
        ping_interval=None,
        proxy=_proxy(settings.exchange_url),
        logger=_library_log,
    )
    assert isinstance(connection, ExchangeConnection)
    if settings.exchange_subscribe:
        try:
            async with asyncio.timeout(timing.open):
                await connection.send(settings.exchange_subscribe)
        except BaseException:
            connection.transport.abort()
            raise
    return connection


def _proxy(url: str) -> Literal[True] | None:
    """True: the library uses the environment's proxy, if there is one; None: NO_PROXY excepts the exchange."""
    if not getproxies():
        return None
    from requests.utils import should_bypass_proxies  # the puller's rule, which knows ranges of addresses

    return None if should_bypass_proxies(url, no_proxy=None) else True


def _origin(uri: WebSocketURI) -> str:
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    return f"{'wss' if uri.secure else 'ws'}://{host}:{uri.port}/"


async def close_connection(connection: ClientConnection, timing: Timing) -> None:
    """Closes the connection; aborts it if the closing handshake takes longer than twice `timing.close`."""
    try:
        async with asyncio.timeout(2 * timing.close):
            await connection.close()
    except TimeoutError:
        connection.transport.abort()
