"""What the trading desk's API says in the situations that its page must show: invented data, no database."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.pnl import Fill, compute_pnl
from tests.dashboard.ranges import range_of

MARKET = Market.of("Europe/Berlin")
NOW = datetime(2026, 11, 25, 12, 34, 20, tzinfo=UTC)
"""13:34 in Berlin: delivery hour 13-14."""

TODAY = date(2026, 11, 25)
MARCH_CHANGE, OCTOBER_CHANGE = date(2026, 3, 29), date(2026, 10, 25)
TRADERS = [f"flex_trader_{number}" for number in range(1, 6)]
FIFTEEN_TRADERS = [f"flex_trader_{number}" for number in range(1, 16)]

Payload = dict[str, Any]


@dataclass
class Scene:
    """What a fake server answers with; a test changes it while the page looks on.

    Attributes:
        rows: Rows of a trader ("" is the portfolio) on a day.
        hours_without_trades: Of each day: hours about which only messages came that do not count.
        lists: What the API says of each hour: trades, statement, cancelled, quarantined and rejected.
        messages: What is on a line of a landing file; other lines are not on the server any more.
        statements: What the exchange's end-of-day files say of each day; None: there are none.
        markets: All of them, the first market first.
        by_market: The day in each, and the sum last.
        limits: Limits that were reached for the day.
        capture_gaps: When nothing was connected while a day without rows was tradable.
        failure: Status and sentence that the API answers with instead, None: all is well.
        failing: Only these names of the API fail; empty: all of them.
        has_events: False: server-sent events are refused, as a proxy may do.
    """

    rows: Callable[[date, str], list[Payload]]
    hours_without_trades: list[Payload] = field(default_factory=list)
    lists: Payload = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    statements: Payload | None = None
    traders: list[str] = field(default_factory=lambda: list(TRADERS))
    markets: list[str] = field(default_factory=lambda: ["DE"])
    by_market: list[Payload] = field(default_factory=list)
    limits: list[Payload] = field(default_factory=list)
    capture_gaps: list[Payload] = field(default_factory=list)
    now: datetime = NOW
    days: tuple[date, date] | None = (date(2026, 3, 1), TODAY + timedelta(days=1))
    history: list[Payload] = field(default_factory=list)
    status: Payload = field(default_factory=lambda: good_status())
    health: Payload = field(default_factory=lambda: good_health())
    failure: tuple[int, str] | None = None
    failing: tuple[str, ...] = ()
    has_events: bool = True
    version: int = 1

    def desk(self, day: date | None, trader: str, as_of: str | None, market: str = "") -> Payload:
        day = day or self.now.astimezone(MARKET.timezone).date()
        rows = self.rows(day, trader)
        return {
            "version": str(self.version),
            "day": day.isoformat(),
            "trader": trader or None,
            "as_of": as_of,
            "market": market or self.markets[0],
            "markets": self.markets,
            "market_timezone": MARKET.timezone.key,
            "trading_opens_at": stamp(MARKET.hours_of(day)[0].tradable_from),
            "now": stamp(self.now),
            "days": {"first": self.days[0].isoformat(), "last": self.days[1].isoformat()}
            if self.days
            else {"first": None, "last": None},
            "traders": self.traders,
            "rows": rows,
            "hours_without_trades": [] if as_of else self.hours_without_trades,
            "capture_gaps": [] if rows or as_of else self.capture_gaps,
            "total": total_of(rows),
            "limits": self.limits,
            "gates": [
                {"delivery_hour": hour.delivery_hour, "tradable_until": stamp(hour.tradable_until)}
                for hour in MARKET.hours_of(day)
            ],
        }

    def open_positions(self, day: date) -> list[Payload]:
        open_hours = [hour.delivery_hour for hour in MARKET.hours_of(day) if hour.tradable_until > self.now]
        each = [row | {"trader_id": name} for name in self.traders for row in self.rows(day, name)]
        columns = ("delivery_hour", "trader_id", "net_position_mwh")
        return [{name: row[name] for name in columns} for row in each if row["delivery_hour"] in open_hours]

    def hour(self, query: dict[str, str]) -> Payload:
        lists: Payload = {name: [] for name in ("trades", "statement", "cancelled", "quarantined", "rejected")}
        about = {"day": query.get("day") or TODAY.isoformat(), "hour": query["hour"]}
        return about | {"trader": query.get("trader")} | lists | self.lists

    def range(self, query: dict[str, str]) -> Payload:
        return range_of(self.rows, self.traders, query, self.version, self.days, TODAY)

    def message(self, query: dict[str, str]) -> Payload:
        raw = self.messages.get(query["line"])
        known = {"landing_file": query["landing_file"], "line": int(query["line"]), "is_truncated": False}
        return known | {"raw": raw, "received_at": raw and stamp(NOW - timedelta(minutes=7))}

    def daily(self, day: date, trader: str) -> list[Payload]:
        names = self.traders if trader == "*" else [trader]
        totals = ((name, total_of(self.rows(day, name))) for name in names)
        return [{"delivery_day": day.isoformat(), "trader_id": name} | total for name, total in totals if total]


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def row(
    period: DeliveryPeriod,
    *,
    buy: str = "0",
    sell: str = "0",
    average: str,
    reference: str | None,
    status: str = "final",
    performance: str | None,
    pnl: str | None,
    trades: int = 4,
) -> Payload:
    """A row as the API sends it: every number a text, null where there is none."""
    fills = [
        Fill("buy", Decimal(buy), Decimal(average)),
        Fill("sell", Decimal(sell), Decimal(average)),
    ]
    computed = asdict(compute_pnl(fills, None if reference is None else Decimal(reference)))
    return {
        **{name: value if value is None else f"{value:f}" for name, value in computed.items()},
        "delivery_hour": period.delivery_hour,
        "delivery_start_at": stamp(period.start_at),
        "delivery_end_at": stamp(period.end_at),
        "trade_count": trades,
        "buy_mwh": buy,
        "sell_mwh": sell,
        "average_price_eur_per_mwh": average,
        "reference_price_eur_per_mwh": reference,
        "price_status": status,
        "performance_eur_per_mwh": performance,
        "pnl_eur": pnl,
        "realised_pnl_eur": "0",
        "unrealised_pnl_eur": pnl,
        "is_complete": True,
        "has_unreviewed_messages": False,
        "amendment_count": 0,
        "cancelled_trade_count": 0,
        "capture_gap_seconds": "0",
        "incomplete_because": [],
        "built_at": stamp(NOW - timedelta(seconds=40)),
    }


def total_of(rows: list[Payload]) -> Payload | None:
    if not rows:
        return None

    def add(name: str) -> str:
        return f"{sum((Decimal(each[name]) for each in rows if each[name] is not None), Decimal(0)):f}"

    missing = sum(each["price_status"] == "missing" for each in rows)
    energy = Decimal(add("buy_mwh")) + Decimal(add("sell_mwh"))
    value = sum(
        (
            Decimal(each["average_price_eur_per_mwh"]) * (Decimal(each["buy_mwh"]) + Decimal(each["sell_mwh"]))
            for each in rows
        ),
        Decimal(0),
    )
    statuses = {each["price_status"] for each in rows}
    return {
        "trade_count": sum(each["trade_count"] for each in rows),
        **{name: add(name) for name in rows[0] if re.search(r"(?<!_per)_(mwh|eur)$", name)},
        "average_price_eur_per_mwh": f"{value / energy:f}",
        "price_status": next(name for name in ("missing", "provisional", "final") if name in statuses),
        "pnl_eur": None if missing else add("pnl_eur"),
        "unrealised_pnl_eur": None if missing else add("unrealised_pnl_eur"),
        "priced_pnl_eur": None if missing == len(rows) else add("pnl_eur"),
        "performance_eur_per_mwh": None if missing else f"{Decimal(add('pnl_eur')) / energy:f}",
        "missing_price_count": missing,
        "incomplete_period_count": sum(not each["is_complete"] for each in rows),
    }


def traders_dashboard() -> list[Payload]:
    """The two rows of the traders' own table: +0.4 and -3.2."""
    first, second = (MARKET.period(TODAY, label) for label in ("12-13", "13-14"))
    return [
        row(first, sell="10.0", average="10.2", reference="9.8", performance="0.4", pnl="4.00"),
        row(
            second,
            sell="5.0",
            average="5.7",
            reference="8.9",
            performance="-3.2",
            pnl="-16.00",
            status="provisional",
        ),
    ]


