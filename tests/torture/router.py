"""An address in front of PostgreSQL servers: forwards to one of them, or swallows what is sent."""

import socket
import threading
import time
from contextlib import suppress

from include.local import ports


class Router:
    """An address that forwards to a server, to another one, or swallows every packet.

    Attributes:
        target: Port of the server; None: what arrives is read by nobody, and nothing comes back.
    """

    def __init__(self, target: int) -> None:
        self.target: int | None = target
        self._listener = socket.create_server((ports.HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def cut(self) -> None:
        """Ends all connections, as a failover does."""
        for pair in list(self._pairs):
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def close(self) -> None:
        """Forwards nothing more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._wait()
            with socket.create_connection((ports.HOST, self.target or 0)) as upstream:
                self._pairs.append((client, upstream))
                back = threading.Thread(target=self._forward, args=(upstream, client))
                back.start()
                self._forward(client, upstream)
                back.join()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _wait(self) -> None:
        while self.target is None:
            time.sleep(0.02)
