"""Properties under attack: a short form of each in `make test`, the long one with `make torture`.

TORTURE is the part of the long form that is run: 1 for all of it, 0.1 for a tenth, nothing for the short form.
TORTURE_SEED repeats a run. What a whole long form finds is written to docs/guarantees.md; what a part of
it finds is only printed.
"""

import os
import random
import secrets
import sys
import time
from collections.abc import Iterator

import pytest

from include.duration import duration
from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.integration.dashboard.conftest import client as client
from tests.integration.dashboard.conftest import dashboard as dashboard
from tests.integration.dashboard.conftest import desk as desk
from tests.integration.dashboard.conftest import service as service
from tests.integration.dashboard.conftest import url as url
from tests.torture.report import Outcome, write

FRACTION = float(os.environ.get("TORTURE", "0"))
SEED = int(os.environ.get("TORTURE_SEED") or secrets.randbelow(2**32))
MAX_SECONDS = 4 * 3600.0
_PROGRESS_SECONDS = 10.0

_outcomes = pytest.StashKey[list[Outcome]]()


class Torture:
    """How often a property is tried, and what came of it.

    Attributes:
        is_long: Whether this is the long form.
        random: The only source of chance, so that TORTURE_SEED repeats a run.
    """

    def __init__(self, name: str) -> None:
        self.is_long = FRACTION > 0
        self.random = random.Random(f"{SEED} {name}")
        self.found: list[tuple[str, str, str]] = []
        self._name = name

    def count(self, short: int, full: int) -> int:
        """`short`, or TORTURE's part of `full` if that is more."""
        return max(short, round(full * FRACTION))

    def trials(self, short: int, full: int) -> Iterator[int]:
        """Numbers from 0, as many as `count` says; a long run prints how far it is."""
        count = self.count(short, full)
        began_at = told_at = time.monotonic()
        for number in range(count):
            yield number
            now = time.monotonic()
            if self.is_long and (now - told_at > _PROGRESS_SECONDS or number + 1 == count):
                told_at = now
                left = (now - began_at) / (number + 1) * (count - number - 1)
                self.say(f"{number + 1:,} of {count:,}, {duration(left)} to go")

    def say(self, text: str) -> None:
        """Prints a line of progress of a long run; `make torture` lets pytest capture nothing."""
        if self.is_long:
            print(f"{time.strftime('%H:%M:%S')} {self._name}: {text}", file=sys.__stderr__, flush=True)

    def report(self, guarantee: str, tried: str, figure: str) -> None:
        """A row of the table in docs/guarantees.md, once the assertions of the row have passed.

        Args:
            guarantee: What is promised, as in the text of docs/guarantees.md.
            tried: The faults, and how many.
            figure: What came of it.
        """
        self.found.append((guarantee, tried, figure))
        self.say(f"{guarantee}: {tried}: {figure}")


@pytest.fixture
def torture(request: pytest.FixtureRequest) -> Torture:
    """The effort of this run; the test reports to it."""
    torture = Torture(request.node.name)
    request.node.user_properties.append(("torture", torture.found))
    return torture


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_outcomes] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if FRACTION:
        for item in items:
            item.add_marker(pytest.mark.timeout(MAX_SECONDS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if FRACTION and report.when == "call":
        for name, found in report.user_properties:
            if name == "torture":
                rows = found or [("", "", "")]
                item.config.stash[_outcomes].append(
                    Outcome(item.nodeid, report.passed, report.duration, SEED, rows)
                )
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if FRACTION >= 1 and (outcomes := session.config.stash[_outcomes]):
        write(outcomes)
