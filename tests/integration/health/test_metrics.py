"""Each metric is right for a warehouse whose contents are known."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from include.domain.delivery_period import Market
from include.health.metrics import METRICS, full_name
from include.health.warehouse import read_warehouse
from include.landing import TRADES, event_line
from include.landing_writer import LandingWriter
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.queries import fetch_dicts, load_queries
from tests.factories import NOW, Database, ago
from tests.integration.dashboard.conftest import Desk
from tests.integration.health.conftest import Exporter, Samples

DAY = date(2023, 2, 6)


def age(samples: Samples, metric: str, *labels: str) -> float:
    """Whole minutes."""
    return round((datetime.now(UTC).timestamp() - samples[metric, labels]) / 60)


def file(database: Database, name: str, minutes: float, is_connected: bool, **counts: int) -> int:
    """A landing file of a capture instance whose last loaded line was written so long ago."""
    path = f"trades/date=2026-03-02/hour=11/{name}-20260302T110000000000Z.jsonl"
    columns = {"last_received_at": ago(minutes), "is_connected": is_connected, **counts}
    return int(database.insert("ops.landing_files", landing_file=path, hour_start_at=NOW, **columns))


def batch(database: Database, file_id: int, minutes: float, **columns: int) -> int:
    """What a load so long ago brought of the file."""
    return int(database.insert("ops.load_batches", landing_file_id=file_id, loaded_at=ago(minutes), **columns))


def run(database: Database, dag: str, minutes: float, state: str) -> None:
    database.insert(
        "ops.task_runs",
        dag_id=dag,
        run_id=f"r{minutes}",
        run_type="scheduled",
        started_at=ago(minutes + 0.1),
        ended_at=None if state == "running" else ago(minutes),
        state=state,
        longest_seconds=3600,
    )


def test_an_empty_warehouse_has_metrics_and_nothing_is_wrong(exporter: Exporter) -> None:
    samples = exporter.scrape()
    assert samples["warehouse_up", ()] == 1
    for metric in ("capture_gap_open", "capture_gaps_today", "capture_gap_seconds_today",
                   "pending_delivery_periods", "missing_prices", "provider_requests_total", "provider_down",
                   "newest_trade_timestamp_seconds", "pnl_published_timestamp_seconds"):  # fmt: skip
        assert (metric, samples[metric, ()]) == (metric, 0)
    assert [samples["unreviewed_messages", (problem,)] for problem in ("quarantined", "rejected")] == [0, 0]
    assert [name for name, _ in samples if name in ("alarm", "last_run_success", "lines_total")] == []
    assert {labels: number for (name, labels), number in samples.items() if name == "freshness_late"} == {
        (thing,): 0.0 for thing in ("hourly_pnl", "reference_prices", "trades", "build", "pending")
    }


def test_each_capture_instance(exporter: Exporter, database: Database) -> None:
    first = file(database, "standalone-host-1-7", 2, True, loaded_count=9, event_count=1)
    file(database, "airflow-worker-9", 30, False, event_count=3)
    batch(database, first, 1, loaded_count=40, duplicate_count=8, rejected_count=2, event_count=6)
    samples = exporter.scrape()
    host, worker = ("standalone", "host-1"), ("airflow", "worker")
    assert [samples["capture_connected", instance] for instance in (host, worker)] == [1, 0]
    assert [age(samples, "capture_last_line_timestamp_seconds", *instance) for instance in (host, worker)] == [
        2,
        30,
    ]
    assert [samples["capture_messages_per_minute", instance] for instance in (host, worker)] == [50, 0]


def test_a_capture_instance_whose_clock_was_ahead(exporter: Exporter, database: Database) -> None:
    """The file of the wrong time tells of now only where there is no other one."""
    set_right = file(database, "standalone-host-1-7", 2, True, event_count=1)
    ahead = file(database, "standalone-host-1-6", -600, False, event_count=1)
    file(database, "airflow-worker-9", -600, True, event_count=1)
    database.connected(set_right, (ago(20), ago(2)))
    database.connected(ahead, (ago(-590), ago(-600)))
    samples = exporter.scrape()
    host, worker = ("standalone", "host-1"), ("airflow", "worker")
    assert [samples["capture_connected", instance] for instance in (host, worker)] == [1, 1]
    assert age(samples, "capture_last_line_timestamp_seconds", *host) == 2
    assert samples["capture_last_line_timestamp_seconds", worker] == 0
    instances = load_queries("warehouse/queries.sql")["capture_instances"]
    since = {
        row["name"]: row["connected_since"] for row in fetch_dicts(database.cursor, instances, {"market": "DE"})
    }
    assert since["airflow"] is None
    assert abs(since["standalone"] - ago(20)) < timedelta(seconds=30)


def test_lines_by_what_became_of_them(exporter: Exporter, database: Database) -> None:
    first = file(
        database, "a-host-1", 1, True, loaded_count=100, duplicate_count=30, rejected_count=4, event_count=20
    )
    second = file(database, "b-host-2", 1, True, loaded_count=1, event_count=2)
    batch(database, first, 59, loaded_count=50, rejected_count=3)
    batch(database, second, 1, loaded_count=1, duplicate_count=5, event_count=2)
    batch(database, first, 61, loaded_count=1000)
    batch(database, first, 5, is_reload=True, loaded_count=1000)
    samples = exporter.scrape()

    def by_outcome(metric: str) -> dict[str, float]:
        found = {labels: number for (name, labels), number in samples.items() if name == metric}
        assert {source for _, source in found} == {"trades"}
        return {outcome: number for (outcome, _), number in found.items()}

    assert by_outcome("lines_total") == {"loaded": 101, "duplicate": 30, "rejected": 4, "event": 22}
    assert by_outcome("lines_last_hour") == {"loaded": 51, "duplicate": 5, "rejected": 3, "event": 2}


def test_rejects_by_reason_and_what_waits_for_a_review(exporter: Exporter, database: Database) -> None:
    batch_id = database.batch(name="c")
    database.quarantine(database.trade(batch_id, DAY, "12-13"))
    for number, reason in enumerate(("invalid_price", "invalid_price", "torn_line"), 11):
        database.insert(
            "ops.rejected_messages",
            landing_file_id=1,
            line_number=number,
            load_batch_id=batch_id,
            reason_code=reason,
        )
    samples = exporter.scrape()
    assert samples["rejected_messages_total", ("invalid_price", "trades")] == 2
    assert samples["rejected_messages_total", ("torn_line", "trades")] == 1
    problems = ("quarantined", "rejected")
    assert [samples["unreviewed_messages", (problem,)] for problem in problems] == [1, 2], "a torn line is none"
    for table in ("quarantined_trades", "rejected_messages"):
        database.rows(f"UPDATE ops.{table} SET review = 'discard', review_reason = 'r', reviewed_at = now()")
    samples = exporter.scrape()
    assert [samples["unreviewed_messages", (problem,)] for problem in problems] == [0, 0]
    assert samples["rejected_messages_total", ("invalid_price", "trades")] == 2


def test_gaps_of_today(settings: Settings, database: Database) -> None:
    # a moment of its own: midnight of the market must be neither near nor far
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    midnight = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    file_id = file(database, "a-host-1", 1, True, event_count=1)
    database.connected(
        file_id,
        (midnight - 600 * minute, midnight - 10 * minute),
        (midnight + 5 * minute, midnight + 60 * minute),
        (midnight + 62 * minute, now - 3 * minute),
    )

    def gaps() -> dict[str, float]:
        samples = read_warehouse([settings], now, lambda _: None).samples
        return {name: number for name, _, number in samples if name.startswith("capture_gap")}

    assert gaps() == {"capture_gap_open": 0, "capture_gaps_today": 2, "capture_gap_seconds_today": 7 * 60}
    database.insert("ops.landing_scans", scanned_at=now)
    assert gaps() == {"capture_gap_open": 1, "capture_gaps_today": 3, "capture_gap_seconds_today": 10 * 60}


def test_the_newest_trade_counts_only_once_it_is_accepted(exporter: Exporter, database: Database) -> None:
    for minutes, state in ((20, "accepted"), (3, "loaded")):
        number = database.batch(state=state, name=state, loaded_count=1)
        database.trade(number, DAY, "12-13", received_at=ago(minutes))
    assert age(exporter.scrape(), "newest_trade_timestamp_seconds") == 20
    database.rows("UPDATE ops.load_batches SET state = 'accepted'")
    assert age(exporter.scrape(), "newest_trade_timestamp_seconds") == 3


def test_a_trade_that_was_received_in_the_future_is_not_the_newest(
    exporter: Exporter, database: Database
) -> None:
    number = database.batch(loaded_count=1)
    database.trade(number, DAY, "12-13", received_at=ago(20))
    this_hour = ago(0).replace(minute=0, second=0, microsecond=0)
    for hours in (0, 10):
        for minutes in range(5):
            number = database.batch(
                name=f"ahead-{hours}", hour_start_at=this_hour + timedelta(hours=hours), loaded_count=1
            )
            database.trade(number, DAY, "12-13", received_at=ago(-60 * hours - minutes - 10))
    assert age(exporter.scrape(), "newest_trade_timestamp_seconds") == 20


def test_what_waits_and_what_was_published(exporter: Exporter, database: Database, settings: Settings) -> None:
    desk = Desk(database, settings)
    desk.sell("12-13", "10.2")
    desk.price("12-13", "9.8")
    published = desk.build()
    database.pending([(DAY, "12-13"), (DAY, "12-13")])
    desk.sell("13-14", "5.7")
    database.pending([(DAY, "13-14")])
    samples = exporter.scrape()
    assert samples["pending_delivery_periods", ()] == 2
    assert abs(samples["pnl_published_timestamp_seconds", ()] - published.timestamp()) < 5


def test_what_is_fresh_and_what_is_late(exporter: Exporter, database: Database) -> None:
    run(database, "refresh_pnl", 300, "success")
    database.price(database.batch("reference_prices"), DAY, "12-13", None, ago(24))
    file(database, "a-host-1", 16, True, event_count=1)
    samples = exporter.scrape()
    assert age(samples, "freshness_timestamp_seconds", "reference_prices") == 24
    assert age(samples, "freshness_timestamp_seconds", "trades") == 16
    assert samples["freshness_limit_seconds", ("reference_prices",)] == 25 * 60
    assert samples["freshness_late", ("reference_prices",)] == 0
    assert samples["freshness_late", ("trades",)] == 1
    assert samples["freshness_timestamp_seconds", ("hourly_pnl",)] == 0
    assert samples["freshness_late", ("hourly_pnl",)] == 1
    rules = (PROJECT_ROOT / "docs" / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    for thing in (labels[0] for name, labels in samples if name == "freshness_late"):
        assert f'power_desk_freshness_late{{thing="{thing}"}} == 1' in rules


def test_prices_of_the_open_hours(exporter: Exporter, database: Database) -> None:
    open_now = Market.of("Europe/Berlin").tradable_hours(datetime.now(UTC))
    assert len(open_now) > 3
    prices = database.batch("reference_prices", name="p")
    for period in open_now[1:3]:
        database.price(prices, period.delivery_day, period.delivery_hour, Decimal(9), ago(5))
    final = open_now[1]
    database.rows(
        "UPDATE raw.delivery_periods SET price_final_from = now() - interval '1 hour'"
        " WHERE (delivery_day, delivery_hour) = (%s, %s)",
        (final.delivery_day, final.delivery_hour),
    )
    samples = exporter.scrape()
    by_status = {status: samples["open_hours", (status,)] for status in ("final", "provisional", "missing")}
    assert by_status == {"final": 1, "provisional": 1, "missing": len(open_now) - 2}


def test_a_price_that_is_due_is_missing(exporter: Exporter, database: Database, settings: Settings) -> None:
    desk = Desk(database, settings)
    desk.sell("12-13", "10.2")
    desk.build()
    assert exporter.scrape()["missing_prices", ()] == 0
    database.rows("UPDATE curated.pnl_versions SET valid_from = now() - interval '16 minutes'")
    assert exporter.scrape()["missing_prices", ()] == 1


def test_the_providers_budget_and_answers(exporter: Exporter, database: Database) -> None:
    for minutes in (0.5, 20, 59, 61):
        database.request(minutes, 200)
    samples = exporter.scrape()
    assert [samples["provider_budget_used_requests", (p,)] for p in ("minute", "hour")] == [1, 3]
    assert [samples["provider_budget_requests", (p,)] for p in ("minute", "hour")] == [50, 1000]
    assert samples["provider_requests_total", ()] == 4
    assert samples["provider_down", ()] == 0
    database.rows("UPDATE ops.provider_requests SET finished_at = finished_at - interval '5 minutes'")
    database.request(0.1, 503)
    assert exporter.scrape()["provider_down", ()] == 1


def test_alarms_that_are_on(exporter: Exporter, database: Database) -> None:
    database.insert("ops.alarms", alarm="capture_silent")
    database.insert("ops.alarms", alarm="price_revised", severity="warning")
    database.insert("ops.alarms", alarm="over", cleared_at=NOW)
    alarms = {labels: number for (name, labels), number in exporter.scrape().items() if name == "alarm"}
    assert alarms == {("capture_silent", "critical"): 1, ("price_revised", "warning"): 1}


def test_the_last_run_of_each_dag(exporter: Exporter, database: Database) -> None:
    for dag, minutes, state in (
        ("refresh_pnl", 30, "failed"),
        ("refresh_pnl", 20, "success"),
        ("refresh_pnl", 5, "failed"),
        ("refresh_pnl", 1, "running"),
        ("hourly_pnl", 80, "success"),
        ("hourly_pnl", 20, "failed"),
        ("rebuild_pnl", 60 * 24 * 3, "failed"),
    ):
        run(database, dag, minutes, state)
    database.rows("UPDATE ops.task_runs SET task_id = 'check_freshness' WHERE run_id = 'r5'")  # an alarm was on
    samples = exporter.scrape()
    outcomes = {labels[0]: number for (name, labels), number in samples.items() if name == "last_run_success"}
    assert outcomes == {"refresh_pnl": 1, "hourly_pnl": 0}
    assert age(samples, "last_run_ended_timestamp_seconds", "hourly_pnl") == 20


@pytest.fixture
def landed(settings: Settings) -> Path:
    """A capture's file of this hour, 100 bytes of which are loaded below."""
    writer = LandingWriter(settings.landing_root, TRADES, "standalone")
    now = datetime.now(UTC)
    writer.append(event_line(now, "connected"), now)
    assert writer.path
    path = writer.path
    writer.close(now)
    return path


