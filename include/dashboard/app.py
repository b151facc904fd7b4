"""The trading desk as a web application: its page, its files, its API, and what a mistake looks like."""

import logging
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, Response

from include.dashboard.api import build_api
from include.dashboard.parameters import BadParameterError
from include.dashboard.reader import UnavailableError
from include.dashboard.responses import error_response
from include.dashboard.service import Service
from include.errors import TerminalError
from include.settings import Settings

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
"""index.html and what it needs."""

RETRY_AFTER = {"Retry-After": "2"}

_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}

_NO_SCRIPTS = {
    "Content-Security-Policy": "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
}
"""The pages of the validations quote what came from outside, and are seen with somebody's login."""

_DESCRIPTION = """
What the page of the trading desk shows, for programs. The same login as Airflow's: its cookie, or
`Authorization: Bearer` with a token of `POST /auth/token`.

Numbers that may have digits after the point are texts with all their digits, with the unit in the name;
`null` is undefined, never 0. Moments are UTC; `day` is the local day of the market. Answers have an `ETag`:
ask with `If-None-Match`, and what has not changed costs nothing.
"""


def create_app(
    settings: Callable[[], Settings],
    login: Callable[..., Any],
    run_href: str = "",
    service: Service | None = None,
) -> FastAPI:
    """The application; nothing is connected before the first request.

    Args:
        settings: Tells the settings; called in a thread, again after a failure.
        login: A dependency that raises HTTPException 401 for strangers; every route has it.
        run_href: Where a run of a DAG is shown, relative to the page, with `{dag_id}` and `{run_id}`.
        service: For tests and measurements.
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
    app.include_router(build_api(service, run_href))
    files = StaticFiles(directory=PAGE, check_dir=False)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await _file(files, "index.html", request)

    @app.get("/static/{path:path}", include_in_schema=False)
    async def static(path: str, request: Request) -> Response:
        return await _file(files, path, request)

    @app.get("/data-docs/{path:path}", include_in_schema=False)
    async def data_docs(path: str, request: Request) -> Response:
        root = (await service.state()).settings.data_docs_root
        answer = await _file(StaticFiles(directory=root, check_dir=False), path or "index.html", request)
        answer.headers.update(_NO_SCRIPTS)
        return answer

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get("/{path:path}", include_in_schema=False)
    async def nothing(path: str) -> Response:
        raise HTTPException(404)

    _explain_mistakes(app)
    return app


async def _file(files: StaticFiles, path: str, request: Request) -> Response:
    if any(part.startswith(".") for part in Path(path).parts):
        raise HTTPException(404)
    answer = await files.get_response(path, request.scope)
    answer.headers.update(_SAFE)
    # a new release must not meet files of the old one
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _way_to_login(request: Request, sentence: str) -> Response | None:
    """For a person who opens the page by its address: the same refusal with a link to the login and back."""
    is_page = request.url.path == f"{request.scope.get('root_path', '')}/"
    if not is_page or "text/html" not in request.headers.get("accept", ""):
        return None
    next_ = urlencode({"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")})
    link = f'<a href="../api/v2/auth/login?{escape(next_)}">{sentence}</a>'
    page = (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        f"<title>Trading desk</title><p>{link}</p></html>"
    )
    return HTMLResponse(page, status_code=401, headers={**_SAFE, "Cache-Control": "no-store"})


def _explain_mistakes(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code in (401, 403):  # a token that is no longer good is 403 in Airflow
            sentence = "Log in to Airflow to see the trading desk."
            return _way_to_login(request, sentence) or error_response(401, sentence)
        if error.status_code == 404:
            return error_response(404, "There is no such thing on the trading desk.")
        return error_response(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(BadParameterError)
    async def bad_parameter(request: Request, error: BadParameterError) -> Response:
        return error_response(400, str(error))

    @app.exception_handler(UnavailableError)
    async def unavailable(request: Request, error: UnavailableError) -> Response:
        return error_response(503, str(error), RETRY_AFTER)

    @app.exception_handler(TerminalError)
    async def not_set_up(request: Request, error: TerminalError) -> Response:
        log.warning("the trading desk is not set up: %s", error)
        return error_response(
            503, "The trading desk is not set up yet; its log says what is missing.", RETRY_AFTER
        )

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        return error_response(500, "Something went wrong here; the log of Airflow's API server says what.")
