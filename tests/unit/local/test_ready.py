"""What `make run` waits for."""

from itertools import pairwise

import pytest

from include.local import ready


def test_attempts_become_rare_while_the_processes_are_watched_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, watched, attempts = 0.0, list[float](), list[float]()

    def watch(seconds: float) -> None:
        nonlocal now
        now += seconds
        watched.append(seconds)

    def attempt() -> None:
        attempts.append(now)

    monkeypatch.setattr(ready.time, "monotonic", lambda: now)
    progress = ready.Progress(lambda text: None, watch)
    assert progress.wait(attempt, lambda: "for an exchange that is silent", 3600, eager_seconds=60) is None
    assert set(watched) == {0.5}
    first, later = ([at for at in attempts if is_first == (at < 60)] for is_first in (True, False))
    assert len(first) == 120
    assert {after - before for before, after in pairwise(later)} == {10.0}
