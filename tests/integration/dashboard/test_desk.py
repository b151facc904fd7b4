"""The table of a day: the numbers of the warehouse, every digit, and what is missing in words."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

import pytest

from include.dashboard.app import create_app
from include.dashboard.service import Service
from include.domain.delivery_period import Market
from include.settings import Settings
from tests.factories import MARKET, ago
from tests.integration.dashboard.conftest import DAY, LOGIN, PAUSE, Client, Desk, login, served
from tests.integration.jobs.test_statement_alarms import statement_of

NUMBERS = [
    "buy_mwh",
    "sell_mwh",
    "net_position_mwh",
    "average_price_eur_per_mwh",
    "reference_price_eur_per_mwh",
    "performance_eur_per_mwh",
    "pnl_eur",
    "realised_pnl_eur",
    "unrealised_pnl_eur",
    "capture_gap_seconds",
]


def test_the_traders_table_says_how_they_are_doing(dashboard: Desk, client: Client) -> None:
    desk = client.json("desk", day=str(DAY), trader="anna")
    shown = [
        (
            row["delivery_hour"],
            row["average_price_eur_per_mwh"],
            row["reference_price_eur_per_mwh"],
            row["performance_eur_per_mwh"],
        )
        for row in desk["rows"]
    ]
    assert shown == [("12-13", "10.2", "9.8", "0.4"), ("13-14", "5.7", "8.9", "-3.2")]
    assert (desk["total"]["pnl_eur"], desk["total"]["trade_count"]) == ("-2.8", 2)
    assert desk["days"] == {"first": "2023-02-06", "last": "2023-02-06"}
    assert desk["traders"] == ["anna"]
    assert desk["rows"][0]["delivery_start_at"] == "2023-02-06T11:00:00Z"
    assert (desk["day"], desk["trader"], desk["as_of"]) == ("2023-02-06", "anna", None)
    assert desk["trading_opens_at"] == "2023-02-05T14:00:00Z"
    assert (desk["market_timezone"], desk["version"]) == ("Europe/Berlin", client.json("version")["version"])


def test_the_portfolio_is_as_if_all_traders_were_one(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "50.25", "anna", "3.3")
    desk.buy("12-13", "40.1", "bert", "1.7")
    desk.price("12-13", "41.123456")
    desk.build()
    shown = client.json("desk", day=str(DAY))
    assert shown["trader"] is None
    assert shown["traders"] == ["anna", "bert"]
    (row,) = shown["rows"]
    expected = desk.database.rows(
        f"SELECT {', '.join(f'{name}::text' for name in NUMBERS)} FROM curated.portfolio_pnl_hourly"
    )
    assert [tuple(row[name] for name in NUMBERS)] == expected
    assert row["realised_pnl_eur"] == "17.255"  # 1.7 MWh bought at 40.1 and sold at 50.25
    assert shown["total"]["pnl_eur"] == row["pnl_eur"]


def test_a_price_that_is_missing_is_null_and_so_is_what_needs_it(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2")
    desk.sell("13-14", "5.7")
    desk.price("12-13", "9.8")
    desk.price("13-14", None)
    desk.build()
    shown = client.json("desk", day=str(DAY), trader="anna")
    missing = shown["rows"][1]
    for name in ("reference_price_eur_per_mwh", "performance_eur_per_mwh", "pnl_eur", "unrealised_pnl_eur"):
        assert missing[name] is None
    assert (missing["price_status"], missing["average_price_eur_per_mwh"]) == ("missing", "5.7")
    total = shown["total"]
    assert (total["pnl_eur"], total["priced_pnl_eur"], total["missing_price_count"]) == (None, "0.4", 1)
    assert (total["price_status"], total["incomplete_period_count"]) == ("missing", 0)


def test_an_empty_day_has_no_rows_and_no_total(dashboard: Desk, client: Client) -> None:
    shown = client.json("desk")
    assert (shown["rows"], shown["total"]) == ([], None)
    assert shown["traders"] == ["anna"]
    assert shown["day"] == str(dashboard.database.value("SELECT (now() AT TIME ZONE 'Europe/Berlin')::date"))


def test_an_empty_day_says_when_nothing_was_connected_while_it_was_tradable(
    dashboard: Desk, client: Client
) -> None:
    empty = DAY + timedelta(days=1)
    start, end = dashboard.settings.market.tradable_span_of(empty)
    late = end - timedelta(minutes=10)  # only the last quarter of an hour is still tradable
    dashboard.database.connected(
        1, (start - timedelta(days=9), late), (late + timedelta(minutes=1), end + timedelta(days=9))
    )
    (told,) = client.json("desk", day=str(empty))["capture_gaps"]
    assert datetime.fromisoformat(told["gap_start_at"]) == late
    assert datetime.fromisoformat(told["gap_end_at"]) == late + timedelta(minutes=1)
    assert told["is_ongoing"] is False
    assert client.json("page", day=str(empty), trader="anna")["desk"]["capture_gaps"] == [told]
    assert client.json("desk", day=str(DAY))["capture_gaps"] == [], "its rows know it"
    assert client.json("desk", day=str(empty + timedelta(days=2)))["capture_gaps"] == []
    statement_of(dashboard.database, empty, is_by_delivery_day=True)
    assert client.json("desk", day=str(empty), trader="bert")["capture_gaps"] == [], "it has all trades"


def test_a_warehouse_without_any_trade_is_no_error(desk: Desk, client: Client) -> None:
    shown = client.json("desk")
    assert (shown["rows"], shown["total"], shown["traders"]) == ([], None, [])
    assert shown["days"] == {"first": None, "last": None}
    assert client.json("desk/history") == {"points": []}


def test_what_was_said_at_a_moment_of_the_past(dashboard: Desk, client: Client) -> None:
    before = dashboard.database.value("SELECT clock_timestamp()")
    dashboard.sell("12-13", "20.2", "bert")
    dashboard.price("13-14", "9")
    dashboard.build()
    then = {"as_of": before.isoformat(), "day": str(DAY)}
    assert [row["pnl_eur"] for row in client.json("desk", **then)["rows"]] == ["0.4", "-3.2"]
    assert client.json("desk", **then)["total"]["pnl_eur"] == "-2.8"
    assert client.json("desk", trader="bert", **then)["rows"] == []
    assert [row["pnl_eur"] for row in client.json("desk", day=str(DAY))["rows"]] == ["10.8", "-3.3"]
    long_ago = client.json("desk", day=str(DAY), as_of="2023-01-01T00:00:00Z")
    assert (long_ago["rows"], long_ago["total"]) == ([], None)


def test_what_was_said_of_days_and_portfolio_is_what_the_views_say_now(desk: Desk) -> None:
    for trader, mw in (("anna", "1.3"), ("bert", "0.7")):
        desk.sell("12-13", "10.21", trader, mw)
        desk.buy("13-14", "-3.33", trader, mw)
        desk.buy("12-13", "7.77", trader)
    desk.price("12-13", "9.87")
    desk.build()
    for view in ("pnl_daily", "portfolio_pnl_hourly", "portfolio_pnl_daily"):
        now, then = f"TABLE curated.{view}", f"SELECT * FROM curated.{view}_as_of(now())"
        assert desk.database.value(f"SELECT count(*) FROM ({now}) AS rows") > 0
        assert desk.database.rows(f"({now} EXCEPT {then}) UNION ALL ({then} EXCEPT {now})") == []


def test_the_october_change_has_one_row_of_two_hours_in_its_place(desk: Desk, client: Client) -> None:
    day = date(2025, 10, 26)
    for hour in ("03-04", "02-03", "01-02"):
        desk.sell(hour, "10", day=day)
    desk.build(day)
    rows = client.json("desk", day=str(day))["rows"]
    assert [
        (row["delivery_hour"], row["delivery_start_at"][11:16], row["delivery_end_at"][11:16]) for row in rows
    ] == [
        ("01-02", "23:00", "00:00"),
        ("02-03", "00:00", "02:00"),
        ("03-04", "02:00", "03:00"),
    ]


def test_how_a_days_pnl_came_to_be(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2")
    desk.sell("13-14", "5.7", "bert")
    desk.price("12-13", "9.8")
    desk.build()
    desk.price("13-14", "8.9")
    desk.build()
    desk.price("12-13", "9.9")
    desk.build()
    points = client.json("desk/history", day=str(DAY))["points"]
    assert [(p["pnl_eur"], p["priced_pnl_eur"], p["cause"]) for p in points] == [
        (None, "0.4", "new row"),
        ("-2.8", "-2.8", "price"),
        ("-2.9", "-2.9", "price revision"),
    ]
    assert sorted(p["at"] for p in points) == [p["at"] for p in points]
    bert = client.json("desk/history", day=str(DAY), trader="bert")["points"]
    assert [(p["pnl_eur"], p["cause"]) for p in bert] == [(None, "new row"), ("-3.2", "price")]


def test_an_incomplete_hour_says_why_in_words(dashboard: Desk, client: Client) -> None:
    database = dashboard.database
    database.rows("UPDATE curated.pnl_versions SET capture_gap_seconds = 725.5 WHERE delivery_hour = '12-13'")
    batch = database.batch(state="loaded", name="c", loaded_at=ago(6))
    database.trade(batch, DAY, "13-14", price=5)
    database.insert(
        "ops.pending_delivery_periods", delivery_day=DAY, delivery_hour="13-14", pending_since=ago(16)
    )
    rows = client.json("desk", day=str(DAY), trader="anna")["rows"]
    assert rows[0]["incomplete_because"] == [
        "no connection to the exchange for 12 min of trading time: trades may be missing"
    ]
    assert rows[1]["incomplete_because"] == [
        "changes of this hour are not in the numbers yet",
        "trades for this hour have arrived and are not checked yet",
    ]


REJECTED = (
    "1 message from the exchange could not be used: trades may be missing until an engineer has reviewed it"
)


def test_messages_that_wait_for_a_review_are_a_reason(dashboard: Desk, client: Client) -> None:
    for price, expectation in (("1", "each quantity is above 0 MW"), ("2", "each price is low")):
        dashboard.quarantine(dashboard.sell("12:30-12:45", price), expectation)
    dashboard.reject("12-13", "13-14")
    dashboard.build()
    first, second = client.json("desk", day=str(DAY))["rows"]
    assert first["incomplete_because"] == [
        REJECTED,
        "2 trades are held back because they break a rule (each price is low; each quantity is above 0 MW):"
        " they count if an engineer accepts them",
    ]
    assert second["incomplete_because"] == [REJECTED]
    assert (first["is_complete"], first["has_unreviewed_messages"]) == (False, True)
    assert dashboard.database.value("SELECT count(*) FROM curated.pnl_hourly WHERE is_complete") == 0


def test_a_moment_of_the_past_knows_that_messages_waited(dashboard: Desk, client: Client) -> None:
    dashboard.reject("12-13")
    moment = dashboard.build()
    rows = client.json("desk", day=str(DAY), as_of=moment.isoformat())["rows"]
    assert [row["incomplete_because"] for row in rows] == [["messages of this hour waited for a review"], []]


def test_an_hour_without_any_deal_that_counts_is_not_silent(dashboard: Desk, client: Client) -> None:
    dashboard.quarantine(dashboard.sell("20-21", "1"), "each price is low")
    dashboard.reject("09-10")
    dashboard.build()
    desk = client.json("desk", day=str(DAY))
    assert [row["delivery_hour"] for row in desk["rows"]] == ["12-13", "13-14"]
    assert desk["hours_without_trades"] == [
        {
            "delivery_hour": "09-10",
            "delivery_start_at": "2023-02-06T08:00:00Z",
            "delivery_end_at": "2023-02-06T09:00:00Z",
            "incomplete_because": [REJECTED],
        },
        {
            "delivery_hour": "20-21",
            "delivery_start_at": "2023-02-06T19:00:00Z",
            "delivery_end_at": "2023-02-06T20:00:00Z",
            "incomplete_because": [
                "1 trade is held back because it breaks a rule (each price is low): it counts if an engineer"
                " accepts it"
            ],
        },
    ]
    for selection in ({"as_of": "2023-03-01T00:00:00Z"}, {"day": "2023-02-07"}):
        assert client.json("desk", **{"day": str(DAY)} | selection)["hours_without_trades"] == []


def test_an_hour_counts_its_amendments_and_cancellations(desk: Desk, client: Client) -> None:
    for revision in (0, 1):
        desk.sell("12-13", "10", trade_id="a", revision=revision)
    desk.sell("12-13", "10", "bert", trade_id="b")
    desk.sell("12-13", "10", "bert", trade_id="c")
    desk.cancel("b", datetime(2023, 2, 6, tzinfo=UTC))
    desk.build()
    (row,) = client.json("desk", day=str(DAY))["rows"]
    assert (row["trade_count"], row["amendment_count"], row["cancelled_trade_count"]) == (2, 2, 1)


def test_a_price_that_is_overdue_is_a_reason_and_says_what_the_provider_did(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2")
    desk.build()
    desk.database.rows("UPDATE curated.pnl_versions SET valid_from = valid_from - interval '1 hour'")
    (row,) = client.json("desk", day=str(DAY))["rows"]
    assert row["incomplete_because"] == ["the reference price is overdue: the provider was never asked"]


def test_a_build_is_seen_a_moment_later_with_a_new_version(dashboard: Desk, client: Client) -> None:
    before = client.json("desk", day=str(DAY))
    assert client.json("desk", day=str(DAY))["version"] == before["version"]
    dashboard.sell("12-13", "20.2", "bert")
    dashboard.build()
    _version_after_a_look(client)
    after = client.json("desk", day=str(DAY))
    assert after["version"] != before["version"]
    assert after["traders"] == ["anna", "bert"]
    assert after["rows"][0]["trade_count"] == 2


def test_a_publication_that_is_committed_behind_a_later_one_is_seen(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2")
    desk.build()
    before = client.json("version")["version"]
    earlier = desk.database.value("SELECT valid_from - interval '1 second' FROM curated.pnl_versions")
    desk.database.pnl(DAY, "12-13", "bert", None, valid_from=earlier)
    assert _version_after_a_look(client) != before


def test_a_minute_without_any_change_is_one_version(desk: Desk, client: Client) -> None:
    desk.database.rows("SELECT pg_sleep(60 - extract(second FROM clock_timestamp())) WHERE"
                       " extract(second FROM clock_timestamp()) > 55")  # fmt: skip
    before = client.json("version")["version"]
    assert _version_after_a_look(client) == before


def _version_after_a_look(client: Client) -> str:
    time.sleep(PAUSE)
    client.json("version")
    time.sleep(PAUSE)
    version = client.json("version")["version"]
    assert isinstance(version, str)
    return version


def test_all_that_the_page_shows_is_one_answer(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10.2")
    desk.price("12-13", "9.8")
    desk.build()
    before = desk.build()
    desk.sell("12-13", "10.2", "bert")
    desk.build()
    day = {"day": str(DAY)}
    for chosen in ({}, {"trader": "anna"}, {"as_of": before.isoformat()}):
        page = client.json("page", **day, **chosen)
        assert page["desk"] | {"now": None} == client.json("desk", **day, **chosen) | {"now": None}
        is_now = "as_of" not in chosen
        assert page["history"] == (client.json("desk/history", **day, **chosen)["points"] if is_now else [])
        status = client.json("status")
        assert page["status"] == {name: status[name] for name in page["status"]}
        each = {"from": str(DAY), "trader": "*", **{k: v for k, v in chosen.items() if k == "as_of"}}
        assert page["by_trader"] == ([] if "trader" in chosen else client.json("pnl_daily", **each)["rows"])
    assert client.json("page", day="2023-02-07")["by_trader"] == []


def test_limits_that_were_reached(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "50", "anna", "3")
    desk.build()
    desk.database.rows("UPDATE curated.pnl_versions SET valid_from = '2023-02-06T09:58:00Z'")
    desk.buy("12-13", "50", "anna", "9")
    desk.build()
    at = datetime(2023, 2, 6, 10, tzinfo=UTC)
    for trader, hour in ((None, "12-13"), ("anna", "12-13"), ("bert", None)):
        desk.database.insert(
            "ops.limit_breaches",
            market="DE", measure="position_mwh" if hour else "loss_eur",
            scope="trader" if trader else "portfolio", trader_id=trader, delivery_day=DAY, delivery_hour=hour,
            reached_at=at, value=3, limit_value=2,
        )  # fmt: skip

    def limits(**parameters: str) -> list[tuple[str | None, ...]]:
        found = client.json("desk", day=str(DAY), **parameters)["limits"]
        columns = ("trader_id", "delivery_hour", "value", "net_position_mwh", "limit_value")
        return [tuple(row[name] for name in columns) for row in found]

    whole = ("bert", None, "3", None, "2")
    portfolio, anna = (None, "12-13", "3", "-3", "2"), ("anna", "12-13", "3", "-3", "2")
    assert limits() == [whole, portfolio, anna]
    assert limits(trader="anna") == [anna]
    assert limits(as_of="2023-02-06T09:59:59Z") == []


def test_of_a_limit_that_was_changed_the_one_that_was_reached_last_is_shown(desk: Desk, client: Client) -> None:
    for hour, value, limit in ((9, 12, 10), (10, 112, 50)):
        desk.database.insert(
            "ops.limit_breaches",
            market="DE", measure="position_mwh", scope="trader", trader_id="anna", delivery_day=DAY,
            delivery_hour="12-13", reached_at=datetime(2023, 2, 6, hour, tzinfo=UTC), value=value,
            limit_value=limit,
        )  # fmt: skip

    def limits(**parameters: str) -> list[tuple[str, str]]:
        found = client.json("desk", day=str(DAY), **parameters)["limits"]
        return [(row["value"], row["limit_value"]) for row in found]

    assert limits() == [("112", "50")]
    assert limits(as_of="2023-02-06T09:30:00Z") == [("12", "10")]


def test_an_hour_that_was_delivered_over_its_limit_is_not_within_it_again(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime.combine(DAY, clock(12), MARKET.timezone)
    monkeypatch.setattr("include.dashboard.desk.utc_now", lambda: noon.astimezone(UTC))
    desk.sell("11-12", "50", mw="60")
    desk.build()
    for hour in ("11-12", "12-13", None):
        desk.database.insert(
            "ops.limit_breaches",
            market="DE", measure="position_mwh" if hour else "loss_eur", scope="trader", trader_id="anna",
            delivery_day=DAY, delivery_hour=hour, value=60, limit_value=50,
        )  # fmt: skip
    limits = client.json("desk", day=str(DAY))["limits"]
    assert {limit["delivery_hour"]: limit["is_over"] for limit in limits} == {
        None: False,
        "11-12": None,
        "12-13": False,
    }


def test_what_can_be_done_before_the_gates_close(desk: Desk, client: Client) -> None:
    """The gates of tomorrow are open, those of yesterday are not."""
    today = datetime.now(MARKET.timezone).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    for day in (tomorrow, yesterday):
        desk.sell("12-13", "50", "anna", "3", day=day)
        desk.buy("12-13", "50", "bert", "1.25", day=day)
        desk.buy("13-14", "50", "anna", "2", day=day)
    at = desk.build(yesterday, tomorrow)
    desk.database.insert(
        "ops.limits", market="DE", measure="position_mwh", scope="trader", trader_id=None, limit_value=3
    )
    for day, trader, hour in (
        (tomorrow, "anna", "12-13"),
        (tomorrow, "bert", "12-13"),
        (yesterday, "anna", "12-13"),
    ):
        desk.database.insert(
            "ops.limit_breaches",
            market="DE", measure="position_mwh", scope="trader", trader_id=trader, delivery_day=day,
            delivery_hour=hour, value=3, limit_value=3,
        )  # fmt: skip

    page = client.json("page", day=str(tomorrow))
    assert [tuple(row.values()) for row in page["open_positions"]] == [
        ("12-13", "anna", "-3"),
        ("12-13", "bert", "1.25"),
        ("13-14", "anna", "2"),
    ]
    over = [(limit["trader_id"], limit["is_over"]) for limit in page["desk"]["limits"]]
    assert over == [("anna", True), ("bert", False)]
    assert len(page["desk"]["gates"]) == len(MARKET.hours_of(tomorrow))
    noon = datetime.combine(tomorrow, clock(11, 55), MARKET.timezone).astimezone(UTC)
    gate = {"delivery_hour": "12-13", "tradable_until": noon.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert gate in page["desk"]["gates"]

    past = client.json("page", day=str(yesterday))
    assert past["open_positions"] == []
    assert [limit["is_over"] for limit in past["desk"]["limits"]] == [None], (
        "nobody measures a day that is over"
    )
    assert client.json("page", day=str(tomorrow), trader="anna")["open_positions"] == []
    assert client.json("page", day=str(tomorrow), as_of=at.isoformat())["open_positions"] == []


def test_each_of_the_doubled_hours_of_october_has_its_gate(desk: Desk, client: Client) -> None:
    october = [datetime(datetime.now(UTC).year + 1, 10, number).date() for number in range(25, 32)]
    (day,) = (day for day in october if day.weekday() == 6)
    desk.sell("02-03A", "50", "anna", "3", day=day)
    desk.sell("02-03", "50", "bert", "2", day=day)
    desk.buy("02:15-02:30B", "50", "anna", "1", day=day)
    desk.build(day)
    page = client.json("page", day=str(day))
    assert [tuple(row.values()) for row in page["open_positions"]] == [
        ("02-03A", "anna", "-3"),
        ("02-03", "bert", "-2"),
        ("02-03B", "anna", "0.25"),
    ]
    gates = {gate["delivery_hour"]: gate["tradable_until"] for gate in page["desk"]["gates"]}
    assert len(gates) == 26
    first, second = f"{day - timedelta(days=1)}T23:55:00Z", f"{day}T00:55:00Z"
    shown = {hour: gates[hour] for hour in ("02-03", "02-03A", "02-03B")}
    assert shown == {"02-03": second, "02-03A": first, "02-03B": second}


def test_an_hour_that_does_not_exist_any_more_is_no_error(desk: Desk, settings: Settings) -> None:
    """A time zone was corrected; the one before had an hour that the right one skips."""
    london = replace(settings, market=Market.of("Europe/London"))
    march = [datetime(datetime.now(UTC).year + 1, 3, number).date() for number in range(25, 32)]
    (day,) = (day for day in march if day.weekday() == 6)
    desk.sell("01-02", "50", "anna", "3", day=day)
    desk.sell("03-04", "50", "anna", "2", day=day)
    desk.reject("01-02", "05-06", day=day)
    desk.build(day)
    service = Service(lambda: [london])
    with served(create_app(lambda: [london], login, "", service)) as url:
        client = Client(url, LOGIN)
        page = client.json("page", day=str(day))
        client.session.close()
    service.close()
    assert [row["delivery_hour"] for row in page["desk"]["rows"]] == ["01-02", "03-04"]
    assert [row["delivery_hour"] for row in page["open_positions"]] == ["03-04"]
    assert [row["delivery_hour"] for row in page["desk"]["hours_without_trades"]] == ["05-06"]
