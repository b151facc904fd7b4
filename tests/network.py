"""A network namespace with a link to the host, on which packets can be made to vanish without an answer."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_NOBODY = "02:00:00:00:00:99"
"""A hardware address that no interface has: what is sent to it, nobody takes and nobody refuses."""


@dataclass(frozen=True)
class Namespace:
    """A namespace with one link to the host.

    Attributes:
        name: Of the namespace.
        inside: The interface in it.
        outside: The interface of the host.
        address: Of the namespace, IPv4.
        host_address: Of the host, as the namespace sees it.
    """

    name: str
    inside: str
    outside: str
    address: str
    host_address: str

    def command(self, *arguments: str) -> list[str]:
        """What runs a command in it."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def black_hole(self) -> None:
        """From now on every packet is lost, in both directions."""
        there = ("ip", "neigh", "replace", self.address, "lladdr", _NOBODY, "dev", self.outside)
        back = ("ip", "neigh", "replace", self.host_address, "lladdr", _NOBODY, "dev", self.inside)
        _run(*there, "nud", "permanent")
        _run(*self.command(*back, "nud", "permanent"))

    def restore(self) -> None:
        """From now on packets arrive again."""
        _run("ip", "neigh", "del", self.address, "dev", self.outside)
        _run(*self.command("ip", "neigh", "del", self.host_address, "dev", self.inside))


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A namespace that is removed at the end; the test is skipped where none can be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace takes root and the command ip (iproute2)")
    number = os.getpid() % 16_384
    network = f"198.18.{number // 64}.{number % 64 * 4}"
    prefix, last = network.rsplit(".", 1)
    made = Namespace(
        name=f"desk-{os.getpid()}",
        inside=f"desk{number}i",
        outside=f"desk{number}o",
        address=f"{prefix}.{int(last) + 2}",
        host_address=f"{prefix}.{int(last) + 1}",
    )
    try:
        _run("ip", "netns", "add", made.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made here: {error.stderr.strip()}")
    try:
        link = ("ip", "link", "add", made.outside, "type", "veth", "peer", "name", made.inside)
        _run(*link, "netns", made.name)
        _run("ip", "address", "add", f"{made.host_address}/30", "dev", made.outside)
        _run("ip", "link", "set", made.outside, "up")
        _run(*made.command("ip", "address", "add", f"{made.address}/30", "dev", made.inside))
        _run(*made.command("ip", "link", "set", made.inside, "up"))
        yield made
    finally:
        # the link goes with it
        _run("ip", "netns", "delete", made.name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
