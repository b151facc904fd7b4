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
from include.landing import TRADES, LandingWriter, event_line
from include.settings import PROJECT_ROOT, Settings
from tests.database import Database
from tests.integration.dashboard.conftest import Desk
from tests.integration.health.conftest import Exporter, Samples

DAY = date(2023, 2, 6)


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def age(samples: Samples, metric: str, *labels: str) -> float:
    """Whole minutes."""
    return round((datetime.now(UTC).timestamp() - samples[metric, labels]) / 60)


def file(database: Database, name: str, minutes: float, is_connected: bool, **counts: int) -> int:
    """A landing file of a capture instance whose last loaded line was written so long ago."""
    columns = {"line_count": sum(counts.values()), **{f"{outcome}_count": n for outcome, n in counts.items()}}
    return int(
        database.value(
            "INSERT INTO ops.landing_files"
            f" (landing_file, source, hour_start_at, last_received_at, is_connected, {', '.join(columns)})"
            f" VALUES (%s, 'trades', now(), %s, %s, {', '.join(['%s'] * len(columns))})"
            " RETURNING landing_file_id",
            (f"trades/date=2026-03-02/hour=11/{name}-20260302T110000000000Z.jsonl", ago(minutes), is_connected,
             *columns.values()),
        )
    )  # fmt: skip


def batch(database: Database, file_id: int, minutes: float, *, is_reload: bool = False, **counts: int) -> int:
    """What a load so long ago brought of the file."""
    columns = {"line_count": sum(counts.values()), **{f"{outcome}_count": n for outcome, n in counts.items()}}
    columns = {f"{outcome}_count": 0 for outcome in ("loaded", "duplicate", "rejected", "event")} | columns
    return int(
        database.value(
            "INSERT INTO ops.load_batches (source, landing_file_id, from_bytes, to_bytes, state, loaded_at,"
            f" is_reload, {', '.join(columns)})"
            f" VALUES ('trades', %s, 0, 0, 'accepted', %s, %s, {', '.join(['%s'] * len(columns))})"
            " RETURNING load_batch_id",
            (file_id, ago(minutes), is_reload, *columns.values()),
        )
    )


def run(database: Database, dag: str, minutes: float, state: str) -> None:
    ended = None if state == "running" else ago(minutes)
    database.rows(
        "INSERT INTO ops.task_runs (dag_id, run_id, task_id, try_number, run_type, started_at, ended_at, state,"
        " longest_seconds, dag_task_count) VALUES (%s, %s, 't', 1, 'scheduled', %s, %s, %s, 3600, 1)",
        (dag, f"r{minutes}", ago(minutes + 0.1), ended, state),
    )


def request(database: Database, minutes: float, status: int | None) -> None:
    database.rows(
        "INSERT INTO ops.provider_requests"
        " (delivery_day, delivery_hour, requested_at, finished_at, status, is_answer)"
        " VALUES ('2023-02-06', '12-13', %(at)s, %(at)s, %(status)s, %(status)s IN (200, 404))",
        {"at": ago(minutes), "status": status},
    )


def test_an_empty_warehouse_has_metrics_and_nothing_is_wrong(exporter: Exporter) -> None:
    samples = exporter.scrape()
    assert samples["warehouse_up", ()] == 1
    for metric in ("capture_gap_open", "capture_gaps_today", "capture_gap_seconds_today", "blocked_batches",
                   "pending_delivery_periods", "missing_prices", "provider_requests_total", "provider_down",
                   "newest_trade_timestamp_seconds", "pnl_published_timestamp_seconds"):  # fmt: skip
        assert (metric, samples[metric, ()]) == (metric, 0)
    assert [name for name, _ in samples if name in ("alarm", "last_run_success", "lines_total")] == []
    assert {labels: number for (name, labels), number in samples.items() if name == "freshness_late"} == {
        (thing,): 0.0 for thing in ("hourly_pnl", "reference_prices", "trades", "build", "pending")
    }


def test_each_capture_instance(exporter: Exporter, database: Database) -> None:
    first = file(database, "standalone-host-1-7", 2, True, loaded=9, event=1)
    file(database, "airflow-worker-9", 30, False, event=3)
    batch(database, first, 1, loaded=40, duplicate=8, rejected=2, event=6)
    samples = exporter.scrape()
    host, worker = ("standalone", "host-1"), ("airflow", "worker")
    assert [samples["capture_connected", instance] for instance in (host, worker)] == [1, 0]
    assert [age(samples, "capture_last_line_timestamp_seconds", *instance) for instance in (host, worker)] == [
        2,
        30,
    ]
    assert [samples["capture_messages_per_minute", instance] for instance in (host, worker)] == [50, 0]


def test_lines_by_what_became_of_them(exporter: Exporter, database: Database) -> None:
    first = file(database, "a-host-1", 1, True, loaded=100, duplicate=30, rejected=4, event=20)
    second = file(database, "b-host-2", 1, True, loaded=1, event=2)
    batch(database, first, 59, loaded=50, rejected=3)
    batch(database, second, 1, loaded=1, duplicate=5, event=2)
    batch(database, first, 61, loaded=1000)
    batch(database, first, 5, is_reload=True, loaded=1000)
    samples = exporter.scrape()

    def by_outcome(metric: str) -> dict[str, float]:
        found = {labels: number for (name, labels), number in samples.items() if name == metric}
        assert {source for _, source in found} == {"trades"}
        return {outcome: number for (outcome, _), number in found.items()}

    assert by_outcome("lines_total") == {"loaded": 101, "duplicate": 30, "rejected": 4, "event": 22}
    assert by_outcome("lines_last_hour") == {"loaded": 51, "duplicate": 5, "rejected": 3, "event": 2}


