"""People who have the trading desk open: a login each, the stream of events, and the page at each change."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import requests

_TIMEOUT_SECONDS = 30
_PAUSE_SECONDS = 1.0


class DeskClient:
    """One of them, in a thread of its own, as a context manager.

    Args:
        airflow: Where Airflow's UI is and who logs in, as in credentials.json.
        trader: Whose page is looked at; empty: the portfolio's.

    Attributes:
        statuses: How often each HTTP status was the answer.
        failures: How often there was no answer.
        events: How many events arrived.
        page: The last page.
        longest_seconds: The longest time without an event.
    """

    def __init__(self, airflow: Callable[[], dict[str, str]], trader: str = "") -> None:
        self.statuses: Counter[int] = Counter()
        self.failures = self.events = 0
        self.page: dict[str, Any] = {}
        self.longest_seconds = 0.0
        self._airflow = airflow
        self._trader = trader
        self._version = ""
        self._told_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"desk of {trader or 'all'}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join(_TIMEOUT_SECONDS + 10)

    def _run(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while not self._stopping.is_set():
            try:
                if "Authorization" not in session.headers:
                    session.headers["Authorization"] = f"Bearer {self._token(session)}"
                self._listen(session)
            except (requests.RequestException, KeyError, ValueError):
                self.failures += 1
                self._stopping.wait(_PAUSE_SECONDS)
        session.close()

    def _token(self, session: requests.Session) -> str:
        airflow = self._airflow()
        login = {"username": airflow["username"], "password": airflow["password"]}
        url = airflow["url"].rstrip("/")
        answer = session.post(f"{url}/auth/token", json=login, timeout=_TIMEOUT_SECONDS)
        return str(answer.json()["access_token"])

    def _listen(self, session: requests.Session) -> None:
        desk = self._airflow()["url"].rstrip("/") + "/trading-desk/api/v1"
        with session.get(f"{desk}/events", stream=True, timeout=_TIMEOUT_SECONDS) as stream:
            self.statuses[stream.status_code] += 1
            if stream.status_code != 200:
                self._stopping.wait(_PAUSE_SECONDS)
                return
            for line in stream.iter_lines():
                if self._stopping.is_set():
                    return
                if line.startswith(b"data: "):
                    self._told(json.loads(line[6:])["version"], session, desk)

    def _told(self, version: str, session: requests.Session, desk: str) -> None:
        now = time.monotonic()
        self.longest_seconds = max(self.longest_seconds, now - self._told_at)
        self._told_at = now
        self.events += 1
        if version == self._version:
            return
        for path in ("page", "health"):
            answer = session.get(f"{desk}/{path}", params={"trader": self._trader}, timeout=_TIMEOUT_SECONDS)
            self.statuses[answer.status_code] += 1
            if answer.status_code != 200:
                return
            if path == "page":
                self.page = answer.json()
        self._version = version
