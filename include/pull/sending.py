"""HTTP connections to the provider on which nothing is sent after a request has been aborted.

requests has no timeout for DNS lookups: a thread that waits for one would send its request whenever the lookup
returns. And the kernel continues to deliver data after the connection was closed or its process was killed.
Both would be requests that the budget does not count.
"""

import logging
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
    # closing discards undelivered data, even if the process is killed
    (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
]


class GivenUpError(TransientError):
    """The request was aborted before it was sent, and never will be."""


class Sending:
    """One request, which may be sent until it is aborted or its deadline passes.

    Attributes:
        end: `time.monotonic()` after which it must not be sent.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self._lock = threading.Lock()
        self._is_given_up = False
        self._has_begun = False
        self._socket: socket.socket | None = None

    def get(self, session: requests.Session, url: str, timeout: tuple[float, float]) -> requests.Response:
        """Sends a GET on a session of `new_session`; the body is not read yet.

        Args:
            session: Used by one thread at a time.
            timeout: Of the connection and of each read, s.

        Raises:
            GivenUpError: It was aborted before it was sent.
            requests.RequestException: It failed.
        """
        _current.sending = self
        return session.get(url, timeout=timeout, allow_redirects=False, stream=True)

    def begin(self, connection: HTTPConnection) -> None:
        """Called immediately before it is sent.

        Raises:
            GivenUpError: It was aborted or its deadline has passed.
        """
        with self._lock:
            if self._is_given_up or time.monotonic() >= self.end:
                raise GivenUpError("aborted before it was sent")
            self._has_begun = True
            # kept here, since the connection drops it when the server announces that it will close
            self._socket = connection.sock if isinstance(connection.sock, socket.socket) else None

    def give_up(self) -> bool:
        """Aborts the request: nothing is sent from now on. Returns whether it may have been sent before."""
        with self._lock:
            self._is_given_up = True
            # wakes the thread that waits for the reply, which then closes the connection
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return self._has_begun


class _PlainConnection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.is_closed:
            self.connect()  # may take long, so the deadline is checked after it
        _current.sending.begin(self)
        super().request(*args, **kwargs)


class _TlsConnection(_PlainConnection, HTTPSConnection):
    """The same over TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Connects as requests does, directly or through the proxies of the environment."""

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
        """None. Even with redirects disabled, requests would prepare the next request: read the whole body,
        however large, and parse a URL that may be invalid."""
        return None


def new_session() -> requests.Session:
    """A session for `Sending.get`, without retries and redirects."""
    # at debug level it logs each target, with the key that MARKET_DATA_URL may have in its query
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    session = _Session()
    session.headers.update({"Accept": "application/json", "User-Agent": "power-desk-pnl"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def _use_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
