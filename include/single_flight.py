"""Answers of something slow, kept for a while: made once, for however many threads and coroutines ask."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from math import inf
from typing import Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Whoever asks for a key while its answer is being made waits for the same one. Safe between threads.

    Args:
        max_size: Of all answers together: those not asked for longest are forgotten first.
        max_size_each: A larger answer is handed out and not kept.
        size_of: Size of an answer, in any unit.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        max_size: float = inf,
        max_size_each: float = inf,
        size_of: Callable[[V], int] = lambda _: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_size = max_size
        self._max_size_each = max_size_each
        self._size_of = size_of
        self._clock = clock
        self._lock = threading.RLock()
        self._kept: OrderedDict[Hashable, tuple[Future[V], float, int]] = OrderedDict()
        """Answers with the time they were made at and their size, the last asked for at the end."""
        self._under_way: dict[Hashable, Future[V]] = {}
        self.size = 0
        """Of all answers that are kept."""

    def get(
        self,
        key: Hashable,
        make: Callable[[], "Future[V]"],
        good_for_seconds: float = inf,
        shown_for_seconds: float = 0.0,
    ) -> "Future[V]":
        """The answer of this key, made anew unless it is kept.

        Args:
            key: What is asked for.
            make: Starts making it. An error is an answer where `good_for_seconds` is finite, and else not kept.
            good_for_seconds: How old a kept answer may be.
            shown_for_seconds: An answer that is no older is returned while the next one is being made.
        """
        with self._lock:
            made, made_at, _ = self._kept.get(key, (None, -inf, 0))
            age = self._clock() - made_at
            if made is not None and age < good_for_seconds:
                self._kept.move_to_end(key)
                return made
            flight = self._under_way.get(key)
            if flight is None:
                flight = self._under_way[key] = make()
                flight.add_done_callback(lambda done: self._landed(key, done, good_for_seconds < inf))
            return made if made is not None and age < shown_for_seconds else flight

    def _landed(self, key: Hashable, flight: "Future[V]", keeps_errors: bool) -> None:
        failed = flight.cancelled() or flight.exception() is not None
        size = 0 if failed else self._size_of(flight.result())
        with self._lock:
            self._under_way.pop(key, None)
            if (failed and not keeps_errors) or size > self._max_size_each:
                return
            _, _, size_before = self._kept.pop(key, (None, 0.0, 0))
            self._kept[key] = flight, self._clock(), size
            self.size += size - size_before
            while self.size > self._max_size:
                _, (_, _, size_of_oldest) = self._kept.popitem(last=False)
                self.size -= size_of_oldest
