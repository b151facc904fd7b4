"""Each call of the trading desk by itself, read from the warehouse each time: how long the server takes."""

import http.client
import json
import logging
import time
from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median
from urllib.parse import urlencode

from include.dashboard.api import MAX_DAYS, MAX_DAYS_OF_EACH_TRADER
from include.local import ports
from tools.bench.measures import Measure, WrongResultError, figure

log = logging.getLogger(__name__)

REPEATS = 10
_AT_MOST_MS = 300
_RANGE_AT_MOST_MS = 1000
"""Of a year or more."""

_TIMEOUT_SECONDS = 60.0
_YEAR = 366


def measure(port: int) -> list[Measure]:
    """Median and worst of REPEATS calls each, of a server that keeps no answers.

    Raises:
        WrongResultError: A call was refused.
    """
    measures = []
    for name, path, at_most in calls(port):
        times = [_timed(port, path) for _ in range(REPEATS)]
        took = f"{median(times):.0f} ms, worst {max(times):.0f} ms"
        log.info("%s: %s", name, took)
        measures.append(figure(f"- {name}", took, f"<= {at_most} ms", median(times) <= at_most))
    return measures


def calls(port: int) -> Iterator[tuple[str, str, int]]:
    """What is measured: name, path and mark, about what the warehouse holds."""
    desk = json.loads(_get(port, _path("desk")))
    last, trader = desk["days"]["last"], desk["traders"][0]
    latest = date.fromisoformat(last)
    past = f"{latest - timedelta(days=90)}"
    days = [("the last day", {"day": last}), ("a day in the past", {"day": past})]
    days.append(("that day as of its noon", {"day": past, "as_of": f"{past}T12:00:00Z"}))
    for name, day in days:
        yield f"page, {name}", _path("page", **day), _AT_MOST_MS
        yield f"page of a trader, {name}", _path("page", **day, trader=trader), _AT_MOST_MS
    yield "desk/history", _path("desk/history", day=last), _AT_MOST_MS
    for table, most in MAX_DAYS.items():
        if table in MAX_DAYS_OF_EACH_TRADER:
            of = [("portfolio", "", most), ("a trader", trader, most)]
            of += [("each trader", "*", MAX_DAYS_OF_EACH_TRADER[table])]
            for who, name, count in of:
                span = {"from": f"{latest - timedelta(days=count - 1)}", "to": last, "trader": name}
                at_most = _AT_MOST_MS if count < _YEAR else _RANGE_AT_MOST_MS
                yield f"{table}, {who}, {count} days", _path(table, **span), at_most
                as_of = span | {"as_of": f"{past}T12:00:00Z"}
                yield f"{table}, {who}, {count} days as of 90 days ago", _path(table, **as_of), at_most
    for who, name in (("portfolio", ""), ("a trader", trader)):
        for count, at_most in ((31, _AT_MOST_MS), (_YEAR, _RANGE_AT_MOST_MS)):
            span = {"from": f"{latest - timedelta(days=count - 1)}", "to": last, "trader": name}
            yield f"range, {who}, {count} days", _path("range", **span), at_most
            as_of = span | {"as_of": f"{past}T12:00:00Z"}
            yield f"range, {who}, {count} days as of 90 days ago", _path("range", **as_of), at_most
    hour = _busiest_hour(port, last)
    yield "pnl_quarter_hourly", _path("pnl_quarter_hourly", day=last), _AT_MOST_MS
    yield "hour", _path("hour", day=last, hour=hour), _AT_MOST_MS
    for name in ("trades", "cancelled_trades", "quarantined_trades", "rejected_messages"):
        yield f"{name}, 10,000 at most", _path(name, day=last, limit="10000"), _AT_MOST_MS
    trades = json.loads(_get(port, _path("trades", day=last, hour=hour)))["rows"]
    if trades:
        line = {"landing_file": trades[0]["landing_file"], "line": trades[0]["line_number"]}
        yield "message", _path("message", **line), _AT_MOST_MS
    span = {"from": f"{latest - timedelta(days=_YEAR - 1)}", "to": last}
    for name in ("reconciliations", "reconciliation_differences", "gaps"):
        yield f"{name}, {_YEAR} days", _path(name, **span), _RANGE_AT_MOST_MS
    for name in ("status", "health", "version"):
        yield name, _path(name), _AT_MOST_MS


def _busiest_hour(port: int, day: str) -> str:
    rows = json.loads(_get(port, _path("desk", day=day)))["rows"]
    return str(max(rows, key=lambda row: row["trade_count"])["delivery_hour"])


def _path(call: str, **parameters: object) -> str:
    return f"/api/v1/{call}?{urlencode(parameters)}"


def _timed(port: int, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    began = time.perf_counter()
    _get(port, path)
    return (time.perf_counter() - began) * 1000


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=_TIMEOUT_SECONDS)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 200:
        raise WrongResultError(f"{path} answered {reply.status}: {body[:200]!r}")
    return body
