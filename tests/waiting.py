"""Waits of tests: for a condition, for a command, for what happens at once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from include.settings import PROJECT_ROOT


def eventually(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits until the condition holds.

    Raises:
        AssertionError: It does not.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def run_module(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m` of the checkout to its end, with variables besides those of this process."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def at_once(work: Callable[[], object], times: int = 4) -> None:
    """Does the same in several threads, and raises what one of them raised."""
    with ThreadPoolExecutor(times) as pool:
        for running in [pool.submit(work) for _ in range(times)]:
            running.result()