def test_rejects_by_reason_and_blocked_batches(exporter: Exporter, database: Database) -> None:
    blocked = database.batch(state="blocked", name="c")
    for number, reason in enumerate(("invalid_price", "invalid_price", "torn_line"), 1):
        database.rows(
            "INSERT INTO ops.rejected_messages VALUES (1, %s, %s, 'trades', %s, 'd', 'r', now())",
            (number, blocked, reason),
        )
    samples = exporter.scrape()
    assert samples["rejected_messages_total", ("invalid_price", "trades")] == 2
    assert samples["rejected_messages_total", ("torn_line", "trades")] == 1
    assert samples["blocked_batches", ()] == 1
    database.rows(
        "UPDATE ops.load_batches SET review = 'discarded', review_reason = 'r', reviewed_at = now()"
        " WHERE state = 'blocked'"
    )
    assert exporter.scrape()["blocked_batches", ()] == 0


def test_gaps_of_today(settings: Settings, database: Database) -> None:
    # a moment of its own: midnight of the market must be neither near nor far
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    midnight = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    file_id = file(database, "a-host-1", 1, True, event=1)
    for start, end in (
        (midnight - 600 * minute, midnight - 10 * minute),
        (midnight + 5 * minute, midnight + 60 * minute),
        (midnight + 62 * minute, now - 3 * minute),
    ):
        database.rows("INSERT INTO ops.connected_intervals VALUES (%s, %s, %s)", (file_id, start, end))

    def gaps() -> dict[str, float]:
        samples = read_warehouse(settings, now, lambda _: None).samples
        return {name: number for name, _, number in samples if name.startswith("capture_gap")}

    assert gaps() == {"capture_gap_open": 0, "capture_gaps_today": 2, "capture_gap_seconds_today": 7 * 60}
    database.rows("INSERT INTO ops.landing_scans VALUES ('trades', %s)", (now,))
    assert gaps() == {"capture_gap_open": 1, "capture_gaps_today": 3, "capture_gap_seconds_today": 10 * 60}


def test_the_newest_trade_counts_only_once_it_is_accepted(exporter: Exporter, database: Database) -> None:
    one = Decimal(1)
    for minutes, state in ((20, "accepted"), (3, "loaded")):
        number = database.batch(state=state, name=state)
        database.rows(
            "UPDATE ops.load_batches SET line_count = 1, loaded_count = 1 WHERE load_batch_id = %s", (number,)
        )
        database.trade(number, DAY, "12-13", "ann", "buy", one, one)
        database.rows("UPDATE raw.trades SET received_at = %s WHERE load_batch_id = %s", (ago(minutes), number))
    assert age(exporter.scrape(), "newest_trade_timestamp_seconds") == 20
    database.rows("UPDATE ops.load_batches SET state = 'accepted'")
    assert age(exporter.scrape(), "newest_trade_timestamp_seconds") == 3


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
    file(database, "a-host-1", 16, True, event=1)
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
        request(database, minutes, 200)
    samples = exporter.scrape()
    assert [samples["provider_budget_used_requests", (p,)] for p in ("minute", "hour")] == [1, 3]
    assert [samples["provider_budget_requests", (p,)] for p in ("minute", "hour")] == [50, 1000]
    assert samples["provider_requests_total", ()] == 4
    assert samples["provider_down", ()] == 0
    request(database, 0.1, 503)
    assert exporter.scrape()["provider_down", ()] == 1


def test_alarms_that_are_on(exporter: Exporter, database: Database) -> None:
    database.rows(
        "INSERT INTO ops.alarms (alarm, since_at, detail, cleared_at)"
        " VALUES ('capture_silent', now(), 'd', NULL), ('over', now(), 'd', now())"
    )
    alarms = {labels: number for (name, labels), number in exporter.scrape().items() if name == "alarm"}
    assert alarms == {("capture_silent",): 1}


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
    database.rows(
        "INSERT INTO ops.landing_files (landing_file, source, hour_start_at, loaded_bytes)"
        " VALUES (%s, 'trades', date_trunc('hour', now()), 100)",
        (key,),
    )
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
    first = file(database, "standalone-host-1-7", 2, True, loaded=1)
    rejecting = batch(database, first, 1, loaded=1)
    database.rows(
        "INSERT INTO ops.rejected_messages VALUES (%s, 1, %s, 'trades', 'torn_line', 'd', 'r', now())",
        (first, rejecting),
    )
    database.rows("INSERT INTO ops.alarms (alarm, since_at, detail) VALUES ('capture_silent', now(), 'd')")
    run(database, "refresh_pnl", 5, "success")
    exported = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(exporter.text())
        for sample in family.samples
    }
    assert exported == {full_name(name): set(metric.labels) for name, metric in METRICS.items()}
