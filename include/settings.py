"""The only reader of the environment: every setting of the platform in one frozen value."""

import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from include import setting_values
from include.domain.delivery_period import Market
from include.domain.statement_format import FORMATS, StatementFormat
from include.errors import TerminalError
from include.markets_file import DEFAULT_MARKET, MarketTable, first_market, read_markets

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOCAL_ROOT = PROJECT_ROOT / ".local"
"""Where `make run` keeps its state."""
ENV_FILE = PROJECT_ROOT / ".env"
_NOT_UP = "make run is not up: start it in another terminal, or set WAREHOUSE_URL"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process of the platform needs to know about its surroundings, of one market.

    Attributes:
        market: The market: its id, zone, currency, gate closures and price bounds.
        is_first_market: Whether it has the plain names: paths of landing files and DAGs without its id.
        provider: Markets with the same provider share its request budget.
        own_suffix: The end of the names of the market's own variables and connections in Airflow: `__FI`. Empty
            without MARKETS_FILE.
        is_simulated: Whether `make run` starts a simulator at the URLs of the market.
        exchange_url: The exchange's websocket, `ws://` or `wss://`.
        exchange_headers: Names and values that the handshake with the exchange adds to its own; secret.
        exchange_subscribe: The text message that each new connection to the exchange begins with; empty: none.
            Secret, since it may hold a token.
        max_silence_seconds: How long the exchange may send nothing while hours are open for trading, s.
        market_data_url: Base URL of the provider's API, with its base path if it has one.
        warehouse_url: `postgresql://…` of the warehouse; empty when none is configured.
        landing_root: The folder of the landing files.
        data_docs_root: The folder of Great Expectations' HTML pages.
        report_root: The folder of the daily reports to finance.
        statement_folder: Where the exchange's end-of-day files appear; None: nobody puts any there. By default
            a market that is not the first one has a folder of its id in that of the first.
        statement_formats: Formats that these files may have.
        reference_price_per_minute: The provider's request budget, requests in any 60 s.
        reference_price_per_hour: The same, requests in any 3,600 s.
        trade_max_quantity_mw: A larger trade is reported as a warning.
        trade_max_deviation_eur_per_mwh: So is one whose price is further from the reference price of its hour.
        airflow_port: Where `make run` serves Airflow's UI.
        airflow_database_url: SQLAlchemy's URL of Airflow's own database, for clean_airflow; empty: not known.
        alert_urls: Who is notified of failed tasks and alarms: URLs as Apprise writes them, one per service.
        report_urls: Who gets the daily report to finance, in the same way; empty: nobody.
    """

    market: Market = Market(ZoneInfo("Europe/Berlin"))  # noqa: RUF009 - frozen
    is_first_market: bool = True
    provider: str = "provider"
    own_suffix: str = ""
    is_simulated: bool = False
    exchange_url: str = "ws://127.0.0.1:5050"
    exchange_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    exchange_subscribe: str = field(default="", repr=False)
    max_silence_seconds: int = 900
    market_data_url: str = "http://127.0.0.1:5060"
    warehouse_url: str = ""
    landing_root: Path = LOCAL_ROOT / "landing"
    data_docs_root: Path = LOCAL_ROOT / "data_docs"
    report_root: Path = LOCAL_ROOT / "reports"
    statement_folder: Path | None = None
    statement_formats: tuple[StatementFormat, ...] = FORMATS
    reference_price_per_minute: int = 50
    reference_price_per_hour: int = 1000
    trade_max_quantity_mw: int = 500
    trade_max_deviation_eur_per_mwh: int = 500
    airflow_port: int = 8080
    airflow_database_url: str = ""
    alert_urls: tuple[str, ...] = ()
    report_urls: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Those of the market that the variable MARKET names, else of the first one.

        An unset or empty variable leaves the default.

        Raises:
            TerminalError: A value is not what its name promises; the message names the variable. Or there is no
                such market.
        """
        return cls.chosen_markets(environ)[0]

    @classmethod
    def chosen_markets(cls, environ: Mapping[str, str] | None = None) -> "list[Settings]":
        """Those of the market that the variable MARKET names, in any case, else of each market."""
        env = os.environ if environ is None else environ
        markets = cls.of_markets(env)
        if not (chosen := env.get("MARKET", "").strip()):
            return markets
        found = [settings for settings in markets if settings.market.market.lower() == chosen.lower()]
        if not found:
            known = ", ".join(settings.market.market for settings in markets)
            raise TerminalError(f"MARKET: there is no market {chosen!r}; there are: {known}")
        return found

    @classmethod
    def of_markets(cls, environ: Mapping[str, str] | None = None) -> "list[Settings]":
        """The settings of each market of MARKETS_FILE, the first one first; without the file of one, DE."""
        env = os.environ if environ is None else environ
        plain = cls(**_values(env))  # type: ignore[arg-type]
        if not (file := env.get("MARKETS_FILE", "").strip()):
            if zone := env.get("MARKET_TIMEZONE", "").strip():
                market = Market(setting_values.zone("MARKET_TIMEZONE", zone), DEFAULT_MARKET)
                plain = replace(plain, market=market)
            return [plain]
        tables = read_markets(Path(file).resolve())
        first = first_market(plain.landing_root, [table.market.market for table in tables])
        found = [_of_table(plain, table, env, table.market.market == first) for table in tables]
        _require_equal_budgets(found)
        return sorted(found, key=lambda settings: not settings.is_first_market)

    @property
    def landing_market(self) -> str:
        """The market in the paths of landing files; empty: they do not name it."""
        return "" if self.is_first_market else self.market.market

    @property
    def market_argument(self) -> str:
        """What a `make` command about the market ends with: ` MARKET=FI`; nothing for the first market."""
        return f" MARKET={self.landing_market}" if self.landing_market else ""

    @property
    def dag_suffix(self) -> str:
        """What the ids of the market's DAGs end with; empty: they are the plain ones."""
        return "" if self.is_first_market else f"__{self.market.market.lower()}"


