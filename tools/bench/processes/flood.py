"""Sends ready-made frames to one client, as fast as it takes them or at a pace, and reports how long that was.

The port comes first on standard output, the seconds at the end. They run from the first byte sent to the
client's answer to the close frame, which it gives once it has read all that came before.
"""

import socket
import sys
import time
from pathlib import Path
from typing import BinaryIO

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

_SLICE_SECONDS = 0.01


def flood(client: socket.socket, frames: Path, seconds: float = 0) -> float:
    """Shakes hands, sends the frames, evenly over so many seconds, and a close frame; returns the seconds."""
    protocol = ServerProtocol()
    while protocol.state is State.CONNECTING:
        protocol.receive_data(client.recv(65536))
        for event in protocol.events_received():
            assert isinstance(event, Request)
            protocol.send_response(protocol.accept(event))
        _send(client, protocol)
    began = time.perf_counter()
    with frames.open("rb") as file:
        if seconds:
            _pace(client, file, frames.stat().st_size, seconds)
        else:
            client.sendfile(file)
    protocol.send_close(1000)
    _send(client, protocol)
    while protocol.close_rcvd is None:
        data = client.recv(65536)
        if not data:
            raise ConnectionError("the client left before it had read everything")
        protocol.receive_data(data)
    return time.perf_counter() - began


def _pace(client: socket.socket, file: BinaryIO, size: int, seconds: float) -> None:
    began, count = time.perf_counter(), max(1, round(seconds / _SLICE_SECONDS))
    for number in range(1, count + 1):
        client.sendall(file.read(size * number // count - file.tell()))
        time.sleep(max(0.0, began + number * _SLICE_SECONDS - time.perf_counter()))


def _send(client: socket.socket, protocol: ServerProtocol) -> None:
    for data in protocol.data_to_send():
        client.sendall(data)


def main(frames: Path, seconds: float) -> None:
    """Serves one client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        client, _ = listener.accept()
    with client:
        taken = flood(client, frames, seconds)
    sys.stdout.write(f"{taken}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