def whole_day(day: date, trader: str = "") -> list[Payload]:
    """A busy day: prices like a sunny one, later hours provisional, the last ones without a price."""
    rows = []
    scale = Decimal(1) if trader else Decimal(4)
    own = sum(map(ord, trader)) % 11  # traders differ
    for number, period in enumerate(MARKET.hours_of(day)):
        buy, sell = (
            Decimal((number * 7 + own * 3) % 11) * scale / 10 + 1,
            Decimal(number * 5 % 13) * scale / 5 + 2,
        )
        reference = Decimal(abs(number - 13) * 9 + number * 17 % 7) - Decimal("21.37")
        average = reference + Decimal((number * 37 + own * 5) % 23 - 10) / 4
        performance = (average - reference) * (sell - buy) / (sell + buy)
        status = "final"
        if day > TODAY or (day == TODAY and number > 20):
            status = "missing"
        elif day == TODAY and number > 13:
            status = "provisional"
        known = status != "missing"
        rows.append(
            row(
                period,
                buy=f"{buy:f}",
                sell=f"{sell:f}",
                average=f"{average:f}",
                reference=f"{reference:f}" if known else None,
                performance=f"{performance:f}" if known else None,
                pnl=f"{performance * (buy + sell):f}" if known else None,
                status=status,
                trades=number * 3 % 17 + 2,
            )
        )
    return rows


