"""Ports that are free, taken, remembered."""

import socket
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.local import ports


def test_a_port_in_use_is_reported_with_what_to_do() -> None:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(
            TerminalError, match=f"port {port} is in use: stop what uses it or set AIRFLOW_PORT"
        ):
            ports.require_free(port, "AIRFLOW_PORT")
    ports.require_free(port, "AIRFLOW_PORT")


def test_a_port_is_remembered_while_it_is_free(tmp_path: Path) -> None:
    note = tmp_path / "port"
    port = ports.remembered(note)
    assert ports.remembered(note) == port
    with socket.socket() as server:
        server.bind((ports.HOST, port))
        server.listen()
        other = ports.remembered(note)
        assert other != port
    assert ports.remembered(note) == other


def test_a_spoiled_note_is_replaced(tmp_path: Path) -> None:
    note = tmp_path / "port"
    note.write_text("none")
    assert ports.remembered(note) == int(note.read_text())
