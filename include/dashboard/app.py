"""The trading desk as a web application: its page, its files, its API, and what a mistake looks like."""

import logging
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, Response

from include.dashboard.api import api
from include.dashboard.files import PageFiles, send_file
from include.dashboard.language import Sentence, language_of, say
from include.dashboard.parameters import BadParameterError
from include.dashboard.reader import AWAY, UnavailableError
from include.dashboard.responses import error_response
from include.dashboard.security import DATA_DOCS_POLICY, HEADERS, REFUSAL_POLICY, REFUSAL_STYLE, SecurityHeaders
from include.dashboard.service import Service
from include.errors import TerminalError
from include.settings import Settings

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
"""index.html and what it needs."""

RETRY_AFTER = {"Retry-After": "2"}

TRADING_DESK = say("Trading desk")
LOG_IN = say("Log in to Airflow to see the trading desk.")
NOT_PERMITTED = say(
    "Your Airflow user may not see the trading desk: that takes the right to read DAGs, which every role from"
    " Viewer up has. Ask an administrator of Airflow for a role, then log in again."
)

_DESCRIPTION = """
What the page of the trading desk shows, for programs. The same login as Airflow's: its cookie, or
`Authorization: Bearer` with a token of `POST /auth/token`; the user needs the right to read DAGs.

Numbers that may have digits after the point are texts with all their digits, with the unit in the name;
`null` is undefined, never 0. Moments are UTC; `day` is the local day of the market. Answers have an `ETag`:
ask with `If-None-Match`, and what has not changed costs nothing. Sentences are in English, or in German for an
`Accept-Language` that prefers it.
"""


class ForbiddenError(Exception):
    """Who asks is logged in and may not read DAGs."""


def create_app(
    settings: Callable[[], Sequence[Settings]],
    login: Callable[..., Any],
    run_href: str = "",
    service: Service | None = None,
    login_is_away: Sequence[type[Exception]] = (),
) -> FastAPI:
    """The application; nothing is connected before the first request.

    Args:
        settings: Tells the settings of each market; called in a thread, again after a failure.
        login: A dependency of every route. It raises HTTPException 401 or 403 for credentials that are missing
            or no longer good, and ForbiddenError for a user without the right to read DAGs.
        run_href: Where a run of a DAG is shown, relative to the page, with `{dag_id}` and `{run_id}`.
        service: For tests and measurements.
        login_is_away: What the login raises while it cannot tell who asks.
    """
    service = service or Service(settings)
    app = FastAPI(
        title="Trading desk",
        version="1",
        description=_DESCRIPTION,
        dependencies=[Depends(login)],
        # these would be open to strangers
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.run_href = run_href
    app.include_router(api)
    app.add_middleware(SecurityHeaders)
    files = PageFiles(PAGE)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return files.index(request)

    @app.get("/static/{path:path}", include_in_schema=False)
    async def static(path: str, request: Request) -> Response:
        return await files.file(path, request)

    @app.get("/data-docs/{path:path}", include_in_schema=False)
    async def data_docs(path: str, request: Request) -> Response:
        root = (await service.state()).settings.data_docs_root
        answer = await send_file(StaticFiles(directory=root, check_dir=False), path or "index.html", request)
        answer.headers["Content-Security-Policy"] = DATA_DOCS_POLICY
        return answer

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get("/{path:path}", include_in_schema=False)
    async def nothing(path: str) -> Response:
        raise HTTPException(404)

    _explain_mistakes(app)

    async def unknown(request: Request, error: Exception) -> Response:
        log.warning("the trading desk cannot check a login: %s", str(error).strip().split("\n", 1)[0])
        return error_response(request, 503, AWAY, RETRY_AFTER)

    for kind in login_is_away:
        app.add_exception_handler(kind, unknown)
    return app


def _refusal(request: Request, status: int, sentence: Sentence) -> Response:
    """The sentence; a page for someone who opens the desk by its address, 401 with a link to the login."""
    is_page = request.url.path == f"{request.scope.get('root_path', '')}/"
    if not is_page or "text/html" not in request.headers.get("accept", ""):
        return error_response(request, status, sentence)
    language = language_of(request)
    heading = escape(TRADING_DESK.in_language(language))
    text = f"<p>{escape(sentence.in_language(language))}</p>"
    if status == 401:
        query = f"?{request.url.query}" if request.url.query else ""
        next_ = urlencode({"next": request.url.path + query})
        log_in = escape(say("Log in").in_language(language))
        text += f'<p><a href="../api/v2/auth/login?{escape(next_)}">{log_in}</a></p>'
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{heading}</title><style>{REFUSAL_STYLE}</style><main><h1>{heading}</h1>{text}</main></html>"
    )
    return HTMLResponse(
        page,
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Content-Security-Policy": REFUSAL_POLICY,
            "Vary": "Accept, Accept-Language",
        },
    )


def _explain_mistakes(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code in (401, 403):  # a token that is no longer good is 403 in Airflow
            return _refusal(request, 401, LOG_IN)
        if error.status_code == 404:
            return error_response(request, 404, say("There is no such thing on the trading desk."))
        return error_response(request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(ForbiddenError)
    async def forbidden(request: Request, error: ForbiddenError) -> Response:
        return _refusal(request, 403, NOT_PERMITTED)

    @app.exception_handler(BadParameterError)
    async def bad_parameter(request: Request, error: BadParameterError) -> Response:
        return error_response(request, 400, error.sentence)

    @app.exception_handler(UnavailableError)
    async def unavailable(request: Request, error: UnavailableError) -> Response:
        return error_response(request, 503, error.sentence, RETRY_AFTER)

    @app.exception_handler(TerminalError)
    async def not_set_up(request: Request, error: TerminalError) -> Response:
        log.warning("the trading desk is not set up: %s", error)
        sentence = say("The trading desk is not set up yet; its log says what is missing.")
        return error_response(request, 503, sentence, RETRY_AFTER)

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        sentence = say("Something went wrong here; the log of Airflow's API server says what.")
        return error_response(request, 500, sentence, HEADERS)  # it is sent outside of all middlewares
