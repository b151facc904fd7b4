"""A websocket connection with a timeout on every wait and a bound on its memory."""

import asyncio
import logging

from websockets.asyncio.client import ClientConnection, connect
from websockets.uri import parse_uri

from include.capture.timing import Timing

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A longer message closes the connection with code 1009, which the journal records; capture then reconnects."""

MAX_UNSENT_BYTES = 64 * 1024
"""Limit of the send buffer, beyond the socket's own. We send only pings and pongs, so an exchange that lets
this many accumulate has stopped reading."""

# At debug level the library logs each frame and the handshake, including credentials.
_library_log = logging.getLogger(f"{__name__}.websockets")
_library_log.setLevel(logging.WARNING)


class ExchangeConnection(ClientConnection):
    """Aborts when the exchange does not read what we send.

    The library answers each ping without waiting for the pong to be sent, so pongs would accumulate in memory.

    Attributes:
        aborted_because: Why it was aborted; empty if it was not.
    """

    aborted_because = ""

    def data_received(self, data: bytes) -> None:
        """Processes received bytes, pings included, then checks the size of the send buffer."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES and not self.transport.is_closing():
            self.aborted_because = "the exchange pings and does not read the answers"
            self.transport.abort()


async def open_connection(url: str, timing: Timing) -> ExchangeConnection:
    """Connects to the exchange.

    Raises:
        OSError: The network connection failed.
        TimeoutError: It took longer than `timing.open`.
        WebSocketException: The handshake failed.
        ValueError: The server redirects to another scheme, host or port.
    """
    address = parse_uri(url)
    connection = await connect(
        url,
        # with host and port given, the library follows no redirect to another origin
        host=address.host,
        port=address.port,
        create_connection=ExchangeConnection,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        open_timeout=timing.open,
        close_timeout=timing.close,
        ping_interval=None,
        proxy=None,
        logger=_library_log,
    )
    assert isinstance(connection, ExchangeConnection)
    return connection


async def close_connection(connection: ClientConnection, timing: Timing) -> None:
    """Closes the connection; aborts it if the closing handshake takes longer than twice `timing.close`."""
    try:
        async with asyncio.timeout(2 * timing.close):
            await connection.close()
    except TimeoutError:
        connection.transport.abort()
