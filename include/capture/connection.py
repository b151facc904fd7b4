"""A websocket connection on which nothing waits for ever, and that holds little in memory for an exchange."""

import asyncio
import logging

from websockets.asyncio.client import ClientConnection, connect
from websockets.uri import parse_uri

from include.capture.timing import Timing

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A longer message ends the connection with code 1009, as the journal then says; the next one is received."""

MAX_UNSENT_BYTES = 64 * 1024
"""What may wait to be sent, beyond the buffers of the system. We send only pings and pongs: an exchange that
leaves so many unread does not read at all."""

# the library would log the handshake, credentials included, and each frame if it were allowed to debug
_library_log = logging.getLogger(f"{__name__}.websockets")
_library_log.setLevel(logging.WARNING)


class ExchangeConnection(ClientConnection):
    """Aborts when the exchange does not read what it is sent.

    The library answers each ping without waiting for the answer to leave, so the answers would pile up.

    Attributes:
        aborted_because: Why it was aborted, if it was.
    """

    aborted_because = ""

    def data_received(self, data: bytes) -> None:
        """Takes what arrived, answers the pings in it, and looks at how many answers are still here."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES and not self.transport.is_closing():
            self.aborted_because = "the exchange pings and does not read the answers"
            self.transport.abort()


async def open_connection(url: str, timing: Timing) -> ExchangeConnection:
    """Connects to the exchange.

    Raises:
        OSError: The network refuses.
        TimeoutError: It took longer than `timing.open`.
        WebSocketException: The server did not do the handshake.
        ValueError: The server redirects to another scheme, host or port.
    """
    address = parse_uri(url)
    connection = await connect(
        url,
        # the library follows no redirect to another origin if it was told where to connect to
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


async def hang_up(connection: ClientConnection, timing: Timing) -> None:
    """Says good-bye, and aborts when the exchange does not take it or does not answer.

    Returns after at most two `timing.close`.
    """
    try:
        async with asyncio.timeout(2 * timing.close):
            await connection.close()
    except TimeoutError:
        connection.transport.abort()
