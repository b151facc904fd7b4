"""What the service knows of the server around it."""

import signal
from datetime import timedelta

import pytest
import uvicorn

from include.dashboard.service import SETTLED, is_settled, server_stops, utc_now


def test_a_server_that_was_told_to_stop_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = uvicorn.Server(uvicorn.Config("nothing:app"))
    monkeypatch.setattr(signal, "getsignal", lambda number: server.handle_exit)
    assert not server_stops()
    server.handle_exit(signal.SIGTERM, None)
    assert server_stops()


def test_without_such_a_server_nothing_stops() -> None:
    assert not server_stops()


def test_the_last_minute_is_not_settled() -> None:
    assert not is_settled(None)
    assert not is_settled(utc_now())
    assert is_settled(utc_now() - SETTLED - timedelta(seconds=1))
