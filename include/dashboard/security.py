"""Headers of every answer: what a browser may do with it, and who may frame it."""

from base64 import b64encode
from hashlib import sha256

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

REFUSAL_STYLE = (
    "body{margin:0;background:light-dark(#f3f5f7,#0f1318);color:light-dark(#17202a,#e3e8ee);"
    "font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:480px;margin:12vh auto 0;padding:26px;border:1px solid light-dark(#d5dbe2,#2c3641);"
    "border-radius:8px;background:light-dark(#fff,#171c23)}"
    "h1{margin:0 0 6px;font-size:20px}p{margin:0 0 14px}p:last-child{margin:0}"
    "a{display:inline-block;padding:6px 14px;border:1px solid light-dark(#d5dbe2,#2c3641);border-radius:5px;"
    "color:light-dark(#1b5cb8,#74aefc);text-decoration:none}"
)
"""Of the page for who may not see the desk, to whom no file is given: its colours, as css/base.css has them."""

REFUSAL_POLICY = f"{_NOTHING}; style-src 'sha256-{b64encode(sha256(REFUSAL_STYLE.encode()).digest()).decode()}'"

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
