"""Who is remembered and for how long, and who waits for whom."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from include.dashboard.login import MOST_REMEMBERED, REMEMBERED_SECONDS, Credentials, Door, LoginMemory

ANNA: Credentials = [(b"authorization", b"Bearer anna")]
BERT: Credentials = [(b"authorization", b"Bearer bert")]


def token(claims: object) -> bytes:
    """Signed by nobody."""
    return b".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({}, claims, "x"))


class World:
    """Clocks that are moved by hand, and a check of logins that counts."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.moment = 1_700_000_000.0
        self.checks = 0
        self.memory = LoginMemory(lambda: self.seconds, lambda: self.moment)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.moment += seconds

    async def ask(self, credentials: Credentials, is_good: bool = True, takes: float = 0) -> bool:
        """One request; whether it was known before."""
        async with self.memory.asking(credentials) as is_known:
            if not is_known:
                self.checks += 1
                await asyncio.sleep(takes)
                if is_good:
                    self.memory.remember(credentials)
            return is_known


def in_a_world(test: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(World())

    asyncio.run(run())


def test_who_was_let_in_is_known_for_five_seconds() -> None:
    async def test(world: World) -> None:
        assert not await world.ask(ANNA)
        world.wait(REMEMBERED_SECONDS - 0.1)
        assert await world.ask(ANNA)  # which does not make it longer
        world.wait(0.1)
        assert not await world.ask(ANNA)
        assert await world.ask(ANNA)

    assert REMEMBERED_SECONDS == 5
    in_a_world(test)


def test_who_was_refused_is_checked_each_time() -> None:
    async def test(world: World) -> None:
        for _ in range(3):
            assert not await world.ask(ANNA, is_good=False)
        assert world.checks == 3
        assert len(world.memory) == 0

    in_a_world(test)


def test_nobody_is_taken_for_somebody_else() -> None:
    async def test(world: World) -> None:
        await world.ask(ANNA)
        await world.ask([*ANNA, (b"cookie", b"x")])
        for other in (
            BERT,
            [(b"cookie", b"Bearer anna")],
            [*ANNA, *BERT],
            [*BERT, *ANNA],
            [(b"authorization", b"Bearer annacookiex")],
        ):
            assert not await world.ask(other, is_good=False)

    in_a_world(test)


@pytest.mark.parametrize(
    "credentials",
    [
        lambda claims: [(b"authorization", b"Bearer " + token(claims))],
        lambda claims: [(b"cookie", b"theme=dark; _token=" + token(claims) + b"; a.b.c=d.e.f")],
        lambda claims: [(b"cookie", b"_token=" + token({"exp": 2e9})), (b"cookie", b"x=" + token(claims))],
    ],
)
def test_a_token_is_not_known_longer_than_it_is_good(credentials: Callable[[object], Credentials]) -> None:
    async def test(world: World) -> None:
        sent = credentials({"sub": "anna", "exp": int(world.moment) + 2})
        assert not await world.ask(sent)
        world.wait(1.9)
        assert await world.ask(sent)
        world.wait(0.1)
        assert not await world.ask(sent)  # as Airflow may still let it in for some seconds
        assert not await world.ask(sent)

    in_a_world(test)


@pytest.mark.parametrize(
    "said",
    [
        *(token({}), token([]), token({"exp": "soon"}), token({"exp": None}), token({"exp": 10**400})),
        *(b"a.b.c", b"a.\xff.c", b"opaque", b"a" * 60_000),
        b"a." + base64.urlsafe_b64encode(b"[" * 30_000) + b".c",
    ],
    ids=lambda said: said[:12].decode(errors="replace"),
)
def test_a_token_that_does_not_say_how_long_it_is_good_is_known_for_five_seconds(said: bytes) -> None:
    async def test(world: World) -> None:
        sent = [(b"authorization", b"Bearer " + said)]
        await world.ask(sent)
        world.wait(REMEMBERED_SECONDS - 0.1)
        assert await world.ask(sent)
        world.wait(0.1)
        assert not await world.ask(sent)

    in_a_world(test)


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    async def test(world: World) -> None:
        await world.ask(ANNA)
        await world.ask(BERT)
        for number in range(MOST_REMEMBERED - 1):
            await world.ask([(b"cookie", b"%d" % number)])
        assert len(world.memory) == MOST_REMEMBERED
        assert await world.ask(BERT)
        assert not await world.ask(ANNA)

    in_a_world(test)


def test_tokens_themselves_are_not_kept() -> None:
    memory = LoginMemory()
    memory.remember([(b"authorization", b"Bearer secret-of-anna")])
    assert "secret-of-anna" not in repr(vars(memory))


def test_a_storm_after_the_five_seconds_is_one_check() -> None:
    async def test(world: World) -> None:
        await world.ask(ANNA)
        world.wait(REMEMBERED_SECONDS)
        known = await asyncio.gather(*(world.ask(ANNA, takes=0.01) for _ in range(15)))
        assert sorted(known) == [False] + [True] * 14
        assert world.checks == 2

    in_a_world(test)


def test_who_waited_for_a_check_that_refused_is_checked_too() -> None:
    async def test(world: World) -> None:
        known = await asyncio.gather(*(world.ask(ANNA, is_good=False, takes=0.01) for _ in range(15)))
        assert not any(known)
        assert world.checks == 15

    in_a_world(test)


def test_a_check_that_fails_leaves_nobody_waiting() -> None:
    async def fail(world: World) -> None:
        async with world.memory.asking(ANNA):
            await asyncio.sleep(0.01)
            raise ConnectionError("the database is away")

    async def test(world: World) -> None:
        first, second = await asyncio.gather(fail(world), world.ask(ANNA), return_exceptions=True)
        assert isinstance(first, ConnectionError)
        assert second is False
        assert await world.ask(ANNA)

    in_a_world(test)


def test_nobody_waits_for_a_stream_to_end() -> None:
    async def test(world: World) -> None:
        async with world.memory.asking(ANNA) as is_known:
            assert not is_known
            world.memory.remember(ANNA)
            assert await world.ask(ANNA)
            world.wait(REMEMBERED_SECONDS)
            known = await asyncio.gather(*(world.ask(ANNA, takes=0.01) for _ in range(15)))
            assert sorted(known) == [False] + [True] * 14

    in_a_world(test)


@pytest.mark.parametrize(
    ("scope", "is_spared"),
    [
        ({"path": "/desk/api", "root_path": ""}, True),
        ({"path": "/desk/api"}, True),
        ({"path": "/some/desk/api", "root_path": "/some"}, True),
        ({"path": "/desk/api", "root_path": "/some"}, True),  # a proxy has taken it away
        ({"path": "/some/desk/api"}, False),
        ({"path": "/desktop/api"}, False),
        ({"path": "/api/v2/dags/desk/runs"}, False),
        ({"path": "/desk/api", "headers": [(b"authorization", b"Bearer bert")]}, False),
        ({"path": "/desk/api", "headers": []}, False),
        ({"path": "/desk/api", "type": "websocket"}, False),
    ],
)
def test_who_is_known_is_spared_a_middleware_that_checks_below_the_prefix_only(
    scope: dict[str, Any], is_spared: bool
) -> None:
    async def test() -> None:
        called = []

        async def check(*_: object) -> None:
            called.append("check")

        async def inner(*_: object) -> None:
            called.append("inner")

        memory = LoginMemory()
        memory.remember(ANNA)
        around = Door(FastAPI(), FastAPI(), memory).around(check, inner, "/desk")
        await around({"type": "http", "headers": ANNA} | scope, None, None)  # type: ignore[arg-type]
        assert called == ["inner" if is_spared else "check"]

    asyncio.run(test())
