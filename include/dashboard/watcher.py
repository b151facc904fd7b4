"""Knows what the warehouse's version is: one look a second at most, and only while somebody asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from include.dashboard.reader import UnavailableError
from include.errors import TerminalError
from include.settings import Settings

EVERY_SECONDS = 1.0
"""How long a look is good for."""

STALE_SECONDS = 3.0
"""An older look is not shown any more: who asks waits for the next one."""


@dataclass(frozen=True, slots=True)
class State:
    """What holds for everybody until the next change.

    Attributes:
        version: Changes when anything that the page shows may have changed; opaque.
        first_day: First delivery day with PnL; None: there is none.
        last_day: The last one.
        settings: Of this moment.
    """

    version: str
    first_day: date | None
    last_day: date | None
    settings: Settings


class Watcher:
    """Looks at most once a second, in the background, as long as somebody asks.

    Belongs to one event loop at a time.

    Args:
        look: Reads the state.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, look: Callable[[], Awaitable[State]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._clock = clock
        self._looked_at = float("-inf")
        self._state: State | None = None
        self._error: Exception | None = None
        self._under_way: asyncio.Task[None] | None = None

    async def current(self) -> State:
        """The state as of a moment ago.

        Raises:
            UnavailableError: The warehouse did not answer the last look.
            TerminalError: No warehouse is configured.
        """
        age = self._clock() - self._looked_at
        if age >= EVERY_SECONDS and (self._under_way is None or self._under_way.done()):
            self._under_way = asyncio.ensure_future(self._update())
        if age >= STALE_SECONDS and self._under_way is not None:
            await asyncio.shield(self._under_way)
        if self._error is not None:
            raise self._error
        assert self._state is not None
        return self._state

    async def _update(self) -> None:
        try:
            self._state, self._error = await self._look(), None
        except (UnavailableError, TerminalError) as error:
            self._error = error
        self._looked_at = self._clock()
