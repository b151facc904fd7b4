"""Who was let in goes straight in for five seconds; nobody else does, and nothing looks different."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer

from include.dashboard.login import REMEMBERED_SECONDS, LoginMemory, create_door
from include.dashboard.service import Service
from include.settings import Settings
from tests.integration.dashboard.conftest import Client, served


class Logins:
    """Users by their `Authorization` or cookie, a clock that is moved by hand, and a count of the checks."""

    def __init__(self) -> None:
        self.good = {"Bearer anna", "Bearer bert", "_token=dora"}
        self.seconds = 1000.0
        self.checks = 0
        self.memory = LoginMemory(lambda: self.seconds, lambda: 0.0)

    async def login(self, request: Request, _: object = Depends(HTTPBearer(auto_error=False))) -> None:
        self.checks += 1
        await asyncio.sleep(0.05)
        given = request.headers.get("authorization") or request.headers.get("cookie")
        if given not in self.good:
            raise HTTPException(403 if given else 401, "Not authenticated")


@pytest.fixture
def logins() -> Logins:
    return Logins()


@pytest.fixture
def url(settings: Settings, service: Service, logins: Logins) -> Iterator[str]:
    """Where the trading desk is served that remembers logins."""
    with served(create_door(lambda: settings, logins.login, "", service, logins.memory)) as url:
        yield url


@pytest.fixture
def anna(url: str) -> Iterator[Client]:
    client = Client(url, {"Authorization": "Bearer anna"})
    yield client
    client.session.close()


def test_one_check_is_good_for_five_seconds(anna: Client, logins: Logins) -> None:
    for path in ("api/v1/desk", "api/v1/version", "", "static/index.html"):
        assert anna.get(path).status_code == 200
    assert logins.checks == 1
    logins.seconds += REMEMBERED_SECONDS
    assert anna.get("api/v1/version").status_code == 200
    assert logins.checks == 2


def test_a_cookie_is_remembered_likewise(url: str, logins: Logins) -> None:
    for _ in range(3):
        assert Client(url, {"Cookie": "_token=dora"}).get("api/v1/version").status_code == 200
    assert logins.checks == 1
    assert Client(url, {"Cookie": "_token=eve"}).get("api/v1/version").status_code == 401
    both = {"Cookie": "_token=dora", "Authorization": "Bearer carl"}  # what is explicit counts
    assert Client(url, both).get("api/v1/version").status_code == 401


def test_who_logged_out_is_refused_after_five_seconds(anna: Client, logins: Logins) -> None:
    assert anna.get("api/v1/version").status_code == 200
    logins.good.clear()
    logins.seconds += REMEMBERED_SECONDS - 0.1
    assert anna.get("api/v1/version").status_code == 200
    logins.seconds += 0.1
    for _ in range(2):
        assert anna.get("api/v1/version").status_code == 401


def test_others_are_checked_themselves(url: str, anna: Client, stranger: Client, logins: Logins) -> None:
    assert anna.get("api/v1/version").status_code == 200
    assert stranger.get("api/v1/version").status_code == 401
    for headers in (
        {"Authorization": "Bearer carl"},
        {"Authorization": "Bearer carl", "Cookie": "x=Bearer anna"},
        {"Cookie": "x=Bearer anna"},
        # what a door notes for itself cannot be sent
        {"Authorization": "Bearer carl", "trading_desk.is_known": "1", "X-State": "trading_desk.is_known"},
    ):
        for _ in range(2):
            assert Client(url, headers).get("api/v1/version").status_code == 401
    assert Client(url, {"Authorization": "Bearer bert"}).get("api/v1/version").status_code == 200


def test_who_is_refused_is_let_in_once_the_login_is_good(url: str, logins: Logins) -> None:
    carl = Client(url, {"Authorization": "Bearer carl"})
    assert carl.get("api/v1/version").status_code == 401
    logins.good.add("Bearer carl")
    assert carl.get("api/v1/version").status_code == 200


def test_fifteen_who_come_at_once_are_one_check(url: str, logins: Logins) -> None:
    with ThreadPoolExecutor(15) as threads:
        clients = [Client(url, {"Authorization": "Bearer anna"}) for _ in range(15)]
        replies = list(threads.map(lambda client: client.get("openapi.json"), clients))
    assert {reply.status_code for reply in replies} == {200}
    assert logins.checks == 1


def test_what_is_known_is_answered_as_what_is_checked(anna: Client, logins: Logins) -> None:
    for path in ("", "openapi.json", "api/v1/desk", "api/v1/desk?day=x", "nowhere", "data-docs/nothing"):
        logins.seconds += REMEMBERED_SECONDS
        checks = logins.checks
        checked, known = anna.get(path), anna.get(path)
        assert logins.checks == checks + 1
        assert (checked.status_code, checked.content) == (known.status_code, known.content), path
        for name in ("content-type", "cache-control", "etag"):
            assert checked.headers.get(name) == known.headers.get(name), path
    assert "securitySchemes" in anna.get("openapi.json").json()["components"]