def _values(env: Mapping[str, str]) -> dict[str, object]:
    """The settings that variables without the suffix of a market give."""
    values: dict[str, object] = {}
    for name in setting_values.SCHEMES:
        if text := env.get(name.upper(), "").strip():
            values[name] = setting_values.url(name.upper(), name, text)
    for name in ("landing_root", "data_docs_root", "report_root", "statement_folder"):
        if text := env.get(name.upper(), "").strip():
            values[name] = Path(text).resolve()
    for name in setting_values.WHOLE_NUMBERS:
        if text := env.get(name.upper(), "").strip():
            values[name] = setting_values.whole_number(name.upper(), name, text)
    # the last two names came before the first one
    values["alert_urls"] = setting_values.apprise_urls(env, "ALERT_URLS", "ALERT_WEBHOOK_URL", "ALERT_SMTP_URL")
    values["report_urls"] = setting_values.apprise_urls(env, "REPORT_URLS")
    values["exchange_headers"] = setting_values.exchange_headers(env.get("EXCHANGE_HEADERS", "").strip())
    values["exchange_subscribe"] = env.get("EXCHANGE_SUBSCRIBE", "").strip()
    return values


def _of_table(plain: Settings, table: MarketTable, env: Mapping[str, str], is_first: bool) -> Settings:
    """The settings of a market. Variables with its suffix (EXCHANGE_HEADERS__FI) win over its table.

    Secrets without a suffix are of the first market: no other exchange gets them.
    """
    market = table.market.market
    in_file = f"MARKETS_FILE, market {market}: "
    values = dict(table.settings)

    suffix = f"__{market.upper()}"

    def variable(name: str) -> str:
        return f"{name.upper()}{suffix}"

    def own(name: str) -> str:
        return env.get(variable(name), "").strip()

    for name in ("exchange_url", "market_data_url"):
        shown = variable(name) if own(name) else in_file + name
        values[name] = setting_values.url(shown, name, own(name) or str(values[name]))
    for name in setting_values.WHOLE_NUMBERS.keys() & values.keys():
        values[name] = setting_values.whole_number(in_file + name, name, str(values[name]))
    if headers := own("exchange_headers"):
        values["exchange_headers"] = setting_values.exchange_headers(headers, variable("exchange_headers"))
    elif not is_first:
        values["exchange_headers"] = ()
    if table.statement_format is not None:
        values["statement_formats"] = (table.statement_format, *FORMATS)
    if folder := own("statement_folder") or values.get("statement_folder"):
        values["statement_folder"] = Path(str(folder)).resolve()
    elif plain.statement_folder is not None and not is_first:
        values["statement_folder"] = plain.statement_folder / market
    if (subscribe := own("exchange_subscribe")) or not is_first:
        values["exchange_subscribe"] = subscribe
    return replace(plain, market=table.market, is_first_market=is_first, own_suffix=suffix, **values)


