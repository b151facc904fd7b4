"""An hourly run after a long history beside the same run after a tenth of it."""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

from include.jobs import (
    build_pnl,
    load_reference_prices,
    load_trades,
    validate_reference_prices,
    validate_trades,
)
from include.landing import REFERENCE_PRICES
from include.local.postgres import EmbeddedPostgres
from include.run_scope import Window
from include.settings import Settings
from tools.bench.dataset import (
    DELIVERY_DAYS,
    DELIVERY_HOURS,
    FIRST_HOUR,
    land_hour,
    messages,
    reply_line,
    write_lines,
)
from tools.bench.measures import Measure, WrongResultError, duration
from tools.bench.year import make_year

log = logging.getLogger(__name__)

_AT_MOST = 1.2
_LINES, _DUPLICATES, _MALFORMED = 6_000, 60, 6
"""Of an hour at 100 messages a minute."""


def measure(server: EmbeddedPostgres, repeats: int, trades: int, folder: Path) -> list[Measure]:
    """Hours after each history in turns: trades and prices loaded and validated, PnL built and checked.

    Raises:
        WrongResultError: Not every trade of an hour was loaded and built.
    """
    places = {}
    for size in (trades // 10, trades):
        name = f"growth_{size}"
        url = make_year(server, name, size)
        root = folder / name
        places[size] = replace(
            Settings(), warehouse_url=url, landing_root=root / "landing", data_docs_root=root / "data_docs"
        )
    seconds: dict[int, dict[str, list[float]]] = {size: defaultdict(list) for size in places}
    for number in range(repeats + 1):
        for size, settings in places.items():
            window = _land(settings, number)
            began = time.perf_counter()
            for name, task in _tasks(settings, window).items():
                task_began = time.perf_counter()
                summary = task()
                seconds[size][name].append(time.perf_counter() - task_began)
                if name == "load_trades" and summary["loaded_count"] != _LINES - _DUPLICATES - _MALFORMED:
                    raise WrongResultError(f"an hour of {_LINES} messages came to {summary}")
                if name == "build_pnl" and not summary["rows_changed"]:
                    raise WrongResultError("nothing was built")
            seconds[size]["all tasks of an hour"].append(time.perf_counter() - began)
            log.info("hour %d after %d trades: %.2f s", number, size, time.perf_counter() - began)
    for size in places:
        server.drop_database(f"growth_{size}")
    few, many = (seconds[size] for size in places)  # the first hour of each is one of cold caches and imports
    return [
        duration(
            f"{name} after {trades:,} trades, limit: after {trades // 10:,}",
            many[name][1:],
            few[name][1:],
            _AT_MOST,
        )
        for name in ("all tasks of an hour", "load_trades", "validate_trades", "build_pnl")
    ]


def _tasks(settings: Settings, window: Window) -> dict[str, Callable[[], dict[str, int]]]:
    return {
        "load_trades": partial(load_trades.run, settings, window),
        "validate_trades": partial(validate_trades.run, settings),
        "load_reference_prices": partial(load_reference_prices.run, settings, window),
        "validate_reference_prices": partial(validate_reference_prices.run, settings),
        "build_pnl": partial(build_pnl.run, settings),
    }


def _land(settings: Settings, number: int) -> Window:
    """An hour of messages, and a price for each hour that they may be about."""
    hour, rng = FIRST_HOUR + number * timedelta(hours=1), random.Random(number)
    payloads = [text.encode() for text in messages(rng, _LINES, _DUPLICATES, _MALFORMED)]
    land_hour(settings.landing_root, hour, payloads)
    periods = product(DELIVERY_DAYS, DELIVERY_HOURS)
    replies = (reply_line(hour, day, label, 40 + number) for day, label in periods)
    write_lines(settings.landing_root, REFERENCE_PRICES, hour, replies)
    return Window(hour, hour + timedelta(hours=1))
