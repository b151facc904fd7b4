"""Loads the desk again and again, each connection at its pace; reports seconds as JSON.

Standard input is a JSON object: port, connections, seconds, every. A connection is the paths of one reload,
and a header line or nothing; every is the seconds from one reload to the next, 0: as soon as it is answered.
The answer is a list, one duration a reload, counted from the moment at which it was due.
"""

import asyncio
import json
import sys
import time


async def reload(
    port: int, paths: list[str], header: str, until: float, every: float, durations: list[float]
) -> None:
    """One browser whose user presses reload.

    Raises:
        ConnectionError: An answer was not 200, or had no length.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    requests = []
    for path in paths:
        lines = [f"GET {path} HTTP/1.1", "Host: desk", "Accept-Encoding: gzip", *filter(None, [header]), "", ""]
        requests.append("\r\n".join(lines).encode())
    due = time.perf_counter()
    while due < until:
        await asyncio.sleep(due - time.perf_counter())
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.lower().split(b"\r\n")
            length = next((int(field[15:]) for field in fields if field.startswith(b"content-length:")), None)
            if not head.startswith(b"HTTP/1.1 200 ") or length is None:
                raise ConnectionError(head.decode())
            await reader.readexactly(length)
        durations.append(time.perf_counter() - due)
        due = due + every if every else time.perf_counter()
    writer.close()


async def storm(
    port: int, connections: list[tuple[list[str], str]], seconds: float, every: float
) -> list[float]:
    """All of them; those with a pace begin spread over it."""
    durations: list[float] = []
    until = time.perf_counter() + seconds

    async def begin(number: int, paths: list[str], header: str) -> None:
        await asyncio.sleep(every * number / len(connections))
        await reload(port, paths, header, until, every, durations)

    await asyncio.gather(*(begin(number, *connection) for number, connection in enumerate(connections)))
    return durations


if __name__ == "__main__":
    json.dump(asyncio.run(storm(**json.load(sys.stdin))), sys.stdout)
