"""Remembers for a few seconds whom Airflow has let in, so that a storm of requests is not one of checks."""

import asyncio
import base64
import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from include.dashboard.app import create_app
from include.dashboard.service import Service
from include.settings import Settings

REMEMBERED_SECONDS = 5.0
"""So long at most is a token still good here after it was revoked."""

MOST_REMEMBERED = 1000

_IS_KNOWN = "trading_desk.is_known"
"""In a request's scope, once it is decided; no client can put anything there."""

_CREDENTIALS = (b"authorization", b"cookie")

_NO_TOKEN = re.compile(rb"[^\w.-]+")
"""What lies between the words of a header."""

Credentials = list[tuple[bytes, bytes]]


class LoginMemory:
    """Which credentials were good a moment ago; those that were refused are never in it.

    Belongs to one event loop. Keeps a digest of what was sent, not the token.

    Args:
        clock: Seconds that only go forward.
        now: Seconds since 1970, to compare with the moment at which a token expires.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._now = now
        self._good_until: OrderedDict[bytes, float] = OrderedDict()
        self._being_checked: dict[bytes, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._good_until)

    def remember(self, credentials: Credentials) -> None:
        """They were found good just now: for REMEMBERED_SECONDS, but never longer than a token in them."""
        key = _digest(credentials)
        seconds = min(REMEMBERED_SECONDS, _expires_at(credentials) - self._now())
        self._good_until.pop(key, None)
        if seconds > 0:
            self._good_until[key] = self._clock() + seconds
        if len(self._good_until) > MOST_REMEMBERED:
            self._good_until.popitem(last=False)
        # the answer may go on for an hour: a stream
        if (checked := self._being_checked.pop(key, None)) is not None:
            checked.set()

    @asynccontextmanager
    async def asking(self, credentials: Credentials) -> AsyncIterator[bool]:
        """Whether they are known to be good; if not, they are to be checked within the context.

        Others who come with the same ones meanwhile wait until they are remembered or the context ends, and
        are then known, or have to be checked one by one.
        """
        key = _digest(credentials)
        if self._is_good(key):
            yield True
        elif (checked := self._being_checked.get(key)) is not None:
            await checked.wait()
            yield self._is_good(key)
        else:
            self._being_checked[key] = checked = asyncio.Event()
            try:
                yield False
            finally:
                if self._being_checked.get(key) is checked:
                    del self._being_checked[key]
                checked.set()

    def _is_good(self, key: bytes) -> bool:
        until = self._good_until.get(key)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._good_until[key]
        return False


class Door:
    """The trading desk behind a login: who is remembered goes straight in, everybody else is checked.

    Args:
        guarded: The application that checks, and tells the memory whom it let in.
        unguarded: The same application without a check; nothing but this door leads to it.
        memory: Whom the first one let in.
    """

    def __init__(self, guarded: FastAPI, unguarded: FastAPI, memory: LoginMemory) -> None:
        self._guarded = guarded
        self._unguarded = unguarded
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._choose(self._unguarded, self._guarded, scope, receive, send)

    def around(self, check: ASGIApp, inner: ASGIApp, prefix: str) -> ASGIApp:
        """A middleware in the place of `check`, which it spares those who are remembered.

        It lets nobody in: what is behind it, this door included, checks for itself.

        Args:
            check: A middleware that checks logins.
            inner: What that one would call.
            prefix: Only requests below it are concerned.
        """

        async def around_the_check(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and _is_below(prefix, scope):
                await self._choose(inner, check, scope, receive, send)
            else:
                await check(scope, receive, send)

        return around_the_check

    async def _choose(
        self, known: ASGIApp, unknown: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if _IS_KNOWN in scope:
            await (known if scope[_IS_KNOWN] else unknown)(scope, receive, send)
            return
        credentials = _credentials(scope) if scope["type"] == "http" else []
        if not credentials:
            await unknown(scope, receive, send)
            return
        async with self._memory.asking(credentials) as is_known:
            scope[_IS_KNOWN] = is_known
            await (known if is_known else unknown)(scope, receive, send)


def create_door(
    settings: Callable[[], Settings],
    login: Callable[..., Any],
    run_href: str = "",
    service: Service | None = None,
    memory: LoginMemory | None = None,
) -> Door:
    """The trading desk with its login remembered; the arguments are those of `create_app`, and the memory."""
    service = service or Service(settings)
    memory = LoginMemory() if memory is None else memory

    async def noted_login(request: Request, _user: Annotated[Any, Depends(login)]) -> None:
        if credentials := _credentials(request.scope):
            memory.remember(credentials)

    guarded = create_app(settings, noted_login, run_href, service)
    unguarded = create_app(settings, lambda: None, run_href, service)
    unguarded.openapi = guarded.openapi  # type: ignore[method-assign]  # which says how to log in
    return Door(guarded, unguarded, memory)


def _credentials(scope: Scope) -> Credentials:
    """All that a login can be made of, whatever Airflow's auth manager makes of it; as it was sent."""
    return [(name, value) for name, value in scope["headers"] if name in _CREDENTIALS]


def _digest(credentials: Credentials) -> bytes:
    return hashlib.blake2b(repr(credentials).encode(), digest_size=32).digest()


def _expires_at(credentials: Credentials) -> float:
    """Seconds since 1970 at which the first token in them expires; infinity if none says so.

    The signature is not looked at: whoever let them in has done that.
    """
    moments = [float("inf")]
    for _, value in credentials:
        for word in _NO_TOKEN.split(value):
            parts = word.split(b".")
            if len(parts) != 3:
                continue
            try:
                claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
                if isinstance(claims, dict) and isinstance(claims.get("exp"), int | float):
                    moments.append(float(claims["exp"]))
            except (ValueError, OverflowError, RecursionError):
                continue  # something else that looks like a token: cookies can be anything
    return min(moments)


def _is_below(prefix: str, scope: Scope) -> bool:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).startswith(f"{prefix}/")
