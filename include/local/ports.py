"""Loopback ports: is one free, find one, keep the one of the last time."""

import socket
from contextlib import ExitStack
from pathlib import Path

from include.errors import TerminalError
from include.local.files import write_private

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there now (connections in TIME_WAIT do not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def find_free() -> int:
    """A port that was free a moment ago."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ports that were free a moment ago."""
    with ExitStack() as open_probes:
        probes = [open_probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def require_free(port: int, variable: str) -> None:
    """Checks a port that was asked for by name.

    Raises:
        TerminalError: It is in use.
    """
    if not is_free(port):
        raise TerminalError(f"port {port} is in use: stop what uses it or set {variable}")


def remembered(path: Path) -> int:
    """The port that the file names if it is still free, else a new one, noted in the file."""
    try:
        port = int(path.read_text())
    except (FileNotFoundError, ValueError):
        port = 0
    if not port or not is_free(port):
        port = find_free()
        write_private(path, f"{port}\n")
    return port
