"""Receivers of notifications on free loopback ports: a webhook and a mail server that keep what they get."""

import base64
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebhookReceiver:
    """What was posted; answers with `status`, after `delay_seconds`."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.delay_seconds = 0.0
        self.bodies: list[dict[str, Any]] = []


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.bodies.append(json.loads(body))
            time.sleep(receiver.delay_seconds)
            self.send_response(receiver.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """The bodies are kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"json://127.0.0.1:{server.server_port}/hooks/secret-path"
    with _serving(server):
        yield receiver


class MailReceiver:
    """The mails that came; `refuse` answers every recipient with 550, `drip` never finishes a line."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[str] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.refuse = False
        self.drip = False

    def url(self, login: str = "", to: str = "oncall@example.com") -> str:
        at = f"{login}@" if login else ""
        return f"mailto://{at}127.0.0.1:{self.port}/?from=desk@example.com&to={to}"


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    stopping = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while receiver.drip and not stopping.wait(0.2):
                self.wfile.write(b"2")
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                verb = line.split(" ")[0].upper()
                if verb == "EHLO":
                    self.say("250-test", "250 AUTH PLAIN")
                elif verb == "AUTH":
                    receiver.logins.append(base64.b64decode(line.split(" ")[2]).decode().strip("\0"))
                    self.say("235 welcome")
                elif verb == "RCPT":
                    receiver.recipients.append(line.split("<")[1].rstrip(">"))
                    self.say("550 nobody here" if receiver.refuse else "250 fine")
                elif verb == "DATA":
                    self.say("354 go on")
                    receiver.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

        def say(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that give up are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    with _serving(server):
        try:
            yield receiver
        finally:
            stopping.set()


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
