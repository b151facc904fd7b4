"""An answer is asked for once in a while, by however many, and nobody waits for one that does not come."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.health.kept import Kept


class Source:
    """Answers with the number of times that it was asked, once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = threading.Event()
        self.may.set()
        self.now = 0.0
        self.hangs = 0
        self.kept = Kept("test", self.make, 5.0, 0.2, self.hang, lambda: self.now)

    def make(self) -> int | None:
        self.asked += 1
        assert self.may.wait(10)
        return self.asked

    def hang(self) -> None:
        self.hangs += 1


@pytest.fixture
def source() -> Source:
    return Source()


def test_an_answer_is_kept_for_a_while(source: Source) -> None:
    assert [source.kept.get(), source.kept.get()] == [1, 1]
    source.now = 4.9
    assert source.kept.get() == 1
    source.now = 5.0
    assert source.kept.get() == 2


def test_who_comes_at_once_shares_one_answer(source: Source) -> None:
    source.may.clear()
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(source.kept.get) for _ in range(20)]
        time.sleep(0.05)
        source.may.set()
        assert [answer.result() for answer in answers] == [1] * 20
    assert source.asked == 1


def test_nobody_waits_for_what_does_not_come_and_it_is_asked_once(source: Source) -> None:
    source.may.clear()
    before = time.monotonic()
    assert [source.kept.get(), source.kept.get()] == [None, None]
    assert time.monotonic() - before < 2
    assert (source.asked, source.hangs) == (1, 2)
    source.may.set()
    assert source.kept.get() == 1
    assert source.asked == 1


def test_that_there_was_no_answer_is_kept_as_well() -> None:
    asked = []
    kept: Kept[int] = Kept("test", lambda: asked.append(1), 5.0, 0.2, clock=lambda: 0.0)
    assert [kept.get(), kept.get()] == [None, None]
    assert len(asked) == 1
