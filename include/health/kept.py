"""Keeps the last answer of something slow: asked once in a few seconds at most, by however many."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Makes an answer in a thread of its own and keeps it for a while; who asks meanwhile gets the same one.

    Nobody waits longer than a moment: an answer that does not come is none, and goes on being waited for in the
    background, so that a source that hangs is asked once and not once a scrape.

    Args:
        name: Of the threads.
        make: Makes an answer, or None when there is none; must not raise.
        good_for_seconds: How long an answer, or that there was none, is good for.
        timeout_seconds: How long somebody waits for one.
        on_hang: Called each time that somebody has waited in vain, to end what hangs; None: nothing can.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], T | None],
        good_for_seconds: float,
        timeout_seconds: float,
        on_hang: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._make = make
        self._good_for_seconds = good_for_seconds
        self._patience_seconds = timeout_seconds
        self._on_hang = on_hang
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: T | None = None
        self._answered_at = float("-inf")
        self._under_way: threading.Event | None = None

    def get(self) -> T | None:
        """The answer as of a few seconds ago at most; None: there is none now."""
        with self._lock:
            if self._under_way is None:
                if self._clock() - self._answered_at < self._good_for_seconds:
                    return self._answer
                self._under_way = threading.Event()
                threading.Thread(
                    target=self._run, args=(self._under_way,), name=self._name, daemon=True
                ).start()
            done = self._under_way
        if done.wait(self._patience_seconds):
            with self._lock:
                return self._answer
        if self._on_hang is not None:
            self._on_hang()
        return None

    def _run(self, done: threading.Event) -> None:
        answer: T | None = None
        try:
            answer = self._make()
        finally:
            with self._lock:
                self._answer, self._answered_at, self._under_way = answer, self._clock(), None
            done.set()
