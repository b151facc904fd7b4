"""A platform under faults: an hour of all kinds, each part killed, databases lost, bad data, secrets.

One platform for all tests, in this order: the first measures how it grows.
"""

import signal
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from include.errors import TerminalError
from include.expectations import review
from include.load import audit
from include.local import leftovers
from include.simulator.exchange import Exchange
from tests.e2e.platform import Platform
from tests.e2e.specification import assert_built_as_specified
from tests.integration.health.receivers import WebhookReceiver
from tests.messages import deal, landed, write_landing_file
from tests.torture.conftest import Torture
from tests.torture.desk_clients import DeskClient
from tests.torture.disturbances import Disturbances, Metadata, Unaffected, find, frozen, kill, local_ports
from tests.torture.measurements import Measurements
from tests.torture.secrets import Secrets
from tests.torture.servers import MESSAGES_PER_SECOND, CountingProvider, assert_accounted_for
from tests.torture.servers import exchange as exchange
from tests.torture.servers import market as market
from tests.torture.servers import platform as platform
from tests.torture.servers import provider as provider
from tests.torture.servers import secrets as secrets
from tests.torture.servers import webhook as webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DESKS = ("", "flex_trader_1", "flex_trader_2", "flex_trader_3", "flex_trader_4")
STEADY = ("api-server", "triggerer", "dag-processor", "capture")
"""Not killed by the long run, or small."""
_TRADES = "SELECT count(*) FROM raw.trades"
PARTS = ("airflow scheduler", "airflow api_server", "airflow dag-processor", "airflow triggerer")


def test_a_long_run(
    platform: Platform, exchange: Exchange, provider: CountingProvider, torture: Torture
) -> None:
    wait_for_priced_pnl(platform)
    seconds = torture.count(30, 3600)
    disturbances = Disturbances(
        platform, exchange, provider, torture.random, 20 if torture.is_long else 2, torture.say
    )
    measurements = Measurements(
        platform.state, lambda: platform.settings().warehouse_url, 10 if torture.is_long else 1
    )
    desks = [DeskClient(lambda: platform.credentials()["airflow"], trader) for trader in DESKS]
    sent_before, began_at = exchange.messages_sent, time.monotonic()
    with ExitStack() as stack:
        for desk in desks:
            stack.enter_context(desk)
        stack.enter_context(measurements)
        stack.enter_context(disturbances.running())
        told_at = began_at
        while (now := time.monotonic()) < began_at + seconds:
            time.sleep(0.5)
            if now - told_at > 60 and measurements.samples:
                told_at, last = now, measurements.samples[-1]
                torture.say(
                    f"{(now - began_at) / 60:.0f} of {seconds / 60:.0f} minutes, {last.total_mb:.0f} MB"
                    f" { {k: round(v) for k, v in last.memory_mb.items()} }, handles {dict(last.handles)},"
                    f" processes {dict(last.processes)}, connections {last.connections},"
                    f" desks {[(dict(d.statuses), d.failures, round(d.longest_seconds)) for d in desks]},"
                    f" provider {dict(provider.statuses)}"
                )
        platform.wait_for(lambda: all(disturbances.done[kind] for kind in disturbances.kinds), 60)
    exchange.faults.silence = False
    exchange.rate_per_second = 0
    sent = exchange.messages_sent - sent_before
    rows = assert_built_as_specified(platform)
    with platform.database() as database:
        assert database.value("SELECT count(*) FROM ops.capture_gaps") >= 1
    problems = [problem for file in audit.run(platform.settings()) for problem in file.problems]
    assert problems == []
    memory = {part: measurements.medians(lambda s, p=part: s.memory_mb.get(p)) for part in STEADY}
    handles = measurements.medians(lambda sample: sum(sample.handles[part] for part in STEADY))
    connections = measurements.medians(lambda sample: sample.connections)
    assert provider.statuses[429] == 0
    for desk in desks:
        assert desk.events > 0
        assert set(desk.statuses) <= {200, 503}
    if torture.is_long:
        for part, quarters in memory.items():
            assert quarters[-1] < quarters[1] * 1.15, part
        assert handles[-1] < handles[1] * 1.15
        assert max(s.connections or 0 for s in measurements.samples) < 40
    growth = {f"MB of {part}": quarters for part, quarters in memory.items()}
    growth |= {"handles of these": handles, "connections to PostgreSQL": connections}
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(disturbances.done.items()))
    torture.report(
        "nothing grows, PnL is right",
        f"{seconds / 60:.0f} minutes at {sent / seconds:.0f} messages a second, {len(desks)} desks open,"
        f" {disturbances.done.total()} faults ({faults})",
        f"{rows} rows of PnL equal the specification; medians of four quarters: "
        + ", ".join(f"{name} {' '.join(f'{v:.0f}' for v in values)}" for name, values in growth.items())
        + f"; {provider.statuses[429]} requests beyond the budget",
    )