def test_what_is_landed_and_not_loaded(
    exporter: Exporter, database: Database, settings: Settings, landed: Path
) -> None:
    size = landed.stat().st_size
    assert exporter.scrape()["landing_unloaded_bytes", ("trades",)] == size
    key = landed.relative_to(settings.landing_root).as_posix()
    database.insert("ops.landing_files", landing_file=key, hour_start_at=NOW, loaded_bytes=100)
    samples = exporter.scrape()
    assert samples["landing_unloaded_bytes", ("trades",)] == size - 100
    assert samples["landing_unloaded_bytes", ("reference_prices",)] == 0
    assert age(samples, "capture_last_connected_timestamp_seconds") < 1


def test_the_files_speak_while_the_warehouse_is_away(exporter: Exporter, wire: Any, landed: Path) -> None:
    wire.is_cut = True
    samples = exporter.scrape()
    assert samples["warehouse_up", ()] == 0
    assert age(samples, "capture_last_write_timestamp_seconds") < 1
    assert not any(name == "landing_unloaded_bytes" for name, _ in samples)


def test_every_metric_is_exported_with_its_labels(
    exporter: Exporter, database: Database, settings: Settings, landed: Path
) -> None:
    first = file(database, "standalone-host-1-7", 2, True, loaded_count=1)
    rejecting = batch(database, first, 1, loaded_count=1)
    database.insert(
        "ops.rejected_messages", landing_file_id=first, load_batch_id=rejecting, reason_code="torn_line"
    )
    database.insert("ops.alarms", alarm="capture_silent")
    run(database, "refresh_pnl", 5, "success")
    exported = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(exporter.text())
        for sample in family.samples
    }
    assert exported == {full_name(name): set(metric.labels) for name, metric in METRICS.items()}
