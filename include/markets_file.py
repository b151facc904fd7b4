"""MARKETS_FILE: the markets of an installation, a TOML table each, and which of them has the plain names."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from include import setting_values
from include.domain.delivery_period import Market
from include.domain.statement_format import StatementFormat
from include.errors import TerminalError

DEFAULT_MARKET = "DE"
"""The market of an installation without MARKETS_FILE."""

MAX_GATE_CLOSURE_MINUTES = 120
"""staging.hours_tradable_at relies on it."""

FIRST_MARKET = "first_market"
"""Name of a file in LANDING_ROOT."""

_ID = re.compile(r"[A-Za-z0-9]{1,10}", re.ASCII)
_PROVIDER = re.compile(r"[A-Za-z0-9_.-]{1,50}", re.ASCII)
_REQUIRED = ("market", "timezone", "exchange_url", "market_data_url")
_OF_MARKET = ("currency", "trading_opens", "gate_closure_minutes", "price_min", "price_max")
_OF_SETTINGS = (
    "provider",
    "max_silence_seconds",
    "reference_price_per_minute",
    "reference_price_per_hour",
    "trade_max_quantity_mw",
    "trade_max_deviation_eur_per_mwh",
    "statement_folder",
    "is_simulated",
)
_KEYS = (*_REQUIRED, *_OF_MARKET, "statement", *_OF_SETTINGS)


@dataclass(frozen=True, slots=True)
class MarketTable:
    """A table of the file.

    Attributes:
        market: Its calendar, currency and price bounds.
        settings: What the table says of further settings, by their names, as written in the file.
        statement_format: Of the exchange's end-of-day files; None: one of those that are known.
    """

    market: Market
    settings: Mapping[str, Any]
    statement_format: StatementFormat | None


def read_markets(file: Path) -> list[MarketTable]:
    """The markets in the order of the file.

    Raises:
        TerminalError: The file cannot be read, or a table is wrong; the message names file, market and key.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TerminalError(f"MARKETS_FILE: {file} cannot be read: {error}") from error
    tables = content.get("markets")
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise TerminalError(f"MARKETS_FILE: {file} must hold a table [[markets]] for each market")
    if unknown := sorted(content.keys() - {"markets"}):
        raise TerminalError(
            f"MARKETS_FILE: {file}: unknown key {unknown[0]!r}; write it into a [[markets]] table"
        )
    found: list[MarketTable] = []
    for number, table in enumerate(tables, start=1):
        try:
            found.append(_market(table))
        except TerminalError as error:
            name = table.get("market")
            where = f"market {name}" if isinstance(name, str) else f"table {number}"
            raise TerminalError(f"MARKETS_FILE: {file}, {where}: {error}") from error
    names = [table.market.market.lower() for table in found]
    if twice := [table.market.market for table in found if names.count(table.market.market.lower()) > 1]:
        raise TerminalError(
            f"MARKETS_FILE: {file}: the market {twice[0]} is there twice (case does not matter)"
        )
    return found


def first_market(landing_root: Path, markets: Sequence[str]) -> str:
    """The market that has the plain names: paths and DAGs without its id.

    It is the first one of the file when files are landed for the first time, and it stays that one whatever the
    order of the file is later. Landing files from before there was a MARKETS_FILE are of DEFAULT_MARKET.

    Raises:
        TerminalError: That market is not among these.
    """
    try:
        known = (landing_root / FIRST_MARKET).read_text(encoding="utf-8").strip()
    except OSError:
        has_plain_files = any(landing_root.glob("*/date=*"))
        known = DEFAULT_MARKET if has_plain_files else markets[0]
    if known not in markets:
        raise TerminalError(
            f"landing files in {landing_root} that name no market belong to market {known}: MARKETS_FILE must"
            f" have a table for it (there are {', '.join(markets)})"
        )
    return known


def remember_first_market(landing_root: Path, market: str) -> None:
    """Notes in LANDING_ROOT which market has the plain names; what is noted there already stays."""
    landing_root.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = landing_root / FIRST_MARKET
    if file.exists():
        return
    made = file.with_name(f".{FIRST_MARKET}.{os.getpid()}")
    made.write_text(f"{market}\n", encoding="utf-8")
    try:
        os.link(made, file)  # appears whole, and only if there is none
    except FileExistsError:
        pass
    finally:
        made.unlink(missing_ok=True)


