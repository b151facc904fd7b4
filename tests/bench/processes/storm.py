"""Asks a server for the desk over and over, each connection as fast as it is answered; reports seconds as JSON.

Standard input is a JSON object: port, connections (of each its path, and a header line or nothing), seconds.
The answer is a list, one duration a request.
"""

import asyncio
import json
import sys
import time


async def ask(port: int, path: str, header: str, until: float, durations: list[float]) -> None:
    """One browser that refreshes like mad.

    Raises:
        ConnectionError: An answer was not 200, or had no length.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1", "Host: desk", "Accept-Encoding: gzip", *filter(None, [header]), "", ""]
    request = "\r\n".join(lines).encode()
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        length = next((int(field[15:]) for field in fields if field.startswith(b"content-length:")), None)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise ConnectionError(head.decode())
        await reader.readexactly(length)
        durations.append(time.perf_counter() - began)
    writer.close()


async def storm(port: int, connections: list[tuple[str, str]], seconds: float) -> list[float]:
    """All of them at once."""
    durations: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, path, header, until, durations) for path, header in connections))
    return durations


if __name__ == "__main__":
    json.dump(asyncio.run(storm(**json.load(sys.stdin))), sys.stdout)
