"""Airflow's simple login, for which a database that does not answer is an answer: 503, at once and in words.

For each request Airflow asks its database whether the token was revoked, in the event loop of the API server:
while the database hangs, so does everything, what needs no database included.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGIN_SECONDS = 3.0
"""Longest wait for the check of a token; it takes milliseconds."""

_CHECKS = ThreadPoolExecutor(4, thread_name_prefix="login")
_SENTENCE = "The database does not answer. Nothing is lost: try again in a minute."


class LoginUnavailableError(Exception):
    """Nobody can tell now whether a token is good.

    No HTTPException: Airflow takes each of these for a bad token and removes the browser's cookie.
    """


class _Request:
    """What the check of a login tells the middleware around it.

    Attributes:
        is_login_unavailable: Nobody can tell who asks.
    """

    is_login_unavailable = False


_request: ContextVar[_Request] = ContextVar("request")


class BoundedAuthManager(SimpleAuthManager):
    """SimpleAuthManager that checks tokens beside the event loop, for a bounded time."""

    async def get_user_from_token(self, token: str) -> BaseUser:
        """The user of a token that is valid and was not revoked.

        Raises:
            LoginUnavailableError: The database does not answer.
            jwt.InvalidTokenError: The token is not valid.
        """
        loop = asyncio.get_running_loop()
        check = super().get_user_from_token
        try:
            return await asyncio.wait_for(
                loop.run_in_executor(_CHECKS, lambda: asyncio.run(check(token))), LOGIN_SECONDS
            )
        except (TimeoutError, SQLAlchemyError) as error:
            if (request := _request.get(None)) is not None:
                request.is_login_unavailable = True
            raise LoginUnavailableError(_SENTENCE) from error

    def get_fastapi_middlewares(self) -> list[Any]:
        """Those of Airflow, and ours around them and around Airflow's own check."""
        return [*super().get_fastapi_middlewares(), (ExplainUnavailable, {})]


class ExplainUnavailable:
    """Answers 503 in words where a login could not be checked, whatever the application makes of that.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, has_begun = _Request(), False
        _request.set(request)

        async def send_what_is_known(message: Message) -> None:
            nonlocal has_begun
            if has_begun or not request.is_login_unavailable:
                has_begun = True
                await send(message)

        try:
            await self._app(scope, receive, send_what_is_known)
        except LoginUnavailableError:
            if has_begun:
                raise
        if request.is_login_unavailable and not has_begun:
            await _answer(scope)(scope, receive, send)


def _answer(scope: Scope) -> Response:
    headers = {"Retry-After": "5", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if "text/html" in Headers(scope=scope).get("accept", ""):
        page = (
            '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="refresh" content="5"><title>No database</title><p>{_SENTENCE}</p></html>'
        )
        return Response(page, 503, headers, "text/html")
    # `error` for the trading desk's page, `detail` for Airflow's
    return Response(json.dumps({"error": _SENTENCE, "detail": _SENTENCE}), 503, headers, "application/json")
