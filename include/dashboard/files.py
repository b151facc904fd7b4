"""The files of the page: a browser keeps them for as long as they are the same; their address has a version."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fastapi import HTTPException
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import Response

from include.dashboard.language import LANGUAGES, say
from include.dashboard.responses import FOREVER, REVALIDATE, Answer, respond
from include.dashboard.security import PAGE_POLICY
from include.dashboard.service import utc_now

NO_SCRIPT = say("This page needs JavaScript. The same numbers are behind api/v1/pnl_hourly.")
"""As index.html has it."""


class PageFiles:
    """index.html and what it needs.

    index.html names its files below `static/`; it is sent with `static/<version>/` instead. A file of this
    version is never asked for again; one of another version does not exist, so that releases cannot be mixed.

    Attributes:
        version: Changes when any of the files does.
    """

    def __init__(self, directory: Path) -> None:
        digest = hashlib.blake2b(digest_size=8)
        for file in sorted(file for file in directory.rglob("*") if file.is_file()):
            digest.update(
                f"{file.relative_to(directory)}\0{file.stat().st_size}\0".encode() + file.read_bytes()
            )
        self.version = digest.hexdigest()
        html = (directory / "index.html").read_text("utf-8").replace('"static/', f'"static/{self.version}/')
        self._index = _page(html, LANGUAGES[0], {language: _page(html, language) for language in LANGUAGES[1:]})
        self._files = StaticFiles(directory=directory)

    def index(self, request: Request) -> Response:
        """The page."""
        return respond(request, self._index, utc_now())

    async def file(self, path: str, request: Request) -> Response:
        """The file below `static/`, with or without the version.

        Raises:
            HTTPException: 404: There is none.
        """
        version, _, rest = path.partition("/")
        is_versioned = version == self.version
        answer = await send_file(self._files, rest if is_versioned else path, request)
        if is_versioned:
            answer.headers["Cache-Control"] = FOREVER
        return answer


def _page(html: str, language: str, others: Mapping[str, Answer] | None = None) -> Answer:
    """index.html in a language: what it says before a script runs."""
    text = html.replace('lang="en"', f'lang="{language}"').replace(NO_SCRIPT, NO_SCRIPT.in_language(language))
    policy = {"Content-Security-Policy": PAGE_POLICY}
    return Answer(text.encode(), "text/html; charset=utf-8", policy, language, others)


async def send_file(files: StaticFiles, path: str, request: Request) -> Response:
    """A file that a browser asks for again each time; hidden ones do not exist.

    Raises:
        HTTPException: 404: There is none.
    """
    if any(part.startswith(".") for part in Path(path).parts):
        raise HTTPException(404)
    answer = await files.get_response(path, request.scope)
    answer.headers["Cache-Control"] = REVALIDATE
    return answer
