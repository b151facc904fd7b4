"""What became of the messages of an hour: trades that count, cancelled ones, quarantine and rejects."""

import csv
import io
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.dashboard.conftest import DAY, PAUSE, Client, Desk

OPEN = datetime(2023, 2, 6, 9, 30, tzinfo=UTC)
"""10:30 in Berlin: hours from 10-11 on are being traded until 5 minutes before they begin."""


def hour_of(client: Client, hour: str = "12-13", **parameters: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.json("hour", day=str(DAY), hour=hour, **parameters)
    return answer


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["trade_id"] for row in rows]


def test_an_hour_has_what_delivers_in_it_with_its_energy(desk: Desk, client: Client) -> None:
    for number, (label, mw) in enumerate(
        (("12-13", "2"), ("12:15-12:30", "2"), ("12:30-13:00", "2"), ("10-14", "3"), ("13-14", "9"))
    ):
        desk.sell(label, "10", mw=mw, trade_id=f"t{number}", received_at=OPEN.replace(minute=number))
    shown = hour_of(client)
    assert [(t["trade_id"], t["delivery_hour"], float(t["energy_mwh"])) for t in shown["trades"]] == [
        ("t3", "10-14", 3.0),
        ("t2", "12:30-13:00", 1.0),
        ("t1", "12:15-12:30", 0.5),
        ("t0", "12-13", 2.0),
    ]
    assert (shown["day"], shown["hour"], shown["trader"]) == (str(DAY), "12-13", None)
    assert (shown["cancelled"], shown["quarantined"], shown["rejected"]) == ([], [], [])
    assert ids(hour_of(client, "10-11")["trades"]) == ["t3"]
    assert ids(hour_of(client, "H13")["trades"]) == ["t3", "t2", "t1", "t0"], "as exchanges write it"
    whole = client.json("trades", day=str(DAY))["rows"]
    assert {t["trade_id"]: float(t["energy_mwh"]) for t in whole} == {
        "t0": 2.0, "t1": 0.5, "t2": 1.0, "t3": 12.0, "t4": 9.0
    }  # fmt: skip
    quarter = client.json("trades", day=str(DAY), hour="12:15-12:30")["rows"]
    assert [(t["trade_id"], float(t["energy_mwh"])) for t in quarter] == [("t1", 0.5)]


