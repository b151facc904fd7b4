"""Sends ready-made frames to one client as fast as it takes them and reports how long that was.

The port comes first on standard output, the seconds at the end. They run from the first byte sent to the
client's answer to the close frame, which it gives once it has read all that came before.
"""

import socket
import sys
import time
from pathlib import Path

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol


def flood(client: socket.socket, frames: Path) -> float:
    """Shakes hands, sends the frames and a close frame; returns the seconds."""
    protocol = ServerProtocol()
    while protocol.state is State.CONNECTING:
        protocol.receive_data(client.recv(65536))
        for event in protocol.events_received():
            assert isinstance(event, Request)
            protocol.send_response(protocol.accept(event))
        _send(client, protocol)
    began = time.perf_counter()
    with frames.open("rb") as file:
        client.sendfile(file)
    protocol.send_close(1000)
    _send(client, protocol)
    while protocol.close_rcvd is None:
        data = client.recv(65536)
        if not data:
            raise ConnectionError("the client left before it had read everything")
        protocol.receive_data(data)
    return time.perf_counter() - began


def _send(client: socket.socket, protocol: ServerProtocol) -> None:
    for data in protocol.data_to_send():
        client.sendall(data)


def main(frames: Path) -> None:
    """Serves one client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        client, _ = listener.accept()
    with client:
        seconds = flood(client, frames)
    sys.stdout.write(f"{seconds}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
