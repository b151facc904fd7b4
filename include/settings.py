"""The only reader of the environment: every setting of the platform in one frozen value."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.errors import TerminalError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOCAL_ROOT = PROJECT_ROOT / ".local"
"""Where `make run` keeps its state."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process of the platform needs to know about its surroundings.

    Attributes:
        exchange_url: The exchange's websocket, `ws://` or `wss://`.
        market_data_url: Base URL of the provider's API, with its base path if it has one.
        warehouse_url: `postgresql://…` of the warehouse; empty when none is configured.
        landing_root: The folder of the landing files.
        data_docs_root: The folder of Great Expectations' HTML pages.
        market_timezone: IANA name of the zone that `delivery_day` and `delivery_hour` are written in.
        reference_price_per_minute: The provider's request budget, requests in any 60 s.
        reference_price_per_hour: The same, requests in any 3,600 s.
        airflow_port: Where `make run` serves Airflow's UI.
        airflow_database_url: SQLAlchemy's URL of Airflow's own database, for clean_airflow; empty: not known.
        alert_urls: Who is told of failed tasks and alarms: URLs as Apprise writes them, one a service.
    """

    exchange_url: str = "ws://127.0.0.1:5050"
    market_data_url: str = "http://127.0.0.1:5060"
    warehouse_url: str = ""
    landing_root: Path = LOCAL_ROOT / "landing"
    data_docs_root: Path = LOCAL_ROOT / "data_docs"
    market_timezone: str = "Europe/Berlin"
    reference_price_per_minute: int = 50
    reference_price_per_hour: int = 1000
    airflow_port: int = 8080
    airflow_database_url: str = ""
    alert_urls: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Reads the settings; an unset or empty variable leaves the default.

        Raises:
            TerminalError: A value is not what its name promises; the message names the variable.
        """
        env = os.environ if environ is None else environ
        values: dict[str, object] = {}
        for name in _SCHEMES:
            if text := env.get(name.upper(), "").strip():
                values[name] = _url(name, text)
        for name in ("landing_root", "data_docs_root"):
            if text := env.get(name.upper(), "").strip():
                values[name] = Path(text).resolve()
        if text := env.get("MARKET_TIMEZONE", "").strip():
            values["market_timezone"] = _zone(text)
        for name, most in (
            ("reference_price_per_minute", 1_000_000),
            ("reference_price_per_hour", 1_000_000),
            ("airflow_port", 65535),
        ):
            if text := env.get(name.upper(), "").strip():
                values[name] = _whole_number(name, text, most)
        values["alert_urls"] = _alert_urls(env)
        return cls(**values)  # type: ignore[arg-type]


_SCHEMES = {
    "exchange_url": ("ws", "wss"),
    "market_data_url": ("http", "https"),
    "warehouse_url": ("postgresql", "postgres"),
    "airflow_database_url": ("postgresql", "postgresql+psycopg2"),
}


def _url(name: str, text: str) -> str:
    schemes = _SCHEMES[name]
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise TerminalError(
            f"{name.upper()} must be a URL that starts with {' or '.join(s + '://' for s in schemes)}"
        )
    return text


def _alert_urls(env: Mapping[str, str]) -> tuple[str, ...]:
    # the last two names came before the first one
    texts = (env.get(name, "") for name in ("ALERT_URLS", "ALERT_WEBHOOK_URL", "ALERT_SMTP_URL"))
    urls = tuple(dict.fromkeys(_of_apprise(url) for text in texts for url in text.split()))
    if not all(re.match(r"[a-z][a-z0-9+_-]*://.", url) for url in urls):
        raise TerminalError(
            "ALERT_URLS must be URLs of Apprise with blanks between them (jsons://chat.example/hooks/desk)"
        )
    return urls


def _of_apprise(url: str) -> str:
    """The URL as Apprise writes it, also if it is the plain URL of a webhook or a mail server."""
    parts = urlsplit(url)
    scheme, query = parts.scheme, parts.query
    if scheme in ("http", "https"):
        scheme = "jsons" if scheme == "https" else "json"
        query = urlencode([(f"-{name}", value) for name, value in parse_qsl(query, keep_blank_values=True)])
    elif scheme in ("smtp", "smtps"):
        query += "&mode=ssl" if scheme == "smtps" else ""
        scheme = "mailtos" if scheme == "smtps" or parts.password else "mailto"
    return urlunsplit((scheme, parts.netloc, parts.path, query, ""))


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TerminalError(
            f"MARKET_TIMEZONE: no time zone is called {text!r} (example: Europe/Berlin)"
        ) from error
    return text


def _whole_number(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise TerminalError(f"{name.upper()} must be a whole number from 1 to {most}, not {text!r}")
    return int(text)