def _require_equal_budgets(markets: Iterable[Settings]) -> None:
    """Markets of one provider share one budget: they must agree on it."""
    budgets: dict[str, tuple[int, int]] = {}
    for settings in markets:
        budget = (settings.reference_price_per_minute, settings.reference_price_per_hour)
        if budgets.setdefault(settings.provider, budget) != budget:
            raise TerminalError(
                f"MARKETS_FILE, market {settings.market.market}: reference_price_per_minute and"
                f" reference_price_per_hour must be the same for all markets of provider {settings.provider!r}"
            )


def environment_with(**changes: object) -> dict[str, str]:
    """The process's environment with these variables, but for those that are empty or None."""
    return dict(os.environ) | {name: str(value) for name, value in changes.items() if value}


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
        raise TerminalError(f"{file} cannot be read ({error}): fix it or remove it") from error
    return own | {name: value for name, value in found.items() if not own.get(name)}


def command_settings(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> Settings:
    """The settings for a command that a person runs: the environment and `.env`, else what `make run` runs.

    The market is the one that the variable MARKET names, else the first one.

    Args:
        state: The state folder of `make run`.
        env_file: As for `load_environment`.

    Raises:
        TerminalError: A setting is wrong, or no warehouse is named and none runs here.
    """
    return every_market(state, env_file)[0]


def every_market(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> list[Settings]:
    """As `command_settings`, of each market or, if the variable MARKET names one, of that one alone."""
    environment = load_environment(env_file)
    if not environment.get("WAREHOUSE_URL") and not environment.get("MARKETS_FILE"):
        with suppress(TerminalError):  # who asks for the warehouse next hears what is wrong
            environment["MARKETS_FILE"] = _written_by_make_run(state, "markets_file")
    markets = Settings.chosen_markets(environment)
    if markets[0].warehouse_url:
        return markets
    url = _url_of_make_run(state, "warehouse_url")
    return [replace(settings, warehouse_url=url) for settings in markets]


def analyst_url(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> str:
    """The warehouse of a running `make run` for the role that may read only.

    Where WAREHOUSE_URL names another warehouse, that is the one: its roles are not ours to know.
    """
    named = Settings.from_environment(load_environment(env_file)).warehouse_url
    return named or _url_of_make_run(state, "analyst_url")


def credentials_file(state: Path) -> Path:
    """Where `make run` writes down how to reach what it runs: for people, scripts and commands."""
    return state / "credentials.json"


def _written_by_make_run(state: Path, name: str) -> str:
    file = credentials_file(state)
    try:
        return str(({"markets_file": ""} | json.loads(file.read_text(encoding="utf-8")))[name])
    except FileNotFoundError as error:
        raise TerminalError(_NOT_UP) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TerminalError(f"{file} cannot be read: stop make run and start it again") from error


def _url_of_make_run(state: Path, name: str) -> str:
    """A URL of a database that `make run` has written down, and that listens."""
    url = _written_by_make_run(state, name)
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 5432), timeout=5).close()
    except OSError as error:
        raise TerminalError(_NOT_UP) from error
    return url
