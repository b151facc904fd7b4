"""Describes on one line, without secrets, why a connection failed or ended."""

import os
import socket
import ssl
from urllib.parse import urlsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    SecurityError,
)

_MAX_CHARACTERS = 300


def printable(text: str) -> str:
    """Text from outside, safe for a log line; at most 300 characters.

    Control and formatting characters (line ends, escape sequences, bidirectional marks), lone surrogates and
    whitespace other than the space are replaced by their escapes.
    """
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return shown if len(shown) <= _MAX_CHARACTERS else shown[: _MAX_CHARACTERS - 1] + "…"


def safe_url(url: str) -> str:
    """The URL without user, password, query and fragment, for logs and landing files."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def why_not_connected(error: Exception) -> str:
    """Why a connection could not be opened, and what to check."""
    if redirect := _refused_redirect(error):
        return redirect
    match error:
        case InvalidStatus():
            return f"the server answered HTTP {error.response.status_code}: {_ADVICE_HTTP}"
        case InvalidProxy() | ImportError():
            # its text may contain the proxy's password; SOCKS needs a package that is not installed
            return (
                "HTTPS_PROXY or HTTP_PROXY is no address of an HTTP proxy (example: http://proxy.example:3128)"
            )
        case InvalidProxyStatus():
            return (
                f"the proxy answered HTTP {error.response.status_code}: check HTTPS_PROXY, and whether the"
                " proxy lets us through to the exchange"
            )
        case ProxyError():
            return "the proxy gave no HTTP answer: check HTTPS_PROXY"
        case ConnectionClosed():
            return f"{why_closed(error)}: check EXCHANGE_SUBSCRIBE, if it is set"
        case ssl.SSLError():  # before ValueError: some are both
            what = printable(str(error))
            return f"TLS failed ({what}): check the certificate, and whether it is wss:// or ws://"
        case SecurityError() | InvalidURI() | ValueError():
            # their text may contain the URL of a redirect with its query string
            return f"{type(error).__name__}: check what EXCHANGE_URL, or the server by a redirect, points to"
        case socket.gaierror():
            return f"the host name has no address ({error.strerror}): check EXCHANGE_URL and the name server"
        case TimeoutError():
            return "no answer in time: check EXCHANGE_URL, the network, the firewall and the proxy"
        case OSError():
            what = os.strerror(error.errno) if error.errno else printable(str(error))
            return f"{what}: check that the exchange, or the proxy, is up and that EXCHANGE_URL is right"
        case _:
            return f"{printable(str(error))}: check that EXCHANGE_URL is a websocket"


def _refused_redirect(error: Exception) -> str:
    """The message for a redirect that was not followed; empty for any other error.

    The library raises its refusal while it handles the response, which is the context of the error.
    """
    answer = error.__context__
    if not isinstance(answer, InvalidStatus) or isinstance(error, OSError):
        return ""
    try:
        target = safe_url(answer.response.headers["Location"])
    except (LookupError, ValueError):
        return ""
    return (
        f"the server redirects to {printable(target)}, another scheme, host or port: refused. If the exchange"
        " moved there, change EXCHANGE_URL"
    )


_ADVICE_HTTP = (
    "check path and credentials in EXCHANGE_URL and EXCHANGE_HEADERS, or wait if the exchange is in trouble"
)


def why_closed(error: ConnectionClosed) -> str:
    """How a connection ended."""
    cause = error.__cause__
    if error.rcvd is not None and error.rcvd_then_sent is not False:
        return f"closed by the exchange: {printable(str(error.rcvd))}"
    if error.sent is not None:
        return f"closed by us: {printable(str(error.sent))}"
    if cause is None or isinstance(cause, EOFError):
        return "the exchange ended the connection without a close frame"
    return f"{type(cause).__name__}: {printable(str(cause))}"


def was_noticed_at_once(error: ConnectionClosed, is_ping_unanswered: bool) -> bool:
    """Whether the connection was alive until this error.

    A close frame or the end of the stream arrives in order, after everything that was sent before. A reset may
    instead be the reply of a rebooted host to our ping, long after the connection died.
    """
    cause = error.__cause__
    if error.rcvd is not None or cause is None or isinstance(cause, EOFError):
        return True
    return isinstance(cause, ConnectionResetError) and not is_ping_unanswered
