"""HTTP connections to the provider on which nothing is sent once the request has been given up.

requests has no timeout for the resolution of a name: a thread that waits for one outlives the request it was
started for, and would send it whenever the name is known. And the kernel goes on delivering what was written to
a connection after it was closed or its process was killed. Both would be requests that no budget counts.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from include.errors import TransientError

_current = threading.local()

_SOCKET_OPTIONS = [
    *HTTPConnection.default_socket_options,
    # closing discards what has not been delivered yet, also when the process is killed
    (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
]


class GivenUpError(TransientError):
    """The request was given up before it was sent; it has not been sent and never will be."""


class Sending:
    """One request, which may be sent until it is given up or its time is over.

    Attributes:
        end: `time.monotonic()` after which it must not be sent any more.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self._lock = threading.Lock()
        self._is_given_up = False
        self._has_begun = False
        self._socket: socket.socket | None = None

    def get(self, session: requests.Session, url: str, timeout: tuple[float, float]) -> requests.Response:
        """A GET on a session of `new_session`; the body is not read yet.

        Args:
            session: Used by one thread at a time.
            url: The address.
            timeout: For the connection and for each silence, s.

        Raises:
            GivenUpError: It was given up before it was sent.
            requests.RequestException: It failed.
        """
        _current.sending = self
        return session.get(url, timeout=timeout, allow_redirects=False, stream=True)

    def begin(self, connection: HTTPConnection) -> None:
        """Called when the next step is to send it.

        Raises:
            GivenUpError: Too late.
        """
        with self._lock:
            if self._is_given_up or time.monotonic() >= self.end:
                raise GivenUpError("given up before it was sent")
            self._has_begun = True
            # kept here: the connection gives it away when the server says that it will close
            self._socket = connection.sock if isinstance(connection.sock, socket.socket) else None

    def give_up(self) -> bool:
        """Nothing of it leaves from here on; whether some of it may have left before."""
        with self._lock:
            self._is_given_up = True
            # Wakes the thread that waits for the reply; it closes the connection.
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return self._has_begun


class _PlainConnection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.is_closed:
            self.connect()  # may take long; what follows may not
        _current.sending.begin(self)
        super().request(*args, **kwargs)


class _TlsConnection(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.is_closed:
            self.connect()
        _current.sending.begin(self)
        super().request(*args, **kwargs)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Connects as requests does, directly or through the proxies that the environment names."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, socket_options=_SOCKET_OPTIONS, **kwargs)
        _use_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        manager = super().proxy_manager_for(proxy, socket_options=_SOCKET_OPTIONS, **kwargs)
        if not isinstance(manager, ProxyManager):
            raise requests.exceptions.InvalidProxyURL("only HTTP and HTTPS proxies are supported")
        _use_pools(manager)
        return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None. Even where no redirect is followed, requests would prepare the next request: it would read the
        whole body, however large, and parse an address that may be none."""
        return None


def new_session() -> requests.Session:
    """A session for `Sending.get`; it repeats nothing by itself and follows no redirect."""
    session = _Session()
    session.headers.update({"Accept": "application/json", "User-Agent": "power-desk-pnl"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def _use_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