def test_each_part_of_airflow_is_killed_alone_and_together(
    platform: Platform, exchange: Exchange, torture: Torture
) -> None:
    kills = 0
    with Unaffected(platform, exchange) as capture:
        for _ in torture.trials(1, 10):
            parts = torture.random.sample(PARTS, len(PARTS))
            for victims in [*([part] for part in parts), parts]:
                killed = [kill(platform, victim) for victim in victims]
                kills += len(killed)
                if torture.random.random() < 0.5 and not torture.is_long:
                    continue
                for process, victim in zip(killed, victims, strict=True):
                    platform.wait_for(
                        lambda v=victim, p=process: [q for q in find(platform, v) if q.pid != p.pid], 120
                    )
            platform.refresh()
            assert_accounted_for(platform)
    rows = assert_built_as_specified(platform)
    torture.report(
        "when parts of Airflow are killed, capture is unaffected and the next runs make everything good",
        f"{kills} SIGKILLs of scheduler, api-server, dag-processor and triggerer, each alone and all together",
        f"{capture.messages:,} messages sent meanwhile, {capture.lost} not landed, capture not restarted;"
        f" {rows} rows of PnL equal the specification",
    )


def test_the_api_server_is_away_under_running_tasks(
    platform: Platform, exchange: Exchange, torture: Torture
) -> None:
    seconds = torture.count(15, 300)
    platform.call("POST", "dags/hourly_pnl/dagRuns", {"logical_date": None})
    platform.wait_for(lambda: len(find(platform, "airflow worker -- ")) > 2, 120)
    with Unaffected(platform, exchange) as capture, frozen(platform, PARTS[1]):
        time.sleep(seconds)
    platform.wait_for(lambda: platform.call("GET", "monitor/health"), 240)
    platform.refresh()
    assert_accounted_for(platform)
    rows = assert_built_as_specified(platform)
    torture.report(
        "when the api-server is away, capture is unaffected and the next runs make everything good",
        f"frozen for {seconds} s under running tasks, and each one that was started meanwhile",
        f"{capture.messages:,} messages sent meanwhile, {capture.lost} not landed; {rows} rows of PnL equal the"
        " specification",
    )


def test_the_metadata_database_is_lost(platform: Platform, exchange: Exchange, torture: Torture) -> None:
    seconds = torture.count(15, 60)
    metadata = Metadata(platform)
    with Unaffected(platform, exchange) as capture:
        with metadata.refused():
            time.sleep(seconds)
        platform.refresh()
        assert_accounted_for(platform)
        metadata.drop_and_make_anew()
        platform.wait_for(lambda: platform.call("GET", "dags/refresh_pnl"), 240)
        platform.refresh()
        assert_accounted_for(platform)
    rows = assert_built_as_specified(platform)
    torture.report(
        "when Airflow's database is lost, capture is unaffected and the next runs make everything good",
        f"it refuses connections for {seconds} s; it is dropped under the running platform and made anew",
        f"{capture.messages:,} messages sent meanwhile, {capture.lost} not landed; {rows} rows of PnL equal the"
        " specification",
    )


def test_no_secret_is_where_others_read(platform: Platform, secrets: Secrets, torture: Torture) -> None:
    secrets.take_those_of(platform.state)
    found = secrets.search(platform)
    assert found.leaks == []
    torture.report(
        "secrets are in private files only",
        f"{len(secrets)} secrets, searched in {found.files:,} files (logs, data docs, landing files, database),"
        f" {found.processes} command lines, {found.environments} environments of other users, {found.pages}"
        " answers of desk and Airflow; all files tried by another user",
        "none found, none readable",
    )


