"""An answer is made once for all who wait, by threads or coroutines; how long it is kept, and how much."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest

from include.single_flight import SingleFlight


@dataclass
class Source:
    """Makes answers of 4 bytes, each when the test lets it; a clock that is moved by hand."""

    flights: list["Future[str]"] = field(default_factory=list)
    now: float = 1000.0

    def make(self) -> "Future[str]":
        self.flights.append(Future())
        return self.flights[-1]

    def ready(self, text: str = "done") -> Callable[[], "Future[str]"]:
        def make() -> "Future[str]":
            flight = self.make()
            flight.set_result(text)
            return flight

        return make

    def failing(self) -> "Future[str]":
        flight = self.make()
        flight.set_exception(ValueError("away"))
        return flight

    def single_flight(self, max_size: int = 10, max_size_each: int = 5) -> SingleFlight[str]:
        return SingleFlight(max_size, max_size_each, len, lambda: self.now)


@pytest.fixture
def source() -> Source:
    return Source()


def test_whoever_comes_at_once_shares_one_answer(source: Source) -> None:
    answers = source.single_flight()
    waiting = [answers.get("a", source.make) for _ in range(100)]
    (flight,) = source.flights
    flight.set_result("done")
    assert {answer.result(0) for answer in waiting} == {"done"}
    assert answers.get("a", source.make) is flight


def test_another_key_is_another_answer(source: Source) -> None:
    answers = source.single_flight()
    assert answers.get(("desk", 1), source.ready("1")).result() == "1"
    assert answers.get(("desk", 2), source.ready("2")).result() == "2"


def test_an_answer_is_good_for_a_while(source: Source) -> None:
    answers = source.single_flight()
    assert answers.get("a", source.ready("1"), good_for_seconds=5).result() == "1"
    source.now += 4.9
    assert answers.get("a", source.ready("2"), good_for_seconds=5).result() == "1"
    source.now += 0.1
    assert answers.get("a", source.ready("2"), good_for_seconds=5).result() == "2"
    assert answers.size == 1


def test_an_answer_that_does_not_come_is_waited_for_and_not_asked_for_again(source: Source) -> None:
    answers = source.single_flight()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            answers.get("a", source.make, good_for_seconds=5).result(0.01)
    (flight,) = source.flights
    flight.set_result("late")
    assert answers.get("a", source.make, good_for_seconds=5).result() == "late"


def test_an_error_goes_to_all_who_wait_and_is_kept_only_where_answers_age(source: Source) -> None:
    answers = source.single_flight()
    with pytest.raises(ValueError, match="away"):
        answers.get("a", source.failing).result()
    assert answers.get("a", source.ready()).result() == "done"
    with pytest.raises(ValueError, match="away"):
        answers.get("b", source.failing, good_for_seconds=1).result()
    with pytest.raises(ValueError, match="away"):
        answers.get("b", source.ready(), good_for_seconds=1).result()
    source.now += 1
    assert answers.get("b", source.ready(), good_for_seconds=1).result() == "done"


def test_an_answer_is_shown_while_the_next_one_is_made_unless_it_is_too_old(source: Source) -> None:
    answers = source.single_flight()

    def get() -> "Future[str]":
        return answers.get("a", source.make, good_for_seconds=1, shown_for_seconds=3)

    get()
    source.flights[0].set_result("1")
    source.now += 1.1
    assert get().result(0) == "1"
    source.flights[1].set_result("2")
    assert get().result(0) == "2"
    source.now += 3600
    assert get() is source.flights[2]
    assert not source.flights[2].done()


def test_the_answer_asked_for_longest_ago_goes_first_when_there_is_no_room(source: Source) -> None:
    answers = source.single_flight()
    for key in ("a", "b", "a", "c", "a", "b"):
        answers.get(key, source.ready("four"))
        assert answers.size <= 10
    assert len(source.flights) == 4, "a, b, c, and b again"


def test_an_answer_that_is_too_large_is_handed_out_and_not_kept(source: Source) -> None:
    answers = source.single_flight()
    assert answers.get("a", source.ready("longer")).result() == "longer"
    assert answers.size == 0


def test_a_coroutine_that_gives_up_does_not_take_the_answer_from_the_others(source: Source) -> None:
    answers = source.single_flight()

    async def wait() -> str:
        return await asyncio.shield(asyncio.wrap_future(answers.get("a", source.make)))

    async def storm() -> None:
        impatient, patient = (asyncio.ensure_future(wait()) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        (flight,) = source.flights
        flight.set_result("done")
        assert await patient == "done"
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(storm())
