"""Captures and workers come and go while trades do: none is lost, and no gap is made."""

import time
from datetime import datetime, timedelta

from tools.containers.desk import Desk, Landed, now
from tools.containers.report import expect

_ENOUGH = 10
_ENOUGH_SECONDS = 120.0
_CATCH_UP = timedelta(seconds=1)
"""They receive the same message at slightly different moments: what is this near to an edge says nothing."""


def captures(desk: Desk) -> None:
    """One instance, two, and one again: both have every trade of the time that they share."""
    stack = desk.stack
    began, since = time.monotonic(), now()
    (first,) = stack.containers("capture")
    _scale(desk, "capture", 2)
    second = next(c for c in stack.wait_until_healthy("capture", count=2) if c.id != first.id)
    stack.report.add("capture 1 → 2", "both instances are healthy", time.monotonic() - began)
    both_since = now()

    def shared() -> int:
        until, landed = now(), _standalone(desk)
        return _common(landed[first.host], landed[second.host], both_since, until)

    stack.report.wait_for(lambda: shared() >= _ENOUGH, _ENOUGH_SECONDS, f"{_ENOUGH} trades of both instances")
    count = shared()
    began = time.monotonic()
    _scale(desk, "capture", 1)
    (left,) = stack.wait_until_healthy("capture", count=1)
    stack.report.add("capture 2 → 1", "one instance goes on", time.monotonic() - began)

    gone = _standalone(desk)[second.host if left.id == first.id else first.host]
    expect(gone.events[-1] == "closed", f"the instance that went ended with {gone.events[-1]}")
    sums = desk.refresh_and_audit()
    expect(desk.gaps(since) == 0, "scaling made a gap")
    stack.report.add(
        "no trade lost", f"{count} trades of the overlap in both instances, no gap; audit clean: {sums}"
    )


def workers(desk: Desk) -> None:
    """Two workers, three, and one: runs go on meanwhile."""
    stack = desk.stack
    since = now()
    hosts: set[str] = set()
    for _ in range(4):
        run = desk.trigger()
        desk.finish(run)
        hosts |= desk.hosts(run)
        if len(hosts) > 1:
            break
    there = {c.host for c in stack.containers("worker")}
    expect(len(hosts) == 2 and hosts <= there, f"tasks ran on {hosts}, the workers are {there}")
    stack.report.add("tasks ran on", f"both workers: {', '.join(sorted(hosts))}")
    for before, after in ((2, 3), (3, 1)):
        began = time.monotonic()
        run = desk.trigger()
        _scale(desk, "worker", after)
        stack.wait_until_healthy("worker", count=after)
        stack.report.add(f"worker {before} → {after}", "healthy", time.monotonic() - began)
        desk.finish(run)
    sums = desk.refresh_and_audit()
    expect(desk.gaps(since) == 0, "scaling made a gap")
    stack.report.add("no trade lost", f"runs of the time succeeded, no gap; audit clean: {sums}")


def _scale(desk: Desk, service: str, count: int) -> None:
    desk.stack.compose("up", "-d", "--scale", f"{service}={count}")


def _standalone(desk: Desk) -> dict[str, Landed]:
    """What the captures that are services of their own have landed, by host."""
    return {host: landed for (host, writer), landed in desk.landed().items() if writer == "standalone"}


def _common(one: Landed, other: Landed, since: datetime, until: datetime) -> int:
    """How many messages of that time both instances have.

    Raises:
        DrillError: One has a message that the other has not.
    """
    for a, b in ((one, other), (other, one)):
        inner = {m for m, at in a.messages.items() if since + _CATCH_UP < at < until - _CATCH_UP}
        missed = inner - set(b.messages)
        expect(not missed, f"{len(missed)} of {len(inner)} messages are of one instance only")
    return len(inner)