@pytest.fixture
def at_ease(platform: Platform, exchange: Exchange, provider: CountingProvider) -> None:
    """The platform may forget its requests, and nothing that the exchange sends is held back."""
    wait_for_priced_pnl(platform)
    provider.faults.permissive = True
    exchange.faults.disconnect_every_seconds = 7
    exchange.faults.extreme_prices = 0
    exchange.rate_per_second = MESSAGES_PER_SECOND


@pytest.mark.usefixtures("at_ease")
def test_a_provider_that_is_down_blocks_nothing(platform: Platform, provider: CountingProvider) -> None:
    with platform.database() as database:
        before = database.value("SELECT count(*) FROM curated.trades")
        database.rows("TRUNCATE ops.provider_requests")
        database.rows(
            "UPDATE raw.reference_prices SET observed_at = observed_at - interval '1 hour'"
        )  # all due
        provider.faults.hang_up = True
        try:
            run = platform.refresh()
        finally:
            provider.faults.hang_up = False
        states = platform.task_states(run)
        assert (states["pull_reference_prices"], states["build_pnl"]) == ("failed", "success")
        assert database.value("SELECT count(*) FROM curated.trades") > before
        kept = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
        assert database.value(kept) > 0, "PnL keeps the last price"
        platform.refresh()
        fresh = "SELECT count(*) FROM raw.reference_prices WHERE observed_at > now() - interval '10 minutes'"
        assert database.value(fresh) > 0, "and heals by itself"


