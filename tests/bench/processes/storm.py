"""Asks a server for the desk over and over, each connection as fast as it is answered; reports seconds as JSON.

Standard input is a JSON object: port, paths (one a connection), seconds. The answer: `durations`, one a
request, and `bytes`, the length of the last body.
"""

import asyncio
import json
import sys
import time


async def ask(port: int, path: str, until: float, durations: list[float]) -> int:
    """One browser that refreshes like mad.

    Raises:
        ConnectionError: An answer was not 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: desk\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    length = 0
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        fields = head.lower().split(b"\r\n")
        length = next(int(field[15:]) for field in fields if field.startswith(b"content-length:"))
        await reader.readexactly(length)
        durations.append(time.perf_counter() - began)
    writer.close()
    return length


async def storm(port: int, paths: list[str], seconds: float) -> tuple[list[float], int]:
    """All of them at once."""
    durations: list[float] = []
    until = time.perf_counter() + seconds
    lengths = await asyncio.gather(*(ask(port, path, until, durations) for path in paths))
    return durations, max(lengths)


if __name__ == "__main__":
    durations, length = asyncio.run(storm(**json.load(sys.stdin)))
    json.dump({"durations": durations, "bytes": length}, sys.stdout)
