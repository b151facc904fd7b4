"""Headers of every answer: what a browser may do with it, and who may frame it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
"""Airflow shows the desk in a frame of the same origin."""

PAGE_POLICY = (
    f"{_NOTHING}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " require-trusted-types-for 'script'"
)

DATA_DOCS_POLICY = f"{_NOTHING}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:"
"""No script runs and nothing is loaded from other hosts.

The pages quote what came from outside. Great Expectations gives them inline styles, inline scripts and files of
public CDNs: the styles are allowed, the rest is not, so that tables are plain and nothing can be folded.
"""

HEADERS = {
    "Content-Security-Policy": _NOTHING,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer; a page that may do more has a policy of its own."""


class SecurityHeaders:
    """Middleware that adds HEADERS to each answer that does not have them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