@pytest.mark.usefixtures("at_ease")
def test_bad_data_turns_the_run_of_its_hour_red_until_it_is_reviewed(
    platform: Platform, webhook: WebhookReceiver
) -> None:
    """Everything else of the hour is published; people are told; cleared after the review, the run is green."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    messages = [deal(id=f"bad-{n}", price=99_999, trader_id="bad") for n in range(3)]
    content = landed([*messages, deal(id="fine", trader_id="fine")], hour)
    runs = "dags/hourly_pnl/dagRuns"
    sums = "SELECT trader_id, trade_count::int FROM curated.pnl_hourly WHERE trader_id IN ('bad', 'fine')"
    discard_what_is_left(platform, webhook)
    write_landing_file(platform.state / "landing", content, "bad", hour)
    with platform.database() as database:
        # people are told once an hour, and a run of the soak may have failed as well
        database.rows("DELETE FROM ops.notifications WHERE about = 'task hourly_pnl.report_findings'")
        run = platform.call("POST", runs, {"logical_date": None, "conf": {"hour": hour.isoformat()}})[
            "dag_run_id"
        ]
        platform.wait_for_run("hourly_pnl", run, "failed")
        what = "SELECT state, failed_tasks, error FROM ops.runs WHERE run_id = %s"
        ((outcome, failed, error),) = database.rows(what, (run,))
        assert (outcome, failed) == ("failed", ["report_findings"])
        assert "3 trades in quarantine (bad-0, bad-1, bad-2;" in error
        assert database.rows(sums) == [("fine", 1)]
        platform.wait_for(lambda: notices(webhook, "task_failed", task_id="report_findings", run_id=run), 30)
        platform.wait_for(lambda: notices(webhook, "alarm_raised", alarm="trades_quarantined"), 90)

        bad = review.Selection(landing_file=f"trades/date={hour:%Y-%m-%d}/hour={hour:%H}/bad")
        assert review.decide(platform.settings(), "discard", "prices beyond the bounds", bad)["trades"] == 3
        assert platform.answer("POST", f"{runs}/{run}/clear", {"dry_run": False}).ok
        platform.wait_for(lambda: (platform.call("GET", f"{runs}/{run}") or {}).get("state") == "success", 240)
        assert database.rows(sums) == [("fine", 1)]
        platform.wait_for(lambda: notices(webhook, "alarm_cleared", alarm="trades_quarantined"), 90)
    assert_accounted_for(platform)


@pytest.mark.usefixtures("at_ease")
def test_an_alarm_is_raised_told_and_over(platform: Platform, webhook: WebhookReceiver) -> None:
    late = "reference_prices_late"
    webhook.bodies.clear()
    with platform.database() as database:
        database.rows(
            "UPDATE ops.task_runs SET started_at = started_at - interval '2 hours' WHERE state = 'success'"
        )

        def is_on() -> bool:
            # again and again: a refresh may be loading fresh ones meanwhile
            database.rows(
                "UPDATE raw.reference_prices SET observed_at = now() - interval '1 hour'"
                " WHERE observed_at > now() - interval '1 hour'"
            )
            return bool(notices(webhook, "alarm_raised", alarm=late))

        platform.wait_for(is_on, 90)
        database.rows("TRUNCATE ops.provider_requests")
        platform.refresh()
        platform.wait_for(lambda: notices(webhook, "alarm_cleared", alarm=late), 90)
        assert len(notices(webhook, "alarm_raised", alarm=late)) == 1


@pytest.mark.usefixtures("at_ease")
@pytest.mark.parametrize("victim", ["include.capture", "bin/postgres"])
def test_kill_9(platform: Platform, victim: str) -> None:
    process = kill(platform, victim)
    platform.wait_for(lambda: [p for p in find(platform, victim) if p.pid != process.pid], 90)
    platform.refresh()
    assert_accounted_for(platform)


@pytest.mark.usefixtures("at_ease")
def test_kill_9_of_a_load_in_mid_transaction(platform: Platform) -> None:
    platform.stop_following()  # there is one loader then: a rebuild loads all that is landed
    with platform.database() as database:
        before = database.value(_TRADES)
        database.rows("BEGIN")
        database.rows("LOCK TABLE raw.delivery_periods IN EXCLUSIVE MODE")  # holds a load up after its rows
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        asked = {"logical_date": None, "conf": {"from": today, "to": today}}
        run = platform.call("POST", "dags/rebuild_pnl/dagRuns", asked)
        waiting = (
            "SELECT client_port FROM pg_stat_activity"
            " WHERE application_name = 'load_trades' AND wait_event_type = 'Lock'"
        )
        with platform.database() as observer:
            ((port,),) = platform.wait_for(lambda: observer.rows(waiting), 120)
            (loader,) = [p for p in leftovers.find(platform.state) if port in local_ports(p)]
            loader.send_signal(signal.SIGKILL)
            platform.wait_for(lambda: not observer.rows(waiting), 60)
            assert observer.value(_TRADES) == before
        database.rows("COMMIT")
    platform.call("PATCH", "dags/refresh_pnl", {"is_paused": False})
    platform.wait_for_run("rebuild_pnl", run["dag_run_id"], seconds=300)  # the retry loads it
    platform.refresh()  # builds what was loaded of other days, too
    assert_accounted_for(platform)


@pytest.mark.usefixtures("at_ease")
def test_kill_9_of_the_launcher(platform: Platform) -> None:
    platform.process.kill()
    platform.process.wait()
    assert find(platform, "bin/postgres"), "its children are left"
    platform.start()
    platform.refresh()
    assert_accounted_for(platform)
    assert len([p for p in find(platform, "include.capture") if p.status() != psutil.STATUS_ZOMBIE]) == 1


def wait_for_priced_pnl(platform: Platform) -> None:
    with platform.database() as database:
        priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
        platform.wait_for(lambda: database.value(priced), 300)


def discard_what_is_left(platform: Platform, webhook: WebhookReceiver) -> None:
    """Of earlier tests: nothing waits for a review, and nobody has been told of anything."""
    with suppress(TerminalError):  # there is nothing
        review.decide(platform.settings(), "discard", "of the soak", review.Selection(landing_file="trades/"))
    on = "SELECT count(*) FROM ops.alarms WHERE alarm = 'trades_quarantined' AND cleared_at IS NULL"
    with platform.database() as database:
        platform.wait_for(lambda: database.value(on) == 0, 90)
    webhook.bodies.clear()


def notices(webhook: WebhookReceiver, kind: str, **details: str) -> list[dict[str, Any]]:
    """What the receiver was told of this kind and with these details."""
    wanted = {"kind": kind, **details}
    return [body for body in webhook.bodies if wanted.items() <= body.items()]