def other_each_day(day: date, trader: str = "") -> list[Payload]:
    """whole_day, but each day is better or worse against the reference price than the others."""
    factor = Decimal(day.toordinal() * 7 % 12 - 4) / 2
    rows = whole_day(day, trader)
    for row in rows:
        if row["pnl_eur"] is not None:
            row["pnl_eur"] = row["unrealised_pnl_eur"] = f"{Decimal(row['pnl_eur']) * factor:f}"
            row["performance_eur_per_mwh"] = f"{Decimal(row['performance_eur_per_mwh']) * factor:f}"
    return rows


def history_of(rows: list[Payload]) -> list[Payload]:
    """History of a day's PnL: a step every ten minutes."""
    causes = ["new trades", "price update", "new trades, price update", "late trades"]
    last = Decimal((total_of(rows) or {}).get("priced_pnl_eur") or 0)
    steps = 36
    return [
        {
            "at": stamp(NOW - timedelta(minutes=10 * (steps - step), seconds=-20)),
            "pnl_eur": None,
            "priced_pnl_eur": f"{last * step / steps + Decimal(step * 31 % 17 - 8) * (steps - step) / 4:.4f}",
            "cause": causes[step % 4],
        }
        for step in range(steps + 1)
    ]


def good_status() -> Payload:
    return {
        "now": stamp(NOW),
        "data_as_of": stamp(NOW - timedelta(seconds=20)),
        "data_age_seconds": 20,
        "next_publication_at": stamp(NOW.replace(minute=40, second=0)),
        "next_refresh_at": stamp(NOW.replace(minute=40, second=31)),
        "troubles": [],
    }


LANDING_FILE = "trades/date=2026-11-25/hour=11/capture-service-desk-01-7-20261125T110000000000Z.jsonl"


def review(which: str, action: str) -> str:
    return f"make review {which} ACTION={action} REASON='…'"


