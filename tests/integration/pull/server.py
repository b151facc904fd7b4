"""A provider whose every reply a test decides: an HTTP server on a free loopback port."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Answer:
    """A reply; `write` replaces everything after the request for servers that misbehave."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[BaseHTTPRequestHandler], None] | None = None


def price(value: float | None = 42.5) -> Callable[[str], Answer]:
    """Answers each question with this value."""

    def answer(target: str) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        body = {**asked, "last_update": "2026-03-02T12:00:00+00:00", "unit": "euro/mwh", "value": value}
        return Answer(200, json.dumps(body).encode())

    return answer


class ScriptedProvider:
    """Answers the requests in turn; the last answer of the script is repeated."""

    def __init__(self) -> None:
        self.script: list[Answer | Callable[[str], Answer]] = [price()]
        self.targets: list[str] = []
        self.stopping = threading.Event()
        self.url = ""
        self._lock = threading.Lock()

    def next_answer(self, target: str) -> Answer:
        with self._lock:
            self.targets.append(target)
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step if isinstance(step, Answer) else step(target)

    @property
    def asked(self) -> list[str]:
        """Delivery day and hour of each request, in order."""
        queries = (parse_qs(urlsplit(target).query) for target in self.targets)
        return [f"{query['delivery_day'][0]} {query['delivery_hour'][0]}" for query in queries]

    @property
    def count(self) -> int:
        return len(self.targets)


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what some tests are about."""


@contextmanager
def scripted_provider(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedProvider]:
    provider = ScriptedProvider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 0.5  # an idle kept connection must not delay the end of a test

        def do_GET(self) -> None:
            answer = provider.next_answer(self.path)
            if answer.write:
                self.close_connection = True
                answer.write(self)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """The targets are recorded."""

    server = _Server(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        provider.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        provider.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
