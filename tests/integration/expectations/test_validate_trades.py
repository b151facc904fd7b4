"""Trades that were loaded: each is judged by itself, whatever it was loaded with."""

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.errors import TransientError
from include.expectations import acceptance, data_docs, validation
from include.expectations import trades as trades_expectations
from include.expectations.library import ExpectNoRows
from include.expectations.review import Selection, decide
from include.jobs import validate_trades
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.connection import LOCK_TIMEOUT, STATEMENT_TIMEOUT
from tests.integration.expectations.conftest import DAY, Warehouse

AT = datetime(2023, 2, 6, 8, tzinfo=UTC)


@pytest.fixture
def pages() -> None:
    """They are written here."""


def test_a_good_batch_is_accepted(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.trades(12, 12, 13)
    assert validate_trades.run(settings) == {"batches": 1, "rows": 3, "quarantined": 0, "warnings": 0}
    assert warehouse.rows("SELECT state, validated_at IS NULL FROM ops.load_batches") == [("accepted", False)]
    assert warehouse.pending() == [("12-13", "trades"), ("13-14", "trades")]
    assert warehouse.values("SELECT count(*) FROM curated.trades") == [3]
    results = warehouse.rows(
        "SELECT suite, is_success, severity, detail, load_batch_ids FROM ops.validation_results"
    )
    assert {(suite, ok, detail, *ids) for suite, ok, _, detail, ids in results} == {
        ("trades", True, "met by all", batch_id)
    }
    assert {severity for _, _, severity, _, _ in results} == {"critical", "warning"}
    assert warehouse.values("SELECT count(*) FROM pg_views WHERE viewname LIKE 'checked%'") == [0]


def test_the_first_trades_are_analyzed_before_anything_joins_them(
    settings: Settings, warehouse: Warehouse
) -> None:
    """Without statistics the check of a build compares each trade with each: minutes for a few hundred."""
    unknown = "SELECT reltuples < 0 FROM pg_class WHERE oid = 'raw.trades'::regclass"
    warehouse.trades(12, 12, 13)
    assert warehouse.values(unknown) == [True]
    validate_trades.run(settings)
    assert warehouse.values(unknown) == [False]


def test_the_bounds_of_the_exchange_and_unusual_names_are_good(
    settings: Settings, warehouse: Warehouse
) -> None:
    batch_id = warehouse.batch(loaded=4)
    for price in ("9999.99", "-9999.99", "0", "-0.01"):
        warehouse.trade(batch_id, hour=0, price_eur_per_mwh=price, trader_id="händler 'ä' %s {batch} $x")
    assert validate_trades.run(settings)["quarantined"] == 0
    assert warehouse.state(batch_id) == "accepted"


@pytest.mark.parametrize(
    ("changes", "expectation"),
    [
        ({"price_eur_per_mwh": "9999.991"}, "each price is within the exchange's bounds"),
        ({"price_eur_per_mwh": "-10000"}, "each price is within the exchange's bounds"),
        ({"quantity_mw": "0"}, "each quantity is above 0 MW"),
        ({"quantity_mw": "-0.1"}, "each quantity is above 0 MW"),
        ({"direction": "hold"}, "each trade is a buy or a sell"),
        ({"trader_id": ""}, "each trade says who traded"),
        ({"trade_id": ""}, "each trade's id has characters"),
        ({"delivery_hour": "13-14"}, "start and end of delivery are those of the delivery hour"),
        ({"delivery_day": "2023-02-07"}, "delivery starts on the delivery day"),
    ],
)
def test_a_bad_trade_is_quarantined_and_the_others_count(
    settings: Settings, warehouse: Warehouse, changes: dict[str, str], expectation: str
) -> None:
    warehouse.period(13)
    batch_id = warehouse.batch(loaded=2)
    good = warehouse.trade(batch_id)
    warehouse.trade(batch_id, **changes)
    assert validate_trades.run(settings) | {"warnings": 0} == {
        "batches": 1, "rows": 2, "quarantined": 1, "warnings": 0,
    }  # fmt: skip
    assert warehouse.state(batch_id) == "accepted"
    assert ("12-13", "trades") in warehouse.pending()
    assert warehouse.values("SELECT trade_id FROM curated.trades") == [good]
    ((trade_id, broken, line, review),) = warehouse.rows(
        "SELECT trade_id, expectation, line_number, review FROM ops.quarantined_trades"
    )
    assert (trade_id, line, review) == (changes.get("trade_id", "t2"), 2, None)
    assert expectation in broken
    ((count, detail),) = warehouse.rows(
        "SELECT unexpected_count, detail FROM ops.validation_results"
        " WHERE NOT is_success AND expectation LIKE %s || '%%'",
        (expectation,),
    )
    assert count == 1
    assert "file-0.jsonl, line_number 2" in detail


@pytest.mark.parametrize(("price", "review"), [(-10_000, "discard"), (-20_000, None), (10, ...)])
def test_a_decision_holds_for_as_long_as_the_trade_says_the_same(
    settings: Settings, warehouse: Warehouse, price: int, review: Any
) -> None:
    """Its message is read otherwise once its file is loaded again with a changed rule."""
    batch_id = warehouse.batch(loaded=1)
    warehouse.trade(batch_id, price_eur_per_mwh=-10_000)
    validate_trades.run(settings)
    decide(settings, "discard", "a typing error", Selection(expectation="bounds"))
    warehouse.rows("UPDATE raw.trades SET price_eur_per_mwh = %s", (price,))
    warehouse.rows("UPDATE ops.load_batches SET state = 'loaded'")
    validate_trades.run(settings)
    assert warehouse.rows("SELECT price_eur_per_mwh, review FROM ops.quarantined_trades") == (
        [] if review is ... else [(price, review)]
    )
    assert warehouse.values("SELECT price_eur_per_mwh FROM curated.trades") == ([10] if review is ... else [])


def test_a_trade_that_breaks_several_expectations_is_quarantined_once(
    settings: Settings, warehouse: Warehouse
) -> None:
    batch_id = warehouse.batch(loaded=1)
    warehouse.trade(batch_id, price_eur_per_mwh="-10000", quantity_mw="0")
    assert validate_trades.run(settings)["quarantined"] == 1
    assert warehouse.values("SELECT expectation FROM ops.quarantined_trades") == [
        "each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh; each quantity is above 0 MW"
    ]


def test_rejects_hold_back_nothing(settings: Settings, warehouse: Warehouse) -> None:
    batches = [warehouse.trades(12, rejected=99), warehouse.batch(rejected=10), warehouse.batch(torn=1)]
    assert validate_trades.run(settings)["quarantined"] == 0
    assert [warehouse.state(batch_id) for batch_id in batches] == ["accepted"] * 3
    assert warehouse.values("SELECT count(*) FROM curated.trades") == [1]


def test_hundreds_of_batches_are_judged_together(settings: Settings, warehouse: Warehouse) -> None:
    warehouse.trades(12)
    for _ in range(300):
        batch_id = warehouse.batch(loaded=2)
        for price in (1, 10_000 if batch_id % 3 == 0 else 1):
            warehouse.trade(batch_id, price_eur_per_mwh=price)
    assert validate_trades.run(settings)["quarantined"] == 100
    assert warehouse.values("SELECT DISTINCT state FROM ops.load_batches") == ["accepted"]
    assert warehouse.values(
        "SELECT DISTINCT load_batch_id % 3 FROM ops.quarantined_trades JOIN raw.trades USING (trade_id)"
    ) == [0]
    assert warehouse.values("SELECT count(*) FROM curated.trades") == [501]
    assert warehouse.values("SELECT count(DISTINCT validation_id) FROM ops.validation_results") == [1]


@pytest.mark.parametrize(
    ("rows_a_portion", "portions", "rows_to_vacuum", "has_statistics"), [(2, 3, 5, True), (5, 1, 6, False)]
)
def test_a_mass_load_is_judged_in_portions_and_with_statistics(
    settings: Settings,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    rows_a_portion: int,
    portions: int,
    rows_to_vacuum: int,
    has_statistics: bool,
) -> None:
    monkeypatch.setattr(acceptance, "_ROWS_PER_VALIDATION", rows_a_portion)
    monkeypatch.setattr(acceptance, "_ROWS_TO_VACUUM", rows_to_vacuum)
    warehouse.rows("ANALYZE raw.trades")  # else the first load is analyzed, however small
    ids = [warehouse.trades(12, 13), warehouse.trades(12, 13), warehouse.trades(14)]
    assert validate_trades.run(settings) == {"batches": 3, "rows": 5, "quarantined": 0, "warnings": 0}
    assert [warehouse.state(batch_id) for batch_id in ids] == ["accepted"] * 3
    assert warehouse.values("SELECT count(DISTINCT validation_id) FROM ops.validation_results") == [portions]
    assert warehouse.values("SELECT reltuples > 0 FROM pg_class WHERE oid = 'raw.trades'::regclass") == [
        has_statistics
    ]


def test_what_is_only_odd_is_reported_and_accepted(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.batch(loaded=3)
    warehouse.trade(batch_id, executed_at="2023-02-06 11:00:01+00", received_at="2023-02-06 11:00:02+00")
    warehouse.trade(batch_id, executed_at="2023-02-06 04:59:00+00")
    warehouse.trade(batch_id, executed_at="2099-02-06 08:00:00+00", received_at="2099-02-06 08:00:00+00")
    assert validate_trades.run(settings)["warnings"] == 3
    assert warehouse.state(batch_id) == "accepted"
    assert warehouse.rows(
        "SELECT expectation, unexpected_count FROM ops.validation_results WHERE NOT is_success"
    ) == [
        ("no trade was executed after its delivery began", 2),
        ("each trade was executed within 3 hours of its receipt", 1),
        ("no trade was received after it was loaded (the clock of the capture would be ahead)", 1),
    ]


@pytest.mark.parametrize(("label", "quantity"), [("12-13", "500.1"), ("12:15-12:30", "501"), ("13-17", "9999")])
def test_an_unusual_quantity_is_a_warning(
    settings: Settings, warehouse: Warehouse, label: str, quantity: str
) -> None:
    batch_id = warehouse.batch(loaded=2)
    for quantity_mw in ("500", quantity):
        warehouse.database.trade(
            batch_id, DAY, label, quantity=Decimal(quantity_mw), executed_at=AT, received_at=AT
        )
    assert validate_trades.run(settings) == {"batches": 1, "rows": 2, "quarantined": 0, "warnings": 1}
    assert warehouse.rows(
        "SELECT expectation, unexpected_count FROM ops.validation_results WHERE NOT is_success"
    ) == [("each quantity is at most 500 MW", 1)]
    assert warehouse.values("SELECT count(*) FROM curated.trades") == [2]
    other = replace(settings, trade_max_quantity_mw=499)
    warehouse.rows("UPDATE ops.load_batches SET state = 'loaded'")
    validate_trades.run(other)
    assert "each quantity is at most 499 MW" in warehouse.broken()


@pytest.mark.parametrize(
    ("label", "price", "is_odd"),
    [
        ("12-13", "510", False),  # the reference price is 10
        ("12-13", "510.01", True),
        ("12-13", "-490", False),
        ("12-13", "-490.01", True),
        ("12:45-13:00", "510.01", True),  # the price of its hour
        ("14-15", "9999", False),  # has no price
        ("15-16", "9999", False),  # has none yet
        ("12-14", "-490", False),  # between the prices of its hours, 10 and 200
        ("12-14", "700", False),
        ("12-14", "700.01", True),
        ("12-15", "700.01", True),  # by those of its hours that have one
    ],
)
def test_a_price_far_from_the_reference_price_of_its_hour_is_a_warning(
    settings: Settings, warehouse: Warehouse, label: str, price: str, is_odd: bool
) -> None:
    prices = warehouse.batch("reference_prices", loaded=4, state="accepted")
    for hour, value, at in (
        (12, "9000", "11:20"),
        (12, "10", "11:30"),
        (13, "200", "12:00"),
        (15, None, "12:00"),
    ):
        warehouse.price(prices, hour, value, f"2023-02-06 {at}:00+00")
    warehouse.price(warehouse.batch("reference_prices", loaded=1), 14, "10")  # not validated
    batch_id = warehouse.batch(loaded=2)
    for _ in range(2):
        warehouse.database.trade(batch_id, DAY, label, price=Decimal(price), executed_at=AT, received_at=AT)
    assert validate_trades.run(settings) == {"batches": 1, "rows": 2, "quarantined": 0, "warnings": int(is_odd)}
    found = warehouse.rows(
        "SELECT expectation, unexpected_count FROM ops.validation_results WHERE NOT is_success"
    )
    assert (
        found
        == [("each price is at most 500 EUR/MWh away from the reference price of its hour, if there is one", 2)]
        * is_odd
    )


def test_nothing_to_do_does_not_even_import_great_expectations(
    settings: Settings, warehouse: Warehouse
) -> None:
    warehouse.trades(12, state="accepted")
    script = (
        "import sys; from include.jobs import validate_trades; from include.settings import Settings;"
        "summary = validate_trades.run(Settings.from_environment());"
        "sys.exit(0 if summary['batches'] == 0 and 'great_expectations' not in sys.modules else 1)"
    )
    environment = {**os.environ, "WAREHOUSE_URL": settings.warehouse_url}
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, env=environment, check=True, timeout=60)
    assert warehouse.values("SELECT count(*) FROM ops.validation_results") == [0]


def test_two_validations_at_once_decide_once(settings: Settings, warehouse: Warehouse) -> None:
    warehouse.trades(12)
    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(lambda _: validate_trades.run(settings), range(2)))
    assert sorted(summary["batches"] for summary in summaries) == [0, 1]
    assert warehouse.pending() == [("12-13", "trades")]