def trade(trade_id: str, **columns: Any) -> Payload:
    """A trade as the API lists it."""
    number = sum(map(ord, trade_id))
    row: Payload = {
        "trade_id": trade_id,
        "trader_id": TRADERS[number % 5],
        "direction": "sell",
        "price_eur_per_mwh": f"{number % 700 / 10 - 20:.2f}",
        "quantity_mw": "1.2",
        "energy_mwh": "1.2",
        "delivery_day": TODAY.isoformat(),
        "delivery_hour": "15-16",
        "received_at": stamp(NOW - timedelta(seconds=number)),
        "executed_at": None,
        "market": "DE",
        "revision": 0,
        "source": "stream",
        "is_disputed": False,
        "landing_file": LANDING_FILE,
        "line_number": number,
    }
    return row | columns


def lively_hour() -> Scene:
    """An hour with trades of all kinds, and one about which only messages came that do not count."""
    rule = "each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh"
    held = f"1 trade is held back because it breaks a rule ({rule}): it counts if an engineer accepts it"
    unused = "2 messages from the exchange could not be used: trades may be missing until reviewed"

    def rows(day: date, trader: str) -> list[Payload]:
        rows = [row for row in whole_day(day, trader) if row["delivery_hour"] != "20-21"]
        rows[15] |= {
            "is_complete": False,
            "has_unreviewed_messages": True,
            "cancelled_trade_count": 1,
            "incomplete_because": [unused, held],
        }
        return rows

    scene = busy_day(rows=rows)
    period = MARKET.period(TODAY, "20-21")
    scene.hours_without_trades = [
        {
            "delivery_hour": period.delivery_hour,
            "delivery_start_at": stamp(period.start_at),
            "delivery_end_at": stamp(period.end_at),
            "incomplete_because": [held],
        }
    ]
    scene.messages = {
        "118": '{"deal_confirmation": {"id": "gb_1", "price": 61.5, "quantity": 2, "currency": "GBP"}}',
        "97": "<img src=x onerror=alert(1)>",
        str(sum(map(ord, "q_17"))): '{"deal_confirmation": {"id": "q_17", "price": 11.2, "quantity": 0.1}}',
    }
    scene.lists = {
        "trades": [
            trade("3624e95119f04b7bb054b2f91a980a83", pnl_eur="-1.5"),
            trade(
                "0a5d5e1f6f0c4c5a9d3e8b7a6c5d4e3f",
                direction="buy",
                revision=2,
                quantity_mw="10.5",
                energy_mwh="10.5",
                pnl_eur="-3.6",
            ),
            trade(
                "q_17",
                delivery_hour="15:15-15:30",
                quantity_mw="0.1",
                energy_mwh="0.025",
                pnl_eur="0.2",
                is_disputed=True,
            ),
            trade("b_3", delivery_hour="08-20", direction="buy", quantity_mw="3", energy_mwh="3", pnl_eur=None),
        ],
        "cancelled": [trade("c_9", cancelled_at=stamp(NOW - timedelta(minutes=4)))],
        "quarantined": [
            trade(
                "t_4711",
                price_eur_per_mwh="99999.00",
                expectation=rule,
                quarantined_at=stamp(NOW),
                review_command=review("TRADE=t_4711", "accept|discard"),
            )
        ],
        "rejected": [
            {
                "market": "DE",
                "reason_code": reason_code,
                "reason": reason,
                "detail": detail,
                "raw": raw,
                "received_at": stamp(NOW - timedelta(minutes=7)),
                "delivery_day": TODAY.isoformat() if hours else None,
                "delivery_hours": hours,
                "landing_file": LANDING_FILE,
                "line_number": line,
                "review_command": review(f"FILE={LANDING_FILE} LINE={line}", "discard"),
            }
            for line, reason_code, reason, detail, raw, hours in (
                (
                    118,
                    "foreign_currency",
                    "the currency is not that of the market; nothing is converted",
                    "currency is 'GBP', not EUR",
                    '{"deal_confirmation": {"id": "gb_1", "price": 61.5, "quantity": 2, "currency": "GBP"}}',
                    ["15-16", "16-17"],
                ),
                (
                    97,
                    "invalid_json",
                    "the message is not one JSON value with each key once",
                    "Expecting value: line 1 column 1 (char 0)",
                    "<img src=x onerror=alert(1)>",
                    None,
                ),
            )
        ],
    }
    return scene


