"""The words for failures: they name the cause and what to do, and hold no secret."""

import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    SecurityError,
)
from websockets.frames import Close
from websockets.http11 import Response

from include.capture.reasons import printable, safe_url, was_noticed_at_once, why_closed, why_not_connected

WORD = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", min_size=1)


def closed(
    rcvd: Close | None, sent: Close | None, *, we_closed: bool = False, cause: Exception | None = None
) -> ConnectionClosed:
    error = ConnectionClosedError(rcvd, sent, None if rcvd is None or sent is None else not we_closed)
    error.__cause__ = cause
    return error


@given(WORD, WORD, WORD, WORD)
def test_a_safe_url_has_no_user_no_password_no_query_no_fragment(
    user: str, password: str, query: str, fragment: str
) -> None:
    url = f"wss://{user}:{password}@exchange.example:5050/v1/feed?token={query}#{fragment}"

    assert safe_url(url) == "wss://exchange.example:5050/v1/feed"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:5050", "ws://[::1]:5050/x", "wss://exchange.example"])
def test_a_url_without_secrets_stays_as_it_is(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InvalidStatus(Response(503, "Service Unavailable", Headers())), ["HTTP 503", "credentials"]),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), ["Connection refused", "up"]),
        (OSError("Multiple exceptions: a, b"), ["Multiple exceptions", "up"]),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), ["not known", "name server"]),
        (TimeoutError("timed out during opening handshake"), ["no answer in time", "firewall"]),
        (ssl.SSLCertVerificationError("self-signed certificate"), ["TLS", "self-signed", "certificate"]),
        (InvalidProxy("http://u:p@proxy:x", "no port"), ["HTTPS_PROXY", "no address"]),
        (InvalidProxyStatus(Response(407, "", Headers())), ["the proxy answered HTTP 407", "HTTPS_PROXY"]),
        (InvalidProxyMessage("did not receive"), ["the proxy", "HTTPS_PROXY"]),
        (ImportError("connecting through a SOCKS proxy requires python-socks"), ["HTTP proxy"]),
        (closed(Close(1008, "no channel"), None), ["1008", "no channel", "EXCHANGE_SUBSCRIBE"]),
        (InvalidMessage("did not receive a valid HTTP response"), ["HTTP response", "websocket"]),
    ],
)
def test_a_failed_connection_is_explained(error: Exception, words: list[str]) -> None:
    text = why_not_connected(error)

    assert all(word in text for word in words), text
    assert "\n" not in text


@pytest.mark.parametrize(
    "error",
    [
        SecurityError("cannot follow redirect to non-secure URI ws://other/?token=secret"),
        InvalidURI("other://x?token=secret", "scheme isn't ws or wss"),
        ValueError("cannot follow redirect to ws://other/?token=secret with a preexisting socket"),
    ],
)
def test_the_address_of_a_redirect_is_not_repeated(error: Exception) -> None:
    assert "secret" not in why_not_connected(error)


def test_the_end_of_a_connection_is_explained() -> None:
    died = Close(1011, "internal error")
    too_big = Close(1009, "frame with 70 bytes exceeds limit of 64 bytes")

    assert why_closed(closed(died, died)).startswith("closed by the exchange: 1011")
    assert "exceeds limit" in why_closed(closed(too_big, too_big, we_closed=True))
    assert why_closed(closed(too_big, too_big, we_closed=True)).startswith("closed by us: 1009")
    assert "without a close frame" in why_closed(closed(None, None, cause=EOFError()))
    assert "reset" in why_closed(closed(None, None, cause=ConnectionResetError("reset by peer")))


def test_only_a_sign_from_the_peer_itself_shows_that_the_link_lived_until_then() -> None:
    died = Close(1011, "")
    reset = ConnectionResetError("reset by peer")

    assert was_noticed_at_once(closed(died, died), is_ping_unanswered=True)
    assert was_noticed_at_once(closed(None, None, cause=EOFError()), is_ping_unanswered=True)
    assert was_noticed_at_once(closed(None, None, cause=reset), is_ping_unanswered=False)
    assert not was_noticed_at_once(closed(None, None, cause=reset), is_ping_unanswered=True)
    assert not was_noticed_at_once(closed(None, None, cause=TimeoutError()), is_ping_unanswered=False)


@given(st.text())
def test_text_from_outside_stays_on_its_line_and_hides_nothing(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown) <= 300
    if text.isprintable() and len(text) <= 300:
        assert shown == text


def test_each_text_from_outside_is_shown_with_its_escapes() -> None:
    forged = "bye\n2026-03-02T10:00:00Z INFO all is well\x1b[2J\u202e"
    escaped = "bye\\n2026-03-02T10:00:00Z INFO all is well\\x1b[2J\\u202e"
    close = Close(1011, forged)

    for text in (
        why_closed(closed(close, close)),
        why_closed(closed(close, close, we_closed=True)),
        why_closed(closed(None, None, cause=ConnectionResetError(forged))),
        why_not_connected(ssl.SSLError(1, forged)),
        why_not_connected(OSError(forged)),
        why_not_connected(InvalidMessage(forged)),
    ):
        assert escaped in text
        assert text.isprintable()


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("ws://other.example/feed?token=secret", "ws://other.example/feed"),
        ("http://user:secret@other.example\xad", "http://other.example\\xad"),
    ],
)
def test_a_refused_redirect_is_named_with_its_target(location: str, shown: str) -> None:
    error = ValueError(f"cannot follow cross-origin redirect to {location} with an explicit host or port")
    error.__context__ = InvalidStatus(Response(302, "Found", Headers({"Location": location})))
    text = why_not_connected(error)

    assert f"redirects to {shown}" in text
    assert "refused" in text
    assert "EXCHANGE_URL" in text
    assert "secret" not in text