def test_what_each_trade_adds_to_the_pnl_of_its_hours(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2", "anna", "4", trade_id="sold")
    desk.buy("12-13", "10.05", "bert", "1.5", trade_id="bought")
    desk.sell("12:15-12:30", "12", "bert", "2", trade_id="quarter")
    desk.buy("12-14", "-7", "anna", "3", trade_id="block")
    desk.price("12-13", "9.8")
    desk.build()
    shown = {t["trade_id"]: t["pnl_eur"] for t in hour_of(client)["trades"]}
    assert {name: Decimal(value) for name, value in shown.items()} == {
        "sold": Decimal("1.6"),  # 4 MWh at 0.4 more than the reference price
        "bought": Decimal("-0.375"),
        "quarter": Decimal("1.1"),
        "block": Decimal("50.4"),
    }
    (row,) = (r for r in client.json("desk", day=str(DAY))["rows"] if r["delivery_hour"] == "12-13")
    assert Decimal(row["pnl_eur"]) == sum(map(Decimal, shown.values()))

    whole = {t["trade_id"]: t["pnl_eur"] for t in client.json("trades", day=str(DAY))["rows"]}
    assert whole["block"] is None, "13-14 has no price"
    assert whole["sold"] == shown["sold"]
    desk.price("13-14", "1")
    desk.build()
    for _ in range(2):  # the first question makes it look
        time.sleep(PAUSE)
        client.json("version")
    whole = {t["trade_id"]: t["pnl_eur"] for t in client.json("trades", day=str(DAY))["rows"]}
    assert Decimal(whole["block"]) == Decimal("74.4")  # 3 x 16.8 + 3 x 8


def test_a_trade_says_where_it_comes_from_and_what_it_is(desk: Desk, client: Client) -> None:
    for revision in (0, 1):
        desk.sell("12-13", "10", trade_id="a", revision=revision, is_disputed=revision == 1)
    (trade,) = client.json("trades", day=str(DAY))["rows"]
    known = desk.database.rows("SELECT line_number FROM raw.trades WHERE revision = 1")
    assert trade | {"revision": 1, "is_disputed": True, "market": "DE", "landing_file": "trades/a"} == trade
    assert [(trade["line_number"],)] == known


def test_an_hour_has_the_trades_of_one_trader(desk: Desk, client: Client) -> None:
    for trader in ("anna", "bert"):
        desk.sell("12-13", "10", trader, trade_id=f"of {trader}")
        desk.quarantine(desk.sell("12-13", "10", trader, trade_id=f"odd one of {trader}"))
        desk.sell("12-13", "10", trader, trade_id=f"no more of {trader}")
        desk.cancel(f"no more of {trader}", OPEN)
    desk.reject("12-13")
    shown = hour_of(client, trader="anna")
    assert shown["trader"] == "anna"
    assert ids(shown["trades"]) == ["of anna"]
    assert ids(shown["quarantined"]) == ["odd one of anna"]
    assert ids(shown["cancelled"]) == ["no more of anna"]
    assert len(shown["rejected"]) == 1, "whose it would have been is not known"


def test_a_cancelled_trade_is_shown_with_its_time(desk: Desk, client: Client) -> None:
    desk.sell("10-14", "10", mw="3", trade_id="a")
    desk.sell("12-13", "10", trade_id="b")
    desk.cancel("a", OPEN)
    shown = hour_of(client)
    assert ids(shown["trades"]) == ["b"]
    (cancelled,) = shown["cancelled"]
    assert (cancelled["trade_id"], cancelled["delivery_hour"], float(cancelled["energy_mwh"])) == (
        "a",
        "10-14",
        3,
    )
    assert cancelled["cancelled_at"] == "2023-02-06T09:30:00Z"
    assert ids(client.json("cancelled_trades", day=str(DAY), hour="15-16")["rows"]) == []
    (cancelled,) = client.json("cancelled_trades", day=str(DAY))["rows"]
    assert float(cancelled["energy_mwh"]) == 12


def test_a_quarantined_trade_says_what_it_breaks_and_how_to_decide(desk: Desk, client: Client) -> None:
    desk.sell("12:15-12:30", "10", mw="-2", trade_id="a")
    desk.quarantine("a")
    shown = hour_of(client)
    assert shown["trades"] == []
    (trade,) = shown["quarantined"]
    assert (trade["trade_id"], trade["expectation"]) == ("a", "each quantity is above 0 MW")
    assert (trade["delivery_hour"], float(trade["energy_mwh"])) == ("12:15-12:30", -0.5)
    assert trade["review_command"] == "make review TRADE=a ACTION=accept|discard REASON='…'"
    assert client.json("quarantined_trades", day=str(DAY))["rows"] == [trade]
    for review, counts in (("accept", ["a"]), ("discard", [])):
        desk.database.rows(
            "UPDATE ops.quarantined_trades SET review = %s, review_reason = 'r', reviewed_at = now()", (review,)
        )
        desk.build(date(2000, 1, 1))
        rows = client.json("trades", day=str(DAY), limit=f"{len(review)}")["rows"]  # another answer than before
        assert ids(rows) == counts
        assert client.json("quarantined_trades", day=str(DAY), limit=f"{len(review)}")["rows"] == []


def test_a_reject_says_why_and_concerns_what_it_tells(desk: Desk, client: Client) -> None:
    line = desk.reject(
        "12-13", "13-14", reason_code="foreign_currency", detail="GBP", raw="{}", received_at=OPEN
    )
    desk.reject("15-16")
    for hour in ("12-13", "13-14"):
        (reject,) = hour_of(client, hour)["rejected"]
        assert reject == {
            "market": "DE",
            "reason_code": "foreign_currency",
            "reason": "the currency is not that of the market; nothing is converted",
            "detail": "GBP",
            "raw": "{}",
            "received_at": "2023-02-06T09:30:00Z",
            "delivery_day": str(DAY),
            "delivery_hours": ["12-13", "13-14"],
            "landing_file": "trades/a",
            "line_number": line,
            "review_command": f"make review FILE=trades/a LINE={line} ACTION=discard REASON='…'",
        }
    assert hour_of(client, "14-15")["rejected"] == []
    assert [len(hour_of(client, period)["rejected"]) for period in ("15-16", "14-16", "15:45-16:00")] == [1] * 3
    assert len(client.json("rejected_messages", day=str(DAY))["rows"]) == 2


def test_a_reject_that_tells_nothing_concerns_what_was_tradable(desk: Desk, client: Client) -> None:
    for hour in ("10-11", "12-13", "15-16"):
        desk.sell(hour, "10")
    desk.reject(received_at=OPEN, reason_code="invalid_json")
    desk.reject(received_at=OPEN, reason_code="torn_line")
    assert hour_of(client, "10-11")["rejected"] == [], "its trading had ended"
    for hour in ("12-13", "15-16"):
        (reject,) = hour_of(client, hour)["rejected"]
        assert (reject["reason_code"], reject["delivery_day"], reject["delivery_hours"]) == (
            "invalid_json",
            None,
            None,
        )
    assert len(client.json("rejected_messages", day=str(DAY))["rows"]) == 1
    desk.database.rows(
        "UPDATE ops.rejected_messages SET review = 'discard', review_reason = 'r', reviewed_at = now()"
    )
    assert client.json("rejected_messages", day=str(DAY), limit="9")["rows"] == []


def test_a_line_without_a_time_has_the_one_of_its_file(desk: Desk, client: Client) -> None:
    desk.reject("12-13", received_at=None, reason_code="foreign_line")
    (reject,) = hour_of(client)["rejected"]
    assert reject["received_at"] == "2026-03-02T00:00:00Z"


def test_lists_are_files_too(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.5", trade_id="=1+1", revision=2)
    desk.quarantine(desk.sell("12-13", "1", trade_id="odd"))
    desk.reject("12-13", raw="-1", received_at=OPEN)

    def rows(name: str, decimal: str = "point") -> list[dict[str, str]]:
        text = client.get(f"api/v1/{name}", day=str(DAY), format="csv", decimal=decimal).content.decode(
            "utf-8-sig"
        )
        return list(csv.DictReader(io.StringIO(text), delimiter="," if decimal == "point" else ";"))

    (trade,) = rows("trades", "comma")
    assert list(trade)[:12] == [
        "trade_id", "trader_id", "direction", "price_eur_per_mwh", "quantity_mw", "energy_mwh", "delivery_day",
        "delivery_period", "delivery_start_at", "delivery_end_at", "executed_at", "received_at",
    ]  # fmt: skip
    assert (trade["trade_id"], trade["price_eur_per_mwh"], trade["revision"], trade["is_disputed"]) == (
        "'=1+1", "10,5", "2", "FALSE"
    )  # fmt: skip
    (odd,) = rows("quarantined_trades")
    assert odd["review_command"].startswith("make review TRADE=odd ")
    (reject,) = rows("rejected_messages")
    assert (reject["raw"], reject["delivery_hours"], reject["landing_file"]) == ("'-1", "'12-13", "trades/a")
    assert rows("cancelled_trades") == []


@pytest.mark.parametrize(
    ("hour", "words"), [("", "hour must be"), ("14", "not '14'"), ("99-100", "not '99-100'")]
)
def test_an_hour_is_named(client: Client, hour: str, words: str) -> None:
    reply = client.get("api/v1/hour", day=str(DAY), hour=hour)
    assert reply.status_code == 400
    assert words in reply.json()["error"]