def difference(trade_id: str, outcome: str, **columns: Any) -> Payload:
    """A row of reconciliation_differences: sold, 4.2 MW in 15-16; both sides or the one that has it."""
    content = {
        "trader_id": "flex_trader_3",
        "price_eur_per_mwh": "61.50",
        "quantity_mw": "4.2",
        "delivery_day": TODAY.isoformat(),
        "delivery_hour": "15-16",
    }
    sides = {"missing": ("statement",), "unexpected": ("captured",)}.get(outcome, ("captured", "statement"))
    row = {
        "market": "DE",
        "statement_day": (TODAY - timedelta(days=1)).isoformat(),
        "trade_id": trade_id,
        "direction": "sell",
        "outcome": outcome,
        "is_held": False,
        "captured_revision": 0 if "captured" in sides else None,
        "review": None,
        "review_command": review(f"TRADE={trade_id}", "accept|discard")
        if outcome in ("cancelled", "unexpected")
        else None,
        "landing_file": LANDING_FILE,
        "line_number": 7,
    }
    for side in ("captured", "statement"):
        row |= {f"{side}_{name}": value if side in sides else None for name, value in content.items()}
    return row | columns


def reconciled_day(state: str = "differences") -> Scene:
    """The exchange's file of yesterday has added, changed and missed trades; that of today is to come."""
    scene = busy_day()
    differences = [
        difference("a_1", "missing"),
        difference("c_1", "differs", captured_price_eur_per_mwh="99.99", statement_trader_id=None),
        difference("x_1", "cancelled"),
        difference("u_1", "unexpected"),
    ]
    row: Payload = {
        "market": "DE",
        "statement_day": (TODAY - timedelta(days=1)).isoformat(),
        "state": state,
        "alike_count": 9 if state == "held" else 0,
    }
    for side, number in (
        ("captured", 138_102),
        ("statement", 138_223),
        ("matched", 138_100),
        ("missing", 122),
        ("differs", 1),
        ("cancelled", 1),
        ("unexpected", 1),
    ):
        row |= {
            f"{side}_count": number,
            f"{side}_mwh": f"{number * 3}.25",
            f"{side}_cash_flow_eur": f"{number * 150}.5",
        }
    scene.statements = {
        "days": [
            {"statement_day": row["statement_day"], "row": row},
            {"statement_day": TODAY.isoformat(), "row": None},
        ],
        "differences": differences,
    }
    scene.lists = {
        "trades": [trade("a_1", source="statement", revision=-1), trade("u_1")],
        "statement": differences,
    }
    return scene


