"""kill -9 of each service's own process: the engine brings it back, and nothing is lost."""

import time
from collections.abc import Sequence

from tools.containers.desk import Desk, now
from tools.containers.isolation import docker
from tools.containers.report import expect
from tools.containers.stack import Running, Stack

_BACK_SECONDS = 240.0
_EXCHANGE = "simulator"
"""While that is away no capture instance can be connected."""
_LAUNCHER = "include.containers.component"


def kill_in_turn(desk: Desk, services: Sequence[str]) -> None:
    """Each of the services, and after each: healthy again, a run succeeds, the audit is clean."""
    since = now()
    for service in services:
        if service != _EXCHANGE:
            _kill_one(desk, service)
    desk.refresh_and_audit()  # now it is known what was landed up to here
    gaps = desk.gaps(since)
    expect(gaps == 0, f"the kills made {gaps} gaps")
    desk.stack.report.add("gaps by these kills", "none: one of two capture instances was always connected")
    if _EXCHANGE in services:
        since = now()
        _kill_one(desk, _EXCHANGE)
        desk.stack.report.wait_for(lambda: desk.refresh_and_audit() and desk.gaps(since), 60, "the gap")
        desk.stack.report.add("the exchange was away", "the gap is known")


def _kill_one(desk: Desk, service: str) -> None:
    stack = desk.stack
    container = stack.containers(service)[0]
    killed = kill(stack, container)
    began = time.monotonic()

    def is_back() -> bool:
        found = [c for c in stack.containers(service) if c.id == container.id]
        return bool(found) and found[0].started_at != container.started_at and found[0].is_healthy

    stack.report.wait_for(is_back, _BACK_SECONDS, f"{service} to come back healthy")
    seconds = time.monotonic() - began
    stack.wait_until_healthy()
    sums = desk.refresh_and_audit()
    result = f"healthy again, a run succeeds, audit clean: {sums}"
    stack.report.add(f"kill -9 {service} ({killed})", result, seconds)


def kill(stack: Stack, container: Running) -> str:
    """Kills the process that does the work; its name.

    From within a container its first process cannot be killed, and `docker kill` counts as a stop by hand:
    so it is done by the number that the process has on the engine's host.
    """
    listing = docker("top", container.id, "-eo", "pid,ppid,args").stdout.splitlines()[1:]
    processes = [
        (int(pid), int(parent), words) for pid, parent, words in (row.split(None, 2) for row in listing)
    ]
    victim = next(p for p in processes if p[0] == container.details["State"]["Pid"])
    while "docker-init" in victim[2] or _LAUNCHER in victim[2]:
        victim = next(p for p in processes if p[1] == victim[0])
    code = "import os, sys; os.kill(int(sys.argv[1]), 9)"
    image = stack.containers("capture")[0].details["Image"]
    done = docker(
        *("run", "--rm", "--pid=host", "--network=none", "--user=0", "--no-healthcheck"),
        *(image, "python", "-c", code, str(victim[0])),
    )
    expect(done.returncode == 0, f"kill of {victim[2][:60]}: {done.stderr}")
    name = [word.rsplit("/", 1)[-1] for word in victim[2].split()[:3] if not word.startswith("--")]
    return " ".join(name).partition("@")[0].strip("[]")
