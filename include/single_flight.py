"""A cache for slow computations."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from math import inf
from typing import Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """A cache of answers by key; concurrent callers for the same key share one computation. Thread-safe.

    Args:
        max_size: Limit of all answers together; the least recently used are dropped first.
        max_size_each: A larger answer is returned but not cached.
        size_of: Size of an answer, in any unit.
        clock: Monotonic seconds.
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
        """Answers with the time of their computation and their size, the most recently used last."""
        self._under_way: dict[Hashable, Future[V]] = {}
        self.size = 0
        """Total size of the cached answers."""

    def get(
        self,
        key: Hashable,
        make: Callable[[], "Future[V]"],
        good_for_seconds: float = inf,
        shown_for_seconds: float = 0.0,
    ) -> "Future[V]":
        """The cached answer of this key, or a new one.

        Args:
            key: The key.
            make: Starts the computation. Errors are cached only if `good_for_seconds` is finite.
            good_for_seconds: Maximum age of a cached answer.
            shown_for_seconds: An answer up to this age is returned while a new one is being computed.
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