def good_health() -> Payload:
    connected = stamp(NOW - timedelta(hours=7, minutes=12))
    return {
        "lines": [
            {
                "name": name,
                "host": "desk-01",
                "connected_since": connected if is_connected else None,
                "last_line_at": stamp(NOW - timedelta(seconds=2)),
                "messages_per_minute": 96 if is_connected else 0,
                "is_connected": is_connected,
            }
            for name, is_connected in (("capture-service", True), ("capture_trades", False))
        ],
        "gaps": [
            {
                "gap_start_at": stamp(NOW - timedelta(hours=9)),
                "gap_end_at": stamp(NOW - timedelta(hours=9) + timedelta(minutes=12)),
                "gap_seconds": "720.25",
                "is_ongoing": False,
            }
        ],
        "ledger": {
            "files": 412,
            "lines": 1204511,
            "loaded": 1190022,
            "duplicates": 9000,
            "rejected": 12,
            "events": 5477,
        },
        "rejects": [
            {
                "reason_code": "nonexistent_delivery_hour",
                "unreviewed_count": 3,
                "oldest_unreviewed_at": stamp(NOW - timedelta(minutes=31)),
                "review_command": review(f"FILE={LANDING_FILE} LINE=1204", "discard"),
                "count": 12,
                "last_at": stamp(NOW - timedelta(minutes=9)),
                "raw": '{"deal_confirmation": {"id": "<img src=x onerror=alert(1)>", "price": 1}}',
                "detail": "02-03 does not exist on 2026-03-29 in Europe/Berlin",
            }
        ],
        "quarantined": [
            {
                "expectation": "each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh",
                "count": 2,
                "oldest_received_at": stamp(NOW - timedelta(minutes=74)),
                "review_command": review("TRADE=t_4711", "accept|discard"),
            }
        ],
        "operational_messages": [
            {
                "kind": "heartbeat",
                "message_count": 86400,
                "first_received_at": connected,
                "last_received_at": stamp(NOW - timedelta(seconds=1)),
            }
        ],
        "unknown_fields": [
            {
                "name": "venue",
                "message_count": 1204,
                "first_seen_at": connected,
                "last_seen_at": stamp(NOW - timedelta(seconds=9)),
            }
        ],
        "orphan_cancellations": [],
        "prices": {
            "open_periods": 38,
            "with_price": 35,
            "final": 13,
            "missing": 3,
            "spent_last_minute": 21,
            "per_minute": 50,
            "spent_last_hour": 240,
            "per_hour": 1000,
        },
        "validations": [
            {
                "validation_id": "5f0c",
                "suite": suite,
                "validated_at": stamp(NOW - timedelta(minutes=minutes)),
                "success": suite != "trades",
                "failed_count": 1 if suite == "trades" else 0,
                "expectation_count": 14,
                "detail": "expect_price_in_bounds (warning): 2 of 113" if suite == "trades" else None,
                "href": "data-docs/index.html",
            }
            for minutes, suite in ((3, "pnl_hourly"), (3, "reference_prices"), (4, "trades"))
        ],
        "runs": [
            {
                "dag_id": "refresh_pnl",
                "run_id": "scheduled__2026-11-25T12:31:00+00:00",
                "state": "success",
                "started_at": stamp(NOW - timedelta(minutes=3)),
                "ended_at": stamp(NOW - timedelta(minutes=2)),
                "window": None,
                "error": None,
                "href": "/dags/refresh_pnl/runs/scheduled__2026-11-25T12:31:00+00:00",
            },
            {
                "dag_id": "hourly_pnl",
                "run_id": "scheduled__2026-11-25T11:00:00+00:00",
                "state": "failed",
                "started_at": stamp(NOW - timedelta(minutes=34)),
                "ended_at": stamp(NOW - timedelta(minutes=33)),
                "window": "2026-11-25 11:00 UTC to 2026-11-25 12:00 UTC",
                "error": "the provider answered 503",
                "href": "javascript:alert(1)",
            },
        ],
        "alarms": [],
    }


def busy_day(traders: list[str] | None = None, rows: Callable[[date, str], list[Payload]] = whole_day) -> Scene:
    return Scene(rows=rows, traders=traders or list(TRADERS), history=history_of(whole_day(TODAY)))


def two_rows() -> Scene:
    def rows(day: date, trader: str) -> list[Payload]:
        return traders_dashboard() if day == TODAY else []

    return Scene(rows=rows, history=history_of(traders_dashboard()))


def ranges(traders: list[str] | None = None) -> Scene:
    """Days that differ; in one hour of two days ago the price is missing, and yesterday is not complete."""

    def rows(day: date, trader: str) -> list[Payload]:
        rows = other_each_day(day, trader)
        if day == TODAY - timedelta(days=2):
            rows[7] |= dict.fromkeys(_PRICED) | {"price_status": "missing"}
        if day == TODAY - timedelta(days=1):
            rows[9] |= {"is_complete": False, "incomplete_because": [GAP]}
        return rows

    return busy_day(traders or TRADERS[:3], rows)


