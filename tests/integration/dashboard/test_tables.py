"""PnL, trades and gaps as JSON and as files: of one trader, of each, of the portfolio, now and then."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

from tests.integration.dashboard.conftest import DAY, Client, Desk

DAYS = {"from": str(DAY), "to": str(DAY + timedelta(days=1))}


def rows_of(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def traded(desk: Desk) -> None:
    desk.sell("12-13", "10.2")
    desk.sell("13-14", "5.7", "=cmd|' /C calc'!A0")
    desk.sell("09-10", "-3.25", day=DAY + timedelta(days=1))
    desk.price("12-13", "9.8")
    desk.price("13-14", "8.9")
    desk.build(DAY, DAY + timedelta(days=1))


def test_of_whom(desk: Desk, client: Client) -> None:
    traded(desk)

    def shown(trader: str) -> list[tuple[str | None, str]]:
        rows = client.json("pnl_hourly", trader=trader, **DAYS)["rows"]
        return [(row["trader_id"], row["delivery_hour"]) for row in rows]

    assert shown("anna") == [("anna", "12-13"), ("anna", "09-10")]
    assert shown("") == [(None, "12-13"), (None, "13-14"), (None, "09-10")]
    assert shown("*") == [("anna", "12-13"), ("=cmd|' /C calc'!A0", "13-14"), ("anna", "09-10")]
    assert shown("nobody") == []


def test_days_and_what_was_said_of_them(desk: Desk, client: Client) -> None:
    traded(desk)
    moment = desk.database.value("SELECT clock_timestamp()").isoformat()
    desk.price("12-13", "10")
    desk.build()
    days = client.json("pnl_daily", **DAYS)["rows"]
    assert [(d["delivery_day"], d["pnl_eur"], d["price_status"]) for d in days] == [
        ("2023-02-06", "-3.0", "final"),
        ("2023-02-07", None, "missing"),
    ]
    then = client.json("pnl_daily", as_of=moment, trader="*", **DAYS)["rows"]
    assert [(d["trader_id"], d["pnl_eur"]) for d in then] == [
        ("=cmd|' /C calc'!A0", "-3.2"),
        ("anna", "0.4"),
        ("anna", None),
    ]


def test_weeks_and_months_with_any_of_the_days(desk: Desk, client: Client) -> None:
    traded(desk)
    later = DAY + timedelta(days=23)  # Wednesday, the 1st of March
    desk.sell("12-13", "20", day=later)
    desk.price("12-13", "5", later)
    desk.build(later)
    moment = desk.database.value("SELECT clock_timestamp()").isoformat()

    def shown(table: str, first: str, last: str, **parameters: str) -> list[tuple[str | None, ...]]:
        rows = client.json(table, **{"from": first, "to": last}, **parameters)["rows"]
        key = "delivery_week" if table == "pnl_weekly" else "delivery_month"
        names = (key, "trader_id", "pnl_eur", "priced_pnl_eur", "delivery_day_count", "missing_price_count")
        return [tuple(row[name] for name in names) for row in rows]

    february = ("2023-02-01", None, None, "-2.8", 2, 1)
    assert shown("pnl_monthly", "2023-02-28", "2023-02-28") == [february]
    assert shown("pnl_monthly", "2023-02-28", "2023-03-01", as_of=moment) == [
        february,
        ("2023-03-01", None, "15", "15", 1, 0),
    ]
    assert shown("pnl_weekly", "2023-02-13", "2023-02-26") == []
    assert shown("pnl_weekly", "2023-02-12", "2023-02-27", trader="anna") == [
        ("2023-02-06", "anna", None, "0.4", 2, 1),
        ("2023-02-27", "anna", "15", "15", 1, 0),
    ]
    assert [row[1] for row in shown("pnl_weekly", "2023-02-06", "2023-02-06", trader="*")] == [
        "=cmd|' /C calc'!A0",
        "anna",
    ]
    reply = client.get("api/v1/pnl_weekly", **{"from": "2023-02-06", "to": "2023-02-06"}, format="csv")
    assert reply.content.startswith(b"\xef\xbb\xbfdelivery_week,trader_id,market,delivery_day_count,")


def test_a_file_that_a_spreadsheet_opens(desk: Desk, client: Client) -> None:
    traded(desk)
    reply = client.get("api/v1/pnl_hourly", format="csv", trader="*", **DAYS)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == (
        'attachment; filename="pnl_hourly-2023-02-06-2023-02-07.csv"'
    )
    assert reply.content.startswith(b"\xef\xbb\xbfdelivery_day,delivery_period,trader_id,")
    assert reply.content.count(b"\r\n") == reply.content.count(b"\n") == 4
    rows = rows_of(reply.content.decode("utf-8-sig"))
    assert [row["delivery_period"] for row in rows] == [
        "2023-02-06 12-13",
        "2023-02-06 13-14",
        "2023-02-07 09-10",
    ]
    assert [row["pnl_eur"] for row in rows] == ["0.4", "-3.2", ""]
    assert rows[1]["trader_id"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["delivery_start_at"] == "2023-02-06 11:00:00"


def test_a_file_for_who_writes_a_comma(desk: Desk, client: Client) -> None:
    traded(desk)
    reply = client.get("api/v1/pnl_hourly", format="csv", decimal="comma", trader="anna", **DAYS)
    rows = rows_of(reply.content.decode("utf-8-sig"), ";")
    assert [row["average_price_eur_per_mwh"] for row in rows] == ["10,2", "-3,25"]


def test_quarters_of_an_hour_add_up_to_it(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2", mw="1.6")
    desk.sell("12:15-12:30", "11.1", mw="2")
    desk.buy("12-13", "7", "bert")
    desk.price("12-13", "9.8")
    desk.build()
    (hour,) = client.json("pnl_hourly", trader="anna", **DAYS)["rows"]
    quarters = client.json("pnl_quarter_hourly", day=str(DAY), trader="anna")["rows"]
    assert [
        (q["delivery_quarter"], Decimal(q["sell_mwh"]), q["delivery_start_at"][11:16]) for q in quarters
    ] == [
        ("12:00-12:15", Decimal("0.4"), "11:00"),
        ("12:15-12:30", Decimal("0.9"), "11:15"),
        ("12:30-12:45", Decimal("0.4"), "11:30"),
        ("12:45-13:00", Decimal("0.4"), "11:45"),
    ]
    for name in ("sell_mwh", "cash_flow_eur", "pnl_eur"):
        assert sum(Decimal(q[name]) for q in quarters) == Decimal(hour[name]), name
    assert Decimal(quarters[1]["pnl_eur"]) == Decimal("0.81")  # 0.4 MWh at 0.4 and 0.5 MWh at 1.3 EUR/MWh more
    text = client.get("api/v1/pnl_quarter_hourly", day=str(DAY), format="csv").content.decode("utf-8-sig")
    assert [(row["delivery_quarter"], row["trader_id"]) for row in rows_of(text)][:2] == [
        ("12:00-12:15", "anna"),
        ("12:00-12:15", "bert"),
    ]


def test_trades_the_last_first(desk: Desk, client: Client) -> None:
    traded(desk)
    rows = client.json("trades", day=str(DAY))["rows"]
    assert [row["trade_id"] for row in rows] == ["t2", "t1"]
    assert (rows[1]["price_eur_per_mwh"], rows[1]["energy_mwh"], rows[1]["direction"]) == ("10.2", "1", "sell")
    assert [row["trade_id"] for row in client.json("trades", day=str(DAY), limit="1")["rows"]] == ["t2"]
    assert [row["trade_id"] for row in client.json("trades", day=str(DAY), hour="12-13")["rows"]] == ["t1"]
    assert [row["trade_id"] for row in client.json("trades", day=str(DAY), trader="anna")["rows"]] == ["t1"]


def test_gaps_of_days(desk: Desk, client: Client) -> None:
    for start, end in (
        ("06 10:00Z", "06 10:15Z"),
        ("06 10:15:07.25Z", "07 11:00Z"),
        ("07 11:01Z", "07 12:00Z"),
    ):
        desk.database.connected(1, (f"2023-02-{start}", f"2023-02-{end}"))
    rows = client.json("gaps", **{"from": "2023-02-06"})["rows"]
    assert rows == [
        {
            "gap_start_at": "2023-02-06T10:15:00Z",
            "gap_end_at": "2023-02-06T10:15:07.250000Z",
            "gap_seconds": "7.250000",
            "is_ongoing": False,
        }
    ]
    assert len(client.json("gaps", **DAYS)["rows"]) == 2
