"""Says in words, without secrets, why a connection failed or ended."""

import os
import socket
import ssl
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, SecurityError


def safe_url(url: str) -> str:
    """The address without user, password, query and fragment: fit for logs and landing files."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def why_not_connected(error: Exception) -> str:
    """Why a connection could not be opened, and what a person can do about it."""
    match error:
        case InvalidStatus():
            return f"the server answered HTTP {error.response.status_code}: {_ADVICE_HTTP}"
        case ssl.SSLError():  # some of them are ValueErrors, too
            return f"TLS failed ({error}): check the certificate, and whether it is wss:// or ws://"
        case SecurityError() | InvalidURI() | ValueError():
            # the text of these can hold the address of a redirect, query string included
            return f"{type(error).__name__}: check what EXCHANGE_URL, or the server by a redirect, points to"
        case socket.gaierror():
            return f"the host name has no address ({error.strerror}): check EXCHANGE_URL and the name server"
        case TimeoutError():
            return "no answer in time: check EXCHANGE_URL, the network and the firewall"
        case OSError():
            what = os.strerror(error.errno) if error.errno else str(error)
            return f"{what}: check that the exchange is up and that EXCHANGE_URL is right"
        case _:
            return f"{error}: check that EXCHANGE_URL is a websocket"


_ADVICE_HTTP = "check path and credentials in EXCHANGE_URL, or wait if the exchange is in trouble"


def why_closed(error: ConnectionClosed) -> str:
    """How a connection ended."""
    cause = error.__cause__
    if error.rcvd is not None and error.rcvd_then_sent is not False:
        return f"closed by the exchange: {error.rcvd}"
    if error.sent is not None:
        return f"closed by us: {error.sent}"
    if cause is None or isinstance(cause, EOFError):
        return "the exchange ended the connection without a close frame"
    return f"{type(cause).__name__}: {cause}"


def was_noticed_at_once(error: ConnectionClosed, is_ping_unanswered: bool) -> bool:
    """Whether the link was alive until the moment of this error.

    A close frame and the end of the stream arrive in order, behind everything sent before. A reset may also
    be a rebooted host's answer to our ping, long after its death.
    """
    cause = error.__cause__
    if error.rcvd is not None or cause is None or isinstance(cause, EOFError):
        return True
    return isinstance(cause, ConnectionResetError) and not is_ping_unanswered
