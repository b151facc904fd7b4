"""Receives messages as the capture does, with the same library and settings, and does nothing with them."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from include.capture.connection import MAX_MESSAGE_BYTES


async def receive(url: str) -> None:
    """Takes messages until the server ends the connection."""
    connection = await connect(
        url, compression=None, max_size=MAX_MESSAGE_BYTES, ping_interval=None, proxy=None
    )
    try:
        while True:
            await connection.recv(decode=False)
    except ConnectionClosed:
        pass


if __name__ == "__main__":
    asyncio.run(receive(sys.argv[1]))
