"""A server with the desk's page and invented data; `python -m tests.dashboard.fake_server` to look at it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from include.dashboard.security import PAGE_POLICY
from include.settings import PROJECT_ROOT
from tests.dashboard import scenes
from tests.dashboard.scenes import Scene

PAGE = PROJECT_ROOT / "include" / "dashboard" / "page"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
}

FRAME = """<!doctype html><html class="{theme}"><title>Airflow</title><body style="margin:0">
<iframe title="Trading desk" src="/trading-desk/" style="width:100vw;height:100vh;border:0"
 sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"></iframe></body></html>"""
"""As Airflow 3.3 frames a view of a plugin."""


class FakeDesk(ThreadingHTTPServer):
    """The server; `scene` is what it answers, `asked` the API calls that it got, `languages` what they wanted,
    `answers` what they got.

    A browser keeps connections open, so threads are daemons and do not hold up the end.
    """

    daemon_threads = True

    def __init__(self, scene: Scene, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scene = scene
        self.asked: list[str] = []
        self.languages: set[str] = set()
        self.answers: list[Any] = []
        self.news = Condition()
        self.stream_seconds = 10.0
        self.is_frozen = False
        self.is_ending = False

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.origin}/trading-desk/"

    def tell(self) -> None:
        """There is something new: a new version, and everybody who listens hears of it."""
        with self.news:
            self.scene.version += 1
            self.news.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        with self.news:
            self.news.wait_for(
                lambda: self.is_ending or self.scene.version != seen or not self.scene.has_events, seconds
            )

    def end(self) -> None:
        with self.news:
            self.is_ending = True
            self.news.notify_all()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def page(scene: Scene, day: date | None, query: dict[str, str]) -> dict[str, Any]:
    """All that the page asks for at once."""
    desk = scene.desk(day, query.get("trader", ""), query.get("as_of"), query.get("market", ""))
    is_split = desk["rows"] and not query.get("trader")
    return {
        "desk": desk,
        "statements": None if query.get("as_of") else scene.statements,
        "history": [] if query.get("as_of") else scene.history,
        "status": scene.status,
        "by_trader": scene.daily(date.fromisoformat(desk["day"]), "*") if is_split else [],
        "open_positions": []
        if query.get("as_of") or not is_split
        else scene.open_positions(date.fromisoformat(desk["day"])),
        "by_market": scene.by_market,
    }


class _Handler(BaseHTTPRequestHandler):
    server: FakeDesk
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/frame":
            theme = parse_qs(parts.query).get("theme", ["light"])[0]
            return self._send(200, FRAME.format(theme=theme).encode(), "text/html; charset=utf-8")
        if not parts.path.startswith("/trading-desk/"):
            return self._send(200, b"<!doctype html><title>elsewhere</title>elsewhere", "text/html")
        below = parts.path.removeprefix("/trading-desk/")
        if below.startswith("api/v1/"):
            return self._api(below.removeprefix("api/v1/"), {k: v[0] for k, v in parse_qs(parts.query).items()})
        file = PAGE / ("index.html" if below == "" else below.removeprefix("static/"))
        if not file.is_file():
            return self._send(404, b"{}", "application/json")
        policy = {"Content-Security-Policy": PAGE_POLICY}
        return self._send(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"), policy)

    def _api(self, name: str, query: dict[str, str]) -> None:
        scene = self.server.scene
        self.server.asked.append(self.path.split("api/v1/", 1)[1])
        if name != "events":
            self.server.languages.add(self.headers.get("Accept-Language", ""))
        while self.server.is_frozen and not self.server.is_ending:
            time.sleep(0.1)
        if scene.failure and (not scene.failing or name in scene.failing):
            status, sentence = scene.failure
            return self._json({"error": sentence}, status, {"Retry-After": "1"} if status == 503 else {})
        if name == "events":
            return self._events() if scene.has_events else self._json({"error": "no events here"}, 501)
        if query.get("format") == "xlsx":
            disposition = {"Content-Disposition": f'attachment; filename="{name}-{query["from"]}.xlsx"'}
            return self._send(200, b"PK", "application/octet-stream", disposition)
        if query.get("format") == "csv":
            text = "\ufeffdelivery_day,delivery_hour,pnl_eur\r\n" + query["from"] + ",12-13,4.00\r\n"
            disposition = {"Content-Disposition": f'attachment; filename="pnl-{query["from"]}.csv"'}
            return self._send(200, text.encode(), "text/csv; charset=utf-8", disposition)
        day = date.fromisoformat(query["day"]) if query.get("day") else None
        answers: dict[str, Any] = {
            "version": lambda: {"version": str(scene.version)},
            "page": lambda: page(scene, day, query),
            "hour": lambda: scene.hour(query),
            "range": lambda: scene.range(query),
            "message": lambda: scene.message(query),
            "status": lambda: scene.status,
            "health": lambda: scene.health,
        }
        if name not in answers:
            return self._json({"error": f"there is no {name}"}, 404)
        return self._json(answers[name]())

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        until = time.monotonic() + self.server.stream_seconds
        while not self.server.is_ending and self.server.scene.has_events and time.monotonic() < until:
            if self.server.is_frozen:
                time.sleep(0.1)
                continue
            version = self.server.scene.version
            self.wfile.write(f"event: version\ndata: {json.dumps({'version': str(version)})}\n\n".encode())
            self.wfile.flush()
            self.server.wait(version, 2)
        self.close_connection = True

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.server.answers.append(value)
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a test reads `asked`."""


@contextmanager
def fake_desk(scene: Scene, port: int = 0) -> Iterator[FakeDesk]:
    """Serves a scene on the loopback until the block ends."""
    server = FakeDesk(scene, port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join(5)


def main() -> None:
    """Serves the scene that is named on the command line, busy_day without one."""
    name = sys.argv[1] if len(sys.argv) > 1 else "busy_day"
    with fake_desk(getattr(scenes, name)(), 8099) as server:
        sys.stdout.write(f"{name}: {server.url} and {server.origin}/frame, until Ctrl-C\n")
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
