"""What the texts of settings must be: URLs, numbers, zones, headers; each mistake names its setting."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.errors import TerminalError

SCHEMES = {
    "exchange_url": ("ws", "wss"),
    "market_data_url": ("http", "https"),
    "warehouse_url": ("postgresql", "postgres"),
    "airflow_database_url": ("postgresql", "postgresql+psycopg2"),
}
"""The settings that are URLs, and their schemes."""

WHOLE_NUMBERS = {
    "reference_price_per_minute": 1_000_000,
    "reference_price_per_hour": 1_000_000,
    "trade_max_quantity_mw": 1_000_000,
    "trade_max_deviation_eur_per_mwh": 1_000_000,
    "airflow_port": 65535,
    "max_silence_seconds": 7 * 86_400,
}
"""The settings that are whole numbers from 1, and the largest."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110."""
_OWN_HEADERS = ("host", "connection", "upgrade")


def exchange_headers(
    value: str | Mapping[str, object], shown: str = "EXCHANGE_HEADERS"
) -> tuple[tuple[str, str], ...]:
    """The value of EXCHANGE_HEADERS as names and values.

    Args:
        value: A JSON object of texts, as JSON or decoded; empty: none.
        shown: What the message calls it.

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
            f'{shown} must be a JSON object of texts, for example {{"Authorization": "Bearer …"}}'
        )
    if any(name.lower() in _OWN_HEADERS or name.lower().startswith("sec-websocket-") for name in found):
        raise TerminalError(
            f"{shown} must not hold a header of the handshake itself: {', '.join(_OWN_HEADERS)},"
            " sec-websocket-…"
        )
    return tuple(found.items())


def url(shown: str, name: str, text: str) -> str:
    """A URL with a scheme of SCHEMES[name].

    Raises:
        TerminalError: It is none; the message calls it `shown` and shows no part of it.
    """
    schemes = SCHEMES[name]
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise TerminalError(f"{shown} must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
    return text


def whole_number(shown: str, name: str, text: str) -> int:
    """A whole number from 1 to WHOLE_NUMBERS[name].

    Raises:
        TerminalError: It is none; the message calls it `shown`.
    """
    most = WHOLE_NUMBERS[name]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise TerminalError(f"{shown} must be a whole number from 1 to {most}, not {text!r}")
    return int(text)


def zone(shown: str, text: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        TerminalError: There is none of this name, or its clocks change by half an hour (Lord_Howe), so
            that an hour of delivery is not a whole one; the message calls it `shown`.
    """
    try:
        found = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TerminalError(f"{shown}: no time zone is called {text!r} (example: Europe/Berlin)") from error
    winter, summer = (datetime(2026, month, 1, tzinfo=found).utcoffset() or timedelta() for month in (1, 7))
    if (summer - winter) % timedelta(hours=1):
        raise TerminalError(f"{shown}: the clocks of {text} do not change by a whole hour")
    return found


def apprise_urls(env: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """The URLs of these variables as Apprise writes them, once each.

    Args:
        env: The environment.
        names: Variables; messages show the first one.

    Raises:
        TerminalError: One is no URL.
    """
    texts = (env.get(name, "") for name in names)
    urls = tuple(dict.fromkeys(apprise_url(url) for text in texts for url in text.split()))
    if not all(re.match(r"[a-z][a-z0-9+_-]*://.", url) for url in urls):
        raise TerminalError(
            f"{names[0]} must be URLs of Apprise with blanks between them (jsons://chat.example/hooks/desk)"
        )
    return urls


def apprise_url(url: str) -> str:
    """The URL as Apprise writes it, also if it is the plain URL of a webhook or a mail server."""
    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https", "smtp", "smtps"):
        return url  # Apprise reads others in its own way: `#` begins the name of a channel
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = parts.query
    if scheme in ("http", "https"):
        scheme = "jsons" if scheme == "https" else "json"
        query = urlencode([(f"-{name}", value) for name, value in parse_qsl(query, keep_blank_values=True)])
    else:
        query += "&mode=ssl" if scheme == "smtps" else ""
        scheme = "mailtos" if scheme == "smtps" or parts.password else "mailto"
    return urlunsplit((scheme, parts.netloc, parts.path, query, ""))
