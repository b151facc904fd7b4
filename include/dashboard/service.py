"""Answers of the trading desk: read once per change, however often they are requested."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from include.dashboard.language import say
from include.dashboard.parameters import BadParameterError, either
from include.dashboard.reader import Query, Reader, UnavailableError
from include.errors import TerminalError
from include.settings import Settings
from include.single_flight import SingleFlight
from include.warehouse.queries import load_queries

log = logging.getLogger(__name__)

QUERIES = load_queries("dashboard/queries.sql")

LOOK_SECONDS = 1.0
"""How old the state may be before it is read again, which happens only while somebody asks."""

SHOWN_SECONDS = 3.0
"""How old a state may be served while a newer one is being read."""

MAX_BYTES = 64 << 20
"""Limit of all cached answers together."""

MAX_BYTES_EACH = 2 << 20
"""A larger answer is not cached."""

SETTLED = timedelta(minutes=1)
"""A publication is committed within that time of its `valid_from`: older versions never change."""

EVENT_SECONDS = 2.0
"""A stream that is silent for much longer is dead: the page then says that the server does not answer."""

STREAM_SECONDS = 10.0
"""A stream of events ends then; the browser opens the next one by itself, and its login is checked again.

Nobody receives anything for longer after a login ended, and a server that stops waits no longer for it.
"""

_POLL_SECONDS = 0.5


class Sized(Protocol):
    """What says how much memory it takes."""

    @property
    def size(self) -> int:
        """Bytes."""


V = TypeVar("V", bound=Sized)


@dataclass(frozen=True, slots=True)
class State:
    """What holds for everybody until the next change.

    Attributes:
        version: Changes when anything that the page shows may have changed; opaque.
        first_day: First delivery day with PnL, in any market; None: there is none.
        last_day: The last one.
        markets: The settings of each market, of this moment, the first market first.
        settings: Those of the market that is asked for.
    """

    version: str
    first_day: date | None
    last_day: date | None
    markets: tuple[Settings, ...]
    settings: Settings

    def of(self, market: str) -> "State":
        """The same of another market; of the first one for an empty text.

        Raises:
            BadParameterError: There is no such market.
        """
        if not market:
            return self
        for settings in self.markets:
            if settings.market.market == market:
                return replace(self, settings=settings)
        known = either([settings.market.market for settings in self.markets])
        raise BadParameterError(say("market must be {known}.", known=known))

    def named(self, what: str) -> str:
        """The name of a file that holds this: where there are several markets, with the market."""
        return f"{what}-{self.settings.market.market}" if len(self.markets) > 1 else what


class Service:
    """Owns the connections and what is kept in memory.

    Args:
        settings: Tells the settings of each market; asked again after a failure, so that a corrected connection
            is found.
    """

    def __init__(self, settings: Callable[[], Sequence[Settings]]) -> None:
        self._settings = settings
        self._known: Sequence[Settings] = ()
        # the query for the version must not wait for others, and a long list must not delay the desk
        self._looks = Reader(self._url, "trading desk: version", 1, 3)
        self._quick = Reader(self._url, "trading desk", 2, 8)
        self._slow = Reader(self._url, "trading desk: lists", 1, 20)
        self._states: SingleFlight[State] = SingleFlight()
        self._answers: SingleFlight[Sized] = SingleFlight(MAX_BYTES, MAX_BYTES_EACH, lambda answer: answer.size)

    async def state(self, market: str = "") -> State:
        """What holds for everybody at this moment.

        Args:
            market: The market that is asked for; empty: the first one.

        Raises:
            BadParameterError: There is no such market.
            UnavailableError: The warehouse does not answer.
            TerminalError: No warehouse is configured, or a setting is wrong.
        """
        state = self._states.get("", lambda: self._looks.submit(self._look), LOOK_SECONDS, SHOWN_SECONDS)
        return (await self._looks.answer(state)).of(market)

    async def recall(
        self,
        key: Hashable,
        make: Callable[[Query], V],
        state: State,
        is_slow: bool = False,
        is_settled: bool = False,
    ) -> V:
        """The answer of this key, read from the warehouse if it has changed since.

        Args:
            key: What is asked for.
            make: Reads it; runs in another thread. Its query has the parameter `market`.
            state: Of this moment, and of the market.
            is_slow: It may be a long list.
            is_settled: It does not change any more.

        Raises:
            UnavailableError: The warehouse does not answer.
        """
        reader = self._slow if is_slow else self._quick
        market = state.settings.market.market
        since = (state.first_day, state.last_day) if is_settled else state.version
        # a key always stands for the same kind of answer
        flight = self._answers.get(
            (market, key, since), lambda: reader.submit(lambda query: make(partial(query, market=market)))
        )
        return await reader.answer(flight)  # type: ignore[arg-type]

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events: the version at once, when it changes, and every EVENT_SECONDS.

        Between them nothing is held but this generator: no thread, no connection.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        sent, sent_at = "", began
        yield b"retry: 500\n\n"
        while loop.time() < began + STREAM_SECONDS:
            try:
                version = (await self.state()).version
            except (UnavailableError, TerminalError) as error:
                log.info("a stream of events ends: %s", error)
                return  # the page then asks for the version and learns what is wrong
            if version != sent or loop.time() >= sent_at + EVENT_SECONDS:
                yield b"event: version\ndata: %b\n\n" % msgspec.json.encode({"version": version})
                sent, sent_at = version, loop.time()
            await asyncio.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Closes the connections."""
        for reader in (self._looks, self._quick, self._slow):
            reader.close()

    def _url(self) -> str:
        self._known = known = self._settings()
        return known[0].warehouse_url

    def _look(self, query: Query) -> State:
        (row,) = query(QUERIES["version"])
        markets = tuple(self._known or self._settings())
        return State(row["version"], row["first_day"], row["last_day"], markets, markets[0])


def is_settled(as_of: datetime | None) -> bool:
    """Whether what was said at this moment cannot change any more."""
    return as_of is not None and as_of < utc_now() - SETTLED


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)
