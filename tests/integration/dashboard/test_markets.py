"""Two markets on one desk: each by itself, and both together."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from include.dashboard.app import create_app
from include.dashboard.service import Service
from include.domain.delivery_period import Market
from include.load.ledger import store_periods
from include.settings import Settings
from tests.factories import Database
from tests.integration.dashboard.conftest import DAY, LOGIN, Client, Desk, login, served

FINLAND = Market(ZoneInfo("Europe/Helsinki"), "FI")


@pytest.fixture
def client(settings: Settings, dashboard: Desk, database: Database) -> Iterator[Client]:
    """The desk of Germany, where anna lost 2.8 EUR, and of Finland, where paavo bought 2 MWh at 30 EUR/MWh."""
    finland = FINLAND.period(DAY, "14-15")
    database.insert("ops.markets", market="FI", position=2, timezone="Europe/Helsinki", currency="EUR")
    database.insert(
        "curated.pnl_versions",
        market="FI",
        delivery_day=DAY,
        delivery_hour="14-15",
        trader_id="paavo",
        delivery_start_at=finland.start_at,
        delivery_end_at=finland.end_at,
        trade_count=1,
        starting_trade_count=1,
        buy_mwh=2,
        sell_mwh=0,
        buy_value_eur=60,
        sell_value_eur=0,
        reference_price_eur_per_mwh="35.05",
        price_status="final",
        capture_gap_seconds=0,
        amendment_count=0,
        cancelled_trade_count=0,
        has_unreviewed_messages=False,
        valid_from=datetime(2023, 3, 1, tzinfo=UTC),
    )

    def markets() -> list[Settings]:
        return [settings, replace(settings, market=FINLAND, is_first_market=False)]

    service = Service(markets)
    with served(create_app(markets, login, "", service)) as url:
        client = Client(url, LOGIN)
        yield client
        client.session.close()
    service.close()


def test_without_a_choice_it_is_the_first_market(client: Client) -> None:
    desk = client.json("desk", day=str(DAY))
    assert (desk["market"], desk["markets"], desk["market_timezone"]) == ("DE", ["DE", "FI"], "Europe/Berlin")
    assert [row["delivery_hour"] for row in desk["rows"]] == ["12-13", "13-14"]
    assert desk["traders"] == ["anna"]
    assert desk["total"]["pnl_eur"] == "-2.8"


def test_a_market_is_shown_by_itself_and_in_its_own_time(client: Client) -> None:
    desk = client.json("desk", day=str(DAY), market="FI")
    assert (desk["market"], desk["market_timezone"]) == ("FI", "Europe/Helsinki")
    assert [(row["delivery_hour"], row["delivery_start_at"], row["pnl_eur"]) for row in desk["rows"]] == [
        ("14-15", "2023-02-06T12:00:00Z", "10.10")
    ]
    assert desk["traders"] == ["paavo"]
    assert desk["days"] == {"first": str(DAY), "last": str(DAY)}
    assert client.json("desk", day="2023-02-07", market="FI")["rows"] == []
    assert client.json("trades", day=str(DAY), market="FI")["rows"] == []
    assert len(client.json("trades", day=str(DAY), market="DE")["rows"]) == 2


def test_the_portfolio_over_markets_is_their_sum(client: Client, database: Database) -> None:
    page = client.json("page", day=str(DAY))
    assert [(row["market"], row["pnl_eur"], row["trade_count"]) for row in page["by_market"]] == [
        ("DE", "-2.8", 2),
        ("FI", "10.10", 1),
        (None, "7.30", 3),
    ]
    assert client.json("page", day="2023-02-07")["by_market"] == []


def test_the_sum_is_undefined_while_a_market_lacks_a_price(client: Client, dashboard: Desk) -> None:
    dashboard.sell("15-16", "20")
    dashboard.build(DAY)
    total = client.json("page", day=str(DAY), market="FI")["by_market"][-1]
    assert (total["pnl_eur"], total["priced_pnl_eur"], total["missing_price_count"]) == (None, "7.30", 1)


def test_files_are_named_after_the_market(client: Client) -> None:
    reply = client.get("api/v1/pnl_daily", **{"from": str(DAY), "market": "FI", "format": "csv", "trader": "*"})
    assert 'filename="pnl_daily-FI-2023-02-06.csv"' in reply.headers["Content-Disposition"]
    assert "paavo" in reply.text
    assert "anna" not in reply.text


def test_a_command_for_another_market_than_the_first_names_it(client: Client, dashboard: Desk) -> None:
    store_periods(dashboard.database.cursor, [FINLAND.period(DAY, "14-15")])
    for market in ("DE", "FI"):
        dashboard.reject("14-15", market=market)
    for market, end in (("DE", "REASON='…'"), ("FI", "REASON='…' MARKET=FI")):
        rows = [
            *client.json("health", market=market)["rejects"],
            *client.json("rejected_messages", day=str(DAY), market=market)["rows"],
            *client.json("hour", day=str(DAY), hour="14-15", market=market)["rejected"],
        ]
        assert [row["review_command"].endswith(end) for row in rows] == [True] * 3


@pytest.mark.parametrize("route", ["desk", "page", "health", "trades", "gaps", "pnl_hourly", "status"])
def test_an_unknown_market_is_a_mistake_and_said_so(client: Client, route: str) -> None:
    reply = client.get(f"api/v1/{route}", market="XX")
    assert reply.status_code == 400
    assert reply.json()["error"] == "market must be DE or FI."