def large_numbers() -> Scene:
    """A day of some thousand MWh in quarters of an hour, with notes and marks, and an hour and days of it."""

    def rows(day: date, trader: str) -> list[Payload]:
        rows = other_each_day(day, trader)
        for number, row in enumerate(rows):
            for name in ("buy_mwh", "sell_mwh", "net_position_mwh"):
                row[name] = f"{Decimal(row[name]) * 211 + Decimal('0.125'):f}"
            for name in ("pnl_eur", "unrealised_pnl_eur"):
                row[name] = None if row[name] is None else f"{Decimal(row[name]) * 211:f}"
            row["trade_count"] *= 40
            row["cancelled_trade_count"] = number % 3
            row |= {"is_complete": False, "capture_gap_seconds": "70647", "incomplete_because": [GAP]}
        rows[15]["incomplete_because"] = [
            GAP,
            "1 message from the exchange could not be used: trades may be missing",
        ]
        return rows

    scene = busy_day(rows=rows)
    scene.limits = [limit(f"{hour}-{hour + 1}", None) for hour in range(14, 23)]
    scene.lists["trades"] = [
        trade(
            id,
            direction=direction,
            quantity_mw="20.5",
            energy_mwh="20.125",
            price_eur_per_mwh=price,
            pnl_eur=pnl,
        )
        for id, direction, price, pnl in (
            ("t_0", "buy", "-1081.30", "-1637.125"),
            ("t_1", "sell", "142.15", "12637.5"),
        )
    ]
    return scene


_PRICED = ("reference_price_eur_per_mwh", "performance_eur_per_mwh", "pnl_eur", "unrealised_pnl_eur")


def limit(hour: str | None, trader: str | None, **values: Any) -> Payload:
    """A position of 60.0 MWh, reached at 13:12 and still over the limit of 50, unless told otherwise."""
    return {
        "measure": "position_mwh",
        "trader_id": trader,
        "delivery_hour": hour,
        "reached_at": stamp(NOW - timedelta(minutes=22)),
        "value": "60.0",
        "net_position_mwh": "60.0",
        "limit_value": "50",
        "trade_id": None,
        "is_over": True,
    } | values


def limits_reached() -> Scene:
    scene = busy_day()
    loss = {"measure": "loss_eur", "value": "1250.50000", "limit_value": "1000.00", "net_position_mwh": None}
    scene.limits = [
        limit(None, "flex_trader_1", **loss),
        limit("15-16", None),
        limit("15-16", "flex_trader_1", net_position_mwh="-60.0", limit_value="12.50"),
        limit("16-17", "flex_trader_2", is_over=False),
    ]
    return scene


def nothing_yet() -> Scene:
    status = good_status() | {"data_as_of": None, "data_age_seconds": None}
    return Scene(rows=lambda day, trader: [], traders=[], days=None, status=status, health={})


def not_captured() -> Scene:
    """Yesterday has no trades, and nothing was connected for a part of the time in which it was tradable."""
    scene = two_rows()
    start = NOW - timedelta(days=1, hours=2)
    scene.capture_gaps = [
        {"gap_start_at": stamp(start), "gap_end_at": stamp(start + timedelta(hours=3)), "is_ongoing": False}
    ]
    return scene


def provider_down() -> Scene:
    scene = busy_day()
    scene.status["troubles"] = [
        {
            "code": "provider_down",
            "since": stamp(NOW - timedelta(minutes=23)),
            "text": "The price provider does not answer: prices stay as they were, and new hours get none.",
        },
        {
            "code": "capture_down",
            "since": stamp(NOW - timedelta(minutes=2)),
            "text": "We are not connected to the exchange: trades of these minutes may be missing here.",
        },
    ]
    return scene


GAP = "no connection to the exchange for 19 h 37 min of trading time: trades may be missing"


def one_reason_for_many_hours() -> Scene:
    """Thirteen hours in a row are incomplete because of the same gap."""

    def rows(day: date, trader: str) -> list[Payload]:
        rows = whole_day(day, trader)
        for row in rows[9:22]:
            row |= {"is_complete": False, "capture_gap_seconds": "70647", "incomplete_because": [GAP]}
        return rows

    return busy_day(rows=rows)


def incomplete_hours() -> Scene:
    def rows(day: date, trader: str) -> list[Payload]:
        rows = whole_day(day, trader)
        gap = "no connection to the exchange for 12 min of trading time"
        for number, reasons in ((9, [gap]), (15, [gap, "3 trades wait for validation"])):
            rows[number] |= {"is_complete": False, "capture_gap_seconds": "720", "incomplete_because": reasons}
        return rows

    return busy_day(rows=rows)
