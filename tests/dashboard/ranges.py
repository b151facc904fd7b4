"""What the API says of a range of days, added up from the rows of a scene's days."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from include.dashboard.ranges import Range

Payload = dict[str, Any]
Rows = Callable[[date, str], list[Payload]]
Hour = tuple[date, Payload]

_ENERGIES = ("buy_mwh", "sell_mwh", "net_position_mwh")


def range_of(
    rows: Rows,
    traders: list[str],
    query: dict[str, str],
    version: int,
    days: tuple[date, date] | None,
    today: date,
) -> Payload:
    """The answer to a query; only the days from the first to the last one have trades."""
    first, last = (date.fromisoformat(query[name]) for name in ("from", "to"))
    trader = query.get("trader", "")
    of = Range(first, last, trader or None, None, today)
    begin, end = min(of.previous[0], of.month[0]), max(last, of.month[1])

    def hours_of(who: str) -> list[Hour]:
        every = (begin + timedelta(days=number) for number in range((end - begin).days + 1))
        return [(day, row) for day in every if days and days[0] <= day <= days[1] for row in rows(day, who)]

    hours = hours_of(trader)
    in_range = [hour for hour in hours if first <= hour[0] <= last]
    priced = [hour for hour in in_range if hour[1]["pnl_eur"] is not None]
    by_pnl = sorted(priced, key=lambda hour: Decimal(hour[1]["pnl_eur"]))
    return {
        "version": str(version),
        "from": str(first),
        "to": str(last),
        "previous_from": str(of.previous[0]),
        "previous_to": str(of.previous[1]),
        "month_from": str(of.month[0]),
        "month_to": str(of.month[1]),
        "step": of.step,
        "trader": trader or None,
        "as_of": query.get("as_of"),
        "market": query.get("market") or "DE",
        "market_timezone": "Europe/Berlin",
        **_figures(of, hours),
        "steps": _steps(of, in_range),
        "hours_of_day": [
            {"delivery_hour": label} | (_sums([hour for hour in in_range if _label(hour) == label]) or {})
            for label in sorted({_label(hour) for hour in in_range})
        ],
        "best": [_hour(hour) for hour in reversed(by_pnl[-5:]) if Decimal(hour[1]["pnl_eur"]) > 0],
        "worst": [_hour(hour) for hour in by_pnl[:5] if Decimal(hour[1]["pnl_eur"]) < 0],
        "traders": [] if trader else [_trader(of, name, hours_of(name)) for name in traders],
    }


def _label(hour: Hour) -> str:
    return str(hour[1]["delivery_hour"])[:5]


def _hour(hour: Hour) -> Payload:
    return {"delivery_day": str(hour[0]), "delivery_hour": hour[1]["delivery_hour"]} | (_sums([hour]) or {})


def _trader(of: Range, name: str, hours: list[Hour]) -> Payload:
    steps = _steps(of, [hour for hour in hours if of.first <= hour[0] <= of.last])
    return {"trader_id": name, **_figures(of, hours), "steps": steps}


def _figures(of: Range, hours: list[Hour]) -> Payload:
    return {
        "total": _sums([hour for hour in hours if of.first <= hour[0] <= of.last]),
        "previous": _sums([hour for hour in hours if of.previous[0] <= hour[0] <= of.previous[1]]),
        "month": _sums([hour for hour in hours if of.month[0] <= hour[0] <= of.month[1]]),
    }


def _begin(of: Range, day: date) -> date:
    if of.step == "week":
        day -= timedelta(days=day.weekday())
    return max(of.first, day.replace(day=1) if of.step == "month" else day)


def _steps(of: Range, hours: list[Hour]) -> list[Payload]:
    by_begin: dict[date, list[Hour]] = {}
    for hour in hours:
        by_begin.setdefault(_begin(of, hour[0]), []).append(hour)
    steps, known, missing = [], None, 0
    for begin, own in sorted(by_begin.items()):
        sums = _sums(own) or {}
        missing += sums["missing_price_count"]
        if sums["priced_pnl_eur"] is not None:
            known = (known or Decimal(0)) + Decimal(sums["priced_pnl_eur"])
        end = begin
        while end < of.last and _begin(of, end + timedelta(days=1)) == begin:
            end += timedelta(days=1)
        cumulative = {
            "cumulative_pnl_eur": None if known is None else f"{known:f}",
            "cumulative_missing_price_count": missing,
        }
        steps.append({"from": str(begin), "to": str(end)} | sums | cumulative)
    return steps


def _sums(hours: list[Hour]) -> Payload | None:
    if not hours:
        return None
    rows = [row for _, row in hours]
    known = [Decimal(row["pnl_eur"]) for row in rows if row["pnl_eur"] is not None]
    energies = {name: sum((Decimal(row[name]) for row in rows), Decimal(0)) for name in _ENERGIES}
    missing = len(rows) - len(known)
    total = sum(known, Decimal(0))
    known_days = {day for day, row in hours if row["pnl_eur"] is not None}
    return {
        "delivery_day_count": len({day for day, _ in hours}),
        "incomplete_day_count": len({day for day, row in hours if not row["is_complete"]}),
        "delivery_period_count": len(rows),
        "missing_price_count": missing,
        "trade_count": sum(row["trade_count"] for row in rows),
        **{name: f"{value:f}" for name, value in energies.items()},
        "pnl_eur": None if missing else f"{total:f}",
        "priced_pnl_eur": f"{total:f}" if known else None,
        "mean_pnl_eur": f"{total / len(known_days):.12f}" if known else None,
        "performance_eur_per_mwh": None
        if missing
        else f"{total / (energies['buy_mwh'] + energies['sell_mwh']):.12f}",
    }