def test_a_broken_database_decides_nothing(settings: Settings, warehouse: Warehouse) -> None:
    batch_id = warehouse.trades(12)
    away = replace(settings, warehouse_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(TransientError):
        validate_trades.run(away)
    suite = trades_expectations.suite(settings)
    with pytest.raises(TransientError, match="no_such_view"):
        validation.validate(settings, warehouse.database.connection, suite, "no_such_view")
    with pytest.raises(TransientError):
        validation.validate(away, warehouse.database.connection, suite, "no_such_view")
    assert warehouse.state(batch_id) == "loaded"


def test_great_expectations_has_the_timeouts_of_every_connection(
    settings: Settings, warehouse: Warehouse
) -> None:
    names = ("statement_timeout", "lock_timeout", "tcp_user_timeout", "tcp_keepalives_idle", "TimeZone")
    shown = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    warehouse.rows(f"CREATE VIEW staging.session AS SELECT {shown}")
    expectation = ExpectNoRows(
        unexpected_rows_query="SELECT * FROM {batch} WHERE (statement_timeout, lock_timeout, tcp_user_timeout,"
        f" tcp_keepalives_idle, timezone) <> ('{STATEMENT_TIMEOUT}', '{LOCK_TIMEOUT}', '30000', '15', 'UTC')",
        severity="critical",
        description="the session has the timeouts",
    )
    (finding,) = validation.validate(
        settings, warehouse.database.connection, validation.Suite("session", (), [expectation]), "session"
    )
    assert finding.is_success


def test_what_a_killed_validation_left_is_removed(settings: Settings, warehouse: Warehouse) -> None:
    alive = f"checked_trades_{warehouse.database.connection.info.backend_pid}_0a1b2c3d"
    for name in ("checked_trades_99999999_0a1b2c3d", "somebody_elses_99999999_0a1b2c3d", alive):
        warehouse.rows(f"CREATE VIEW staging.{name} AS SELECT 1 AS one")
    warehouse.trades(12)
    validate_trades.run(settings)
    left = warehouse.values("SELECT viewname FROM pg_views WHERE viewname LIKE '%0a1b2c3d'")
    assert sorted(left) == sorted([alive, "somebody_elses_99999999_0a1b2c3d"])


def test_the_data_docs_show_the_last_validations_and_no_foreign_text(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_docs, "KEPT", 2)
    settings.data_docs_root.mkdir()
    settings.data_docs_root.chmod(0o755)  # as an earlier release made it
    for hour in range(3):
        for _ in range(2):
            warehouse.trades(12 + hour)
            validate_trades.run(settings)
        batch_id = warehouse.batch(loaded=1)
        warehouse.trade(batch_id, trader_id="<script>alert(1)</script>", direction="<script>alert(2)</script>")
        validate_trades.run(settings)
    all_pages = list((settings.data_docs_root / "validations").rglob("*.html"))
    shown = warehouse.values(
        "SELECT validation_id FROM ops.validation_results"
        " GROUP BY 1 HAVING NOT bool_and(is_success) ORDER BY max(validation_result_id) DESC LIMIT 2"
    )
    assert settings.data_docs_root.stat().st_mode & 0o777 == 0o700
    index = (settings.data_docs_root / "index.html").read_text()
    pages = sorted(page for page in all_pages if any(name in str(page) for name in shown))
    assert len(pages) == 2
    assert len(all_pages) == 4, "what was met does not push out what was not"
    assert "https:" not in index, "the list needs no network"
    assert len(list((settings.data_docs_root / "validations" / "trades").iterdir())) == 4
    for validation_id, page in zip(sorted(shown), pages, strict=True):
        assert validation_id in str(page)
        assert validation_id in index
        assert "each trade is a buy or a sell" in page.read_text()
    everything = [path for path in settings.data_docs_root.rglob("*") if path.suffix in (".html", ".json")]
    password = settings.warehouse_url.split("@")[0].rsplit(":", 1)[-1]
    for path in everything:
        assert "alert(" not in path.read_text()
        assert password not in path.read_text()


def test_the_page_of_a_suite_is_written_once_and_again_when_it_is_gone(
    settings: Settings, warehouse: Warehouse
) -> None:
    written = set[float]()
    page = settings.data_docs_root / "expectations" / "trades.html"
    for hour in (12, 13, 14):
        warehouse.trades(hour)
        validate_trades.run(settings)
        written.add(page.stat().st_mtime)
        assert "each trade is a buy or a sell" in page.read_text()
        if hour == 13:
            page.unlink()
    assert len(written) == 2


def test_data_docs_that_cannot_be_written_stop_nothing(
    settings: Settings, warehouse: Warehouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    batch_id = warehouse.trades(12)
    with caplog.at_level(logging.WARNING):
        validate_trades.run(replace(settings, data_docs_root=tmp_path / "file" / "docs"))
    assert warehouse.state(batch_id) == "accepted"
    assert "no data docs" in caplog.text
