"""A login that cannot be checked is answered in words, soon, and keeps nobody else waiting."""

import asyncio
import json
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from jwt import InvalidTokenError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import StarletteDeprecationWarning
from starlette.types import Message, Scope

with warnings.catch_warnings():
    # a library that Airflow's API imports brings a test client of an older kind along
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    from include.orchestration import auth_manager
    from include.orchestration.auth_manager import BoundedAuthManager, ExplainUnavailable, LoginUnavailableError


class Checks:
    """Airflow's own check, whose database a test controls."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    async def get_user_from_token(self, _manager: Any, token: str) -> str:
        self.may_answer.wait(30)  # as a statement does: it blocks the thread
        if self.error is not None:
            raise self.error
        return f"user of {token}"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checks]:
    found = Checks()

    async def check(manager: Any, token: str) -> str:
        return await found.get_user_from_token(manager, token)

    monkeypatch.setattr(SimpleAuthManager, "get_user_from_token", check)
    monkeypatch.setattr(auth_manager, "LOGIN_SECONDS", 0.2)
    yield found
    found.may_answer.set()


def test_a_good_token_is_the_user(checks: Checks) -> None:
    assert asyncio.run(BoundedAuthManager().get_user_from_token("t")) == "user of t"


def test_a_bad_token_is_refused_as_ever(checks: Checks) -> None:
    checks.error = InvalidTokenError("revoked")
    with pytest.raises(InvalidTokenError, match="revoked"):
        asyncio.run(BoundedAuthManager().get_user_from_token("t"))


def test_a_database_that_fails_is_no_bad_token(checks: Checks) -> None:
    checks.error = OperationalError("SELECT", {}, Exception("gone"))
    with pytest.raises(LoginUnavailableError, match="The database does not answer"):
        asyncio.run(BoundedAuthManager().get_user_from_token("t"))


def test_a_database_that_hangs_holds_up_nobody_else(checks: Checks) -> None:
    checks.may_answer.clear()
    manager = BoundedAuthManager()

    async def many() -> tuple[list[Any], int]:
        turns = 0

        async def somebody_else() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        other = asyncio.create_task(somebody_else())
        logins = (manager.get_user_from_token(f"{number}") for number in range(20))
        found = await asyncio.gather(*logins, return_exceptions=True)
        other.cancel()
        return found, turns

    found, turns = asyncio.run(many())
    assert {type(error) for error in found} == {LoginUnavailableError}
    assert turns > 3
    checks.may_answer.set()
    assert asyncio.run(manager.get_user_from_token("t")) == "user of t"


Handler = Callable[[LoginUnavailableError, Any], Awaitable[None]]


async def let_it_through(error: LoginUnavailableError, _send: Any) -> None:
    """As Airflow does with a cookie."""
    raise error


async def answer_500_and_raise(error: LoginUnavailableError, send: Any) -> None:
    """As an application of a plugin does with what it does not know."""
    await send(
        {"type": "http.response.start", "status": 500, "headers": [(b"set-cookie", b"_token=; Max-Age=0")]}
    )
    await send({"type": "http.response.body", "body": b"Something went wrong."})
    raise error


async def answer_500(_error: LoginUnavailableError, send: Any) -> None:
    with pytest.raises(LoginUnavailableError):
        await answer_500_and_raise(_error, send)


def answer(checks: Checks, accept: str, handle: Handler = let_it_through) -> tuple[int, dict[str, str], bytes]:
    """What a client gets from an application that cannot check its login."""
    sent: list[Message] = []
    checks.error = OperationalError("SELECT", {}, Exception("gone"))

    async def app(_scope: Scope, _receive: Any, send: Any) -> None:
        try:
            await BoundedAuthManager().get_user_from_token("t")
        except LoginUnavailableError as error:
            await handle(error, send)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept", accept.encode())]}
    asyncio.run(ExplainUnavailable(app)(scope, None, send))  # type: ignore[arg-type]
    assert len(sent) == 2
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


SENTENCE = "The database does not answer. Nothing is lost: try again in a minute."


@pytest.mark.parametrize("handle", [let_it_through, answer_500_and_raise, answer_500])
def test_a_program_is_told_in_json_whatever_the_application_makes_of_it(
    checks: Checks, handle: Handler
) -> None:
    status, headers, body = answer(checks, "*/*", handle)
    assert (status, headers["retry-after"], headers["cache-control"]) == (503, "5", "no-store")
    assert "set-cookie" not in headers
    assert json.loads(body) == {"error": SENTENCE, "detail": SENTENCE}


def test_a_person_is_told_on_a_page_that_tries_again(checks: Checks) -> None:
    status, headers, body = answer(checks, "text/html,application/xhtml+xml")
    assert (status, headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert SENTENCE.encode() in body
    assert b'http-equiv="refresh"' in body


def test_nothing_else_is_touched(checks: Checks) -> None:
    async def fails_otherwise(_scope: Scope, _receive: Any, _send: Any) -> None:
        raise ValueError("a mistake")

    async def send(_message: Message) -> None:
        """Nothing is sent."""

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ValueError, match="a mistake"):
        asyncio.run(ExplainUnavailable(fails_otherwise)(scope, None, send))  # type: ignore[arg-type]


def test_ours_goes_around_those_of_airflow() -> None:
    assert BoundedAuthManager().get_fastapi_middlewares()[-1] == (ExplainUnavailable, {})
