"""The only reader of the environment: every setting of the platform in one frozen value."""

import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from include.errors import TerminalError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOCAL_ROOT = PROJECT_ROOT / ".local"
"""Where `make run` keeps its state."""
ENV_FILE = PROJECT_ROOT / ".env"
_NOT_UP = "make run is not up: start it in another terminal, or set WAREHOUSE_URL"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process of the platform needs to know about its surroundings.

    Attributes:
        exchange_url: The exchange's websocket, `ws://` or `wss://`.
        exchange_headers: Names and values that the handshake with the exchange adds to its own; secret.
        exchange_subscribe: The text message that each new connection to the exchange begins with; empty: none.
            Secret, since it may hold a token.
        max_silence_seconds: How long the exchange may send nothing while hours are open for trading, s.
        market_data_url: Base URL of the provider's API, with its base path if it has one.
        warehouse_url: `postgresql://…` of the warehouse; empty when none is configured.
        landing_root: The folder of the landing files.
        data_docs_root: The folder of Great Expectations' HTML pages.
        statement_folder: Where the exchange's end-of-day files appear; None: nobody puts any there.
        market_timezone: IANA name of the zone that `delivery_day` and `delivery_hour` are written in.
        reference_price_per_minute: The provider's request budget, requests in any 60 s.
        reference_price_per_hour: The same, requests in any 3,600 s.
        trade_max_quantity_mw: A larger trade is reported as a warning.
        trade_max_deviation_eur_per_mwh: So is one whose price is further from the reference price of its hour.
        airflow_port: Where `make run` serves Airflow's UI.
        airflow_database_url: SQLAlchemy's URL of Airflow's own database, for clean_airflow; empty: not known.
        alert_urls: Who is told of failed tasks and alarms: URLs as Apprise writes them, one a service.
    """

    exchange_url: str = "ws://127.0.0.1:5050"
    exchange_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    exchange_subscribe: str = field(default="", repr=False)
    max_silence_seconds: int = 900
    market_data_url: str = "http://127.0.0.1:5060"
    warehouse_url: str = ""
    landing_root: Path = LOCAL_ROOT / "landing"
    data_docs_root: Path = LOCAL_ROOT / "data_docs"
    statement_folder: Path | None = None
    market_timezone: str = "Europe/Berlin"
    reference_price_per_minute: int = 50
    reference_price_per_hour: int = 1000
    trade_max_quantity_mw: int = 500
    trade_max_deviation_eur_per_mwh: int = 500
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
        for name in ("landing_root", "data_docs_root", "statement_folder"):
            if text := env.get(name.upper(), "").strip():
                values[name] = Path(text).resolve()
        if text := env.get("MARKET_TIMEZONE", "").strip():
            values["market_timezone"] = _zone(text)
        for name, most in (
            ("reference_price_per_minute", 1_000_000),
            ("reference_price_per_hour", 1_000_000),
            ("trade_max_quantity_mw", 1_000_000),
            ("trade_max_deviation_eur_per_mwh", 1_000_000),
            ("airflow_port", 65535),
            ("max_silence_seconds", 7 * 86_400),
        ):
            if text := env.get(name.upper(), "").strip():
                values[name] = _whole_number(name, text, most)
        values["alert_urls"] = _alert_urls(env)
        values["exchange_headers"] = exchange_headers(env.get("EXCHANGE_HEADERS", "").strip())
        values["exchange_subscribe"] = env.get("EXCHANGE_SUBSCRIBE", "").strip()
        return cls(**values)  # type: ignore[arg-type]


def exchange_headers(value: str | Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The value of EXCHANGE_HEADERS as names and values.

    Args:
        value: A JSON object of texts, as JSON or decoded; empty: none.

    Raises:
        TerminalError: It is something else, or names a header of the websocket handshake itself. The message
            shows no part of it.
    """
    try:
        found = json.loads(value or "{}") if isinstance(value, str) else value
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping) or not all(
        _HEADER_NAME.fullmatch(name) and isinstance(text, str) and text.isascii() and text.isprintable()
        for name, text in found.items()
    ):
        raise TerminalError(
            'EXCHANGE_HEADERS must be a JSON object of texts, for example {"Authorization": "Bearer …"}'
        )
    if any(name.lower() in _OWN_HEADERS or name.lower().startswith("sec-websocket-") for name in found):
        raise TerminalError(
            f"EXCHANGE_HEADERS must not hold a header of the handshake itself: {', '.join(_OWN_HEADERS)},"
            " sec-websocket-…"
        )
    return tuple(found.items())


def load_environment(file: Path | None = None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment plus what only `.env` says; a variable that is set and not empty wins over the file.

    Args:
        file: Instead of the one that the variable ENV_FILE names, or `.env` of the checkout.
        environ: Instead of the process's own.

    Raises:
        TerminalError: A line of the file is no `NAME=value`; the message names file and line.
    """
    own = dict(os.environ if environ is None else environ)
    file = file or Path(own.get("ENV_FILE") or ENV_FILE)
    if not file.exists():
        return own
    try:
        with file.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                if binding.error or (binding.key is not None and binding.value is None):
                    # A statement begins with the blank lines before it.
                    text = binding.original.string
                    blank = text[: len(text) - len(text.lstrip())]
                    line = binding.original.line + blank.count("\n")
                    raise TerminalError(f"{file}, line {line}: write NAME=value or put a # before it")
        found = {name: value for name, value in dotenv_values(file, encoding="utf-8").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalError(f"{file} cannot be read ({error}): mend it or remove it") from error
    return own | {name: value for name, value in found.items() if not own.get(name)}


def command_settings(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> Settings:
    """The settings for a command that a person runs: the environment and `.env`, else what `make run` runs.

    Args:
        state: The state folder of `make run`.
        env_file: As for `load_environment`.

    Raises:
        TerminalError: A setting is wrong, or no warehouse is named and none runs here.
    """
    found = Settings.from_environment(load_environment(env_file))
    if found.warehouse_url:
        return found
    return replace(found, warehouse_url=_of_make_run(state, "warehouse_url"))


def analyst_url(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> str:
    """The warehouse of a running `make run` for the role that may read only.

    Where WAREHOUSE_URL names another warehouse, that is the one: its roles are not ours to know.

    Raises:
        TerminalError: As for `command_settings`.
    """
    named = Settings.from_environment(load_environment(env_file)).warehouse_url
    return named or _of_make_run(state, "analyst_url")


def credentials_file(state: Path) -> Path:
    """Where `make run` writes down how to reach what it runs: for people, scripts and commands."""
    return state / "credentials.json"


def _of_make_run(state: Path, name: str) -> str:
    """A URL of a database that `make run` has written down, and that listens."""
    file = credentials_file(state)
    try:
        url = str(json.loads(file.read_text(encoding="utf-8"))[name])
    except FileNotFoundError as error:
        raise TerminalError(_NOT_UP) from error
    except (OSError, ValueError, KeyError) as error:
        raise TerminalError(f"{file} cannot be read: stop make run and start it again") from error
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 5432), timeout=5).close()
    except OSError as error:
        raise TerminalError(_NOT_UP) from error
    return url


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110."""
_OWN_HEADERS = ("host", "connection", "upgrade")

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
