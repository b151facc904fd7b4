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
    InvalidStatus,
    InvalidURI,
    SecurityError,
)
from websockets.frames import Close
from websockets.http11 import Response

from include.capture.reasons import safe_url, was_noticed_at_once, why_closed, why_not_connected

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
