"""What is kept: made once for all who wait, never half, never more than there is room for."""

import asyncio
from dataclasses import dataclass

import pytest

from include.dashboard.memory import Memory


@dataclass
class Thing:
    size: int = 1


def test_who_asks_at_the_same_time_gets_the_same_answer() -> None:
    made = []

    async def make() -> Thing:
        await asyncio.sleep(0.01)
        made.append(Thing())
        return made[-1]

    async def storm() -> list[Thing]:
        memory: Memory[Thing] = Memory()
        first = await asyncio.gather(*(memory.get("a", make) for _ in range(100)))
        return [*first, await memory.get("a", make)]

    assert {id(thing) for thing in asyncio.run(storm())} == {id(made[0])}
    assert len(made) == 1


def test_another_key_is_another_answer() -> None:
    async def both() -> tuple[Thing, Thing]:
        memory: Memory[Thing] = Memory()

        async def make() -> Thing:
            return Thing()

        return await memory.get(("desk", 1), make), await memory.get(("desk", 2), make)

    one, other = asyncio.run(both())
    assert one is not other


def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    async def fail() -> Thing:
        await asyncio.sleep(0)
        raise ValueError("away")

    async def make() -> Thing:
        return Thing(7)

    async def storm() -> None:
        memory: Memory[Thing] = Memory()
        errors = await asyncio.gather(*(memory.get("a", fail) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in errors] == ["away"] * 3
        assert (await memory.get("a", make)).size == 7

    asyncio.run(storm())


def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    async def make() -> Thing:
        await asyncio.sleep(0.02)
        return Thing()

    async def storm() -> None:
        memory: Memory[Thing] = Memory()
        impatient, patient = (asyncio.ensure_future(memory.get("a", make)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        assert isinstance(await patient, Thing)
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(storm())


def test_what_was_asked_for_longest_ago_goes_first_when_memory_is_full() -> None:
    made = []

    async def storm() -> None:
        memory: Memory[Thing] = Memory(most_bytes=10)

        async def get(key: str) -> None:
            async def make() -> Thing:
                made.append(key)
                return Thing(4)

            await memory.get(key, make)
            assert memory.bytes <= 10

        for key in ("a", "b", "a", "c", "a", "b"):
            await get(key)

    asyncio.run(storm())
    assert made == ["a", "b", "c", "b"]


def test_what_is_too_large_is_handed_out_and_not_kept() -> None:
    async def storm() -> None:
        memory: Memory[Thing] = Memory(most_bytes=10, most_bytes_each=5)

        async def make() -> Thing:
            return Thing(6)

        assert (await memory.get("a", make)).size == 6
        assert memory.bytes == 0

    asyncio.run(storm())