def _market(table: Mapping[str, Any]) -> MarketTable:
    if unknown := sorted(table.keys() - set(_KEYS)):
        raise TerminalError(f"unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    for key in _REQUIRED:
        if key not in table:
            raise TerminalError(f"{key} is missing")
    hours, shorter = _gate_closures(table.get("gate_closure_minutes", 5))
    defaults = Market(ZoneInfo("UTC"))
    market = Market(
        timezone=setting_values.zone("timezone", str(table["timezone"])),
        market=_matching(table, "market", _ID, "letters and digits, at most 10"),
        currency=_currency(table.get("currency", "EUR")),
        trading_opens=_time(table["trading_opens"]) if "trading_opens" in table else defaults.trading_opens,
        gate_closure=hours,
        gate_closure_shorter=shorter,
        price_min=_price(table, "price_min", defaults.price_min),
        price_max=_price(table, "price_max", defaults.price_max),
    )
    if market.price_min >= market.price_max:
        raise TerminalError(f"price_min ({market.price_min}) must be below price_max ({market.price_max})")
    _check_opening(market)
    if "provider" in table:
        _matching(table, "provider", _PROVIDER, "letters, digits, '.', '_' and '-', at most 50")
    if not isinstance(table.get("is_simulated", False), bool):
        raise TerminalError("is_simulated must be true or false")
    if not isinstance(table.get("statement_folder", ""), str):
        raise TerminalError("statement_folder must be a path")
    of_settings = {
        key: table[key] for key in ("exchange_url", "market_data_url", *_OF_SETTINGS) if key in table
    }
    return MarketTable(market, of_settings, _statement(table["statement"]) if "statement" in table else None)


def _statement(value: object) -> StatementFormat:
    """How the end-of-day files of the exchange are written."""
    known = {"columns", "day", "hour", "delimiter", "decimal_mark", "timezone"}
    if not isinstance(value, dict) or value.keys() - known or not isinstance(value.get("columns"), dict):
        raise TerminalError(
            f"statement must be a table with columns and, if need be, {', '.join(sorted(known))}"
        )
    texts = {name: value.get(name, "") for name in ("delimiter", "decimal_mark", "timezone")}
    if not all(isinstance(text, str) for text in (*texts.values(), *value["columns"].values())):
        raise TerminalError("statement must hold texts")
    if texts["delimiter"] not in ("", ";", ",", "\t", "|") or texts["decimal_mark"] not in ("", ".", ","):
        raise TerminalError("statement: delimiter must be ; , | or a tab, decimal_mark . or ,")
    if texts["timezone"]:
        setting_values.zone("statement: timezone", texts["timezone"])
    if value.get("hour", "start") not in ("start", "end"):
        raise TerminalError('statement: hour must be "start" (14 is 14-15) or "end" (14 is 13-14)')
    if value.get("day", "execution") not in ("execution", "delivery"):
        raise TerminalError('statement: day, that of a file, must be "execution" or "delivery"')
    try:
        return StatementFormat(
            value["columns"],
            value.get("hour") == "end",
            **texts,
            is_by_delivery_day=value.get("day") == "delivery",
        )
    except ValueError as error:
        raise TerminalError(f"statement: {error}") from error


def _matching(table: Mapping[str, Any], key: str, pattern: re.Pattern[str], rule: str) -> str:
    value = table[key]
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        raise TerminalError(f"{key} must be {rule}, not {value!r}")
    return value


def _currency(value: object) -> str:
    if value != "EUR":
        raise TerminalError(f"currency must be EUR, not {value!r}: exchange rates are not modelled yet")
    return "EUR"


def _time(value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        found = time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise TerminalError(f'trading_opens must be a local time like "15:00", not {value!r}')
    return found


def _check_opening(market: Market) -> None:
    """Trading of the first period of a day must not end before it opens."""
    closure = max(market.gate_closure, market.gate_closure_shorter)
    opens = datetime.combine(date.min, market.trading_opens, UTC)
    gate = datetime.combine(date.min, time(), UTC) + timedelta(days=1) - closure
    if opens >= gate:
        raise TerminalError(
            f"trading_opens ({market.trading_opens:%H:%M}) must be earlier: trading of the first hour of a day"
            f" ends at {gate:%H:%M}, {closure // timedelta(minutes=1)} minutes (gate_closure_minutes)"
            " before midnight"
        )


def _gate_closures(value: object) -> tuple[timedelta, timedelta]:
    """Of hours and blocks, and of shorter products."""
    given = value if isinstance(value, dict) else {"hours": value, "shorter": value}
    minutes = [given.get(name) for name in ("hours", "shorter")]
    if given.keys() != {"hours", "shorter"} or not all(
        isinstance(m, int) and not isinstance(m, bool) and 0 <= m <= MAX_GATE_CLOSURE_MINUTES for m in minutes
    ):
        raise TerminalError(
            f"gate_closure_minutes must be whole minutes before delivery, 0 to {MAX_GATE_CLOSURE_MINUTES}: one"
            f" number or {{ hours = 30, shorter = 15 }}, not {value!r}"
        )
    return timedelta(minutes=minutes[0]), timedelta(minutes=minutes[1])  # type: ignore[arg-type]


def _price(table: Mapping[str, Any], key: str, default: Decimal) -> Decimal:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise TerminalError(f"{key} must be a number in EUR/MWh, not {value!r}")
    return Decimal(value)
