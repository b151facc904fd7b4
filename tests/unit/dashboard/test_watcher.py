"""When the version is looked at: once a second at most, never while nobody asks, again after a failure."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from include.dashboard.reader import UnavailableError
from include.dashboard.watcher import State, Watcher
from include.settings import Settings


class World:
    """A clock that is moved by hand and a warehouse that counts looks."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.looks = 0
        self.is_away = False
        self.watcher = Watcher(self.look, lambda: self.now)

    async def look(self) -> State:
        self.looks += 1
        if self.is_away:
            raise UnavailableError("away")
        await asyncio.sleep(0)
        return State(str(self.looks), None, None, Settings())

    async def version_after(self, seconds: float) -> str:
        """What who asks then is told, once looks in the background have ended."""
        self.now += seconds
        version = (await self.watcher.current()).version
        for _ in range(5):
            await asyncio.sleep(0)
        return version


def in_a_world(test: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(World())

    asyncio.run(run())


def test_a_storm_is_one_look() -> None:
    async def test(world: World) -> None:
        states = await asyncio.gather(*(world.watcher.current() for _ in range(100)))
        assert {state.version for state in states} == {"1"}
        assert await world.version_after(0.9) == "1"
        assert world.looks == 1

    in_a_world(test)


def test_while_somebody_asks_nobody_waits_for_a_look() -> None:
    async def test(world: World) -> None:
        assert await world.version_after(0) == "1"
        assert await world.version_after(1.1) == "1"
        assert await world.version_after(0.1) == "2"

    in_a_world(test)


def test_the_first_after_a_pause_waits_for_what_is_true_now() -> None:
    async def test(world: World) -> None:
        assert await world.version_after(0) == "1"
        assert await world.version_after(3600) == "2"
        assert world.looks == 2

    in_a_world(test)


def test_a_failure_is_told_and_over_a_second_after_it_is_over() -> None:
    async def test(world: World) -> None:
        world.is_away = True
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await world.version_after(0.1)
        assert world.looks == 1
        world.is_away = False
        with pytest.raises(UnavailableError):
            await world.version_after(1.1)
        for _ in range(5):
            await asyncio.sleep(0)
        assert await world.version_after(0.1) == "2"

    in_a_world(test)
