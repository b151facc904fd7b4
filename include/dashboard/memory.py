"""Answers that are kept: made once for everybody who asks at the same time, forgotten when memory is full."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What says how much memory it takes."""

    @property
    def size(self) -> int:
        """Bytes."""


V = TypeVar("V", bound=Sized)


class Memory(Generic[V]):
    """Keeps what was made last and asked for last, up to a number of bytes.

    Belongs to one event loop at a time.

    Args:
        most_bytes: Of all answers together.
        most_bytes_each: A larger answer is handed out and not kept.
    """

    def __init__(self, most_bytes: int = 64 << 20, most_bytes_each: int = 2 << 20) -> None:
        self._most_bytes = most_bytes
        self._most_bytes_each = most_bytes_each
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[Hashable, asyncio.Task[V]] = {}

    @property
    def bytes(self) -> int:
        """What the answers take that are kept."""
        return self._bytes

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        """The answer of this key; whoever asks while it is being made waits for the same one.

        Raises:
            Exception: What making it raises goes to all who wait; nothing is kept then.
        """
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._make(key, make))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        # who gives up waiting must not take the answer from the others
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        value = await make()
        if value.size <= self._most_bytes_each:
            self._kept[key] = value
            self._bytes += value.size
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size
        return value

    def _ended(self, key: Hashable, task: "asyncio.Task[V]") -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # those who waited have it; nobody may have
