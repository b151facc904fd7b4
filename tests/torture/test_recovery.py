"""A platform gets over what happens to it: bad data, a provider that is down, kills of its processes."""

import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from include.errors import TerminalError
from include.expectations import review
from include.local import leftovers
from include.simulator.exchange import Exchange
from include.simulator.provider import Provider
from tests.e2e.platform import Platform
from tests.integration.health.receivers import WebhookReceiver
from tests.messages import deal, landed, write_landing_file
from tests.torture.disturbances import find, kill, local_ports
from tests.torture.servers import MESSAGES_PER_SECOND, CountingProvider, assert_accounted_for
from tests.torture.servers import exchange as exchange
from tests.torture.servers import market as market
from tests.torture.servers import platform as platform
from tests.torture.servers import provider as provider
from tests.torture.servers import secrets as secrets
from tests.torture.servers import webhook as webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

_TRADES = "SELECT count(*) FROM raw.trades"


def test_foreign_servers_work_the_same(
    platform: Platform, exchange: Exchange, provider: CountingProvider
) -> None:
    provider.faults.permissive = True  # what follows makes the platform forget its requests
    exchange.faults.disconnect_every_seconds = 7
    exchange.faults.extreme_prices = 0  # what follows counts the trades in quarantine
    exchange.rate_per_second = MESSAGES_PER_SECOND
    with platform.database() as database:
        priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
        assert platform.wait_for(lambda: database.value(priced), 300) > 0
        assert database.value("SELECT count(*) FROM ops.capture_gaps") >= 1


def test_a_provider_that_is_down_blocks_nothing(platform: Platform, provider: Provider) -> None:
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


def test_bad_data_turns_the_run_of_its_hour_red_until_it_is_reviewed(
    platform: Platform, webhook: WebhookReceiver
) -> None:
    """Everything else of the hour is published; people are told; cleared after the review, the run is green."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    messages = [deal(id=f"bad-{n}", price=99_999, trader_id="bad") for n in range(3)]
    content = landed([*messages, deal(id="fine", trader_id="fine")], hour)
    write_landing_file(platform.state / "landing", content, "bad", hour)
    runs = "dags/hourly_pnl/dagRuns"
    sums = "SELECT trader_id, trade_count::int FROM curated.pnl_hourly WHERE trader_id IN ('bad', 'fine')"
    with platform.database() as database:
        # people are told once an hour, and a run of the soak may have failed as well
        database.rows("DELETE FROM ops.notifications WHERE about = 'task hourly_pnl.report_findings'")
        run = platform.call("POST", runs, {"logical_date": None, "conf": {"hour": hour.isoformat()}})[
            "dag_run_id"
        ]

        def state() -> str | None:
            found = platform.call("GET", f"{runs}/{run}")
            return found["state"] if found and found["state"] in ("success", "failed") else None

        assert platform.wait_for(state, 240) == "failed"
        what = "SELECT state, failed_tasks, error FROM ops.runs WHERE run_id = %s"
        ((outcome, failed, error),) = database.rows(what, (run,))
        assert (outcome, failed) == ("failed", ["report_findings"])
        assert "3 trades in quarantine (bad-0, bad-1, bad-2;" in error
        assert database.rows(sums) == [("fine", 1)]
        platform.wait_for(lambda: notices(webhook, "task_failed", task_id="report_findings", run_id=run), 30)
        platform.wait_for(lambda: notices(webhook, "alarm_raised", alarm="trades_quarantined"), 90)

        bad = review.Selection(landing_file=f"trades/date={hour:%Y-%m-%d}/hour={hour:%H}/bad")
        assert review.decide(platform.settings(), "discard", "prices beyond the bounds", bad)["trades"] == 3
        with suppress(TerminalError):  # the soak may have left others, and the alarm is about all
            review.decide(
                platform.settings(), "discard", "of the soak", review.Selection(landing_file="trades/")
            )
        assert platform.answer("POST", f"{runs}/{run}/clear", {"dry_run": False}).ok
        platform.wait_for(lambda: state() == "success", 240)
        assert database.rows(sums) == [("fine", 1)]
        platform.wait_for(lambda: notices(webhook, "alarm_cleared", alarm="trades_quarantined"), 90)
    assert_accounted_for(platform)


def test_an_alarm_is_raised_told_and_over(platform: Platform, webhook: WebhookReceiver) -> None:
    late = "reference_prices_late"
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


@pytest.mark.parametrize("victim", ["include.capture", "bin/postgres"])
def test_kill_9(platform: Platform, victim: str) -> None:
    process = kill(platform, victim)
    platform.wait_for(lambda: [p for p in find(platform, victim) if p.pid != process.pid], 90)
    platform.refresh()
    assert_accounted_for(platform)


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
    path = f"dags/rebuild_pnl/dagRuns/{run['dag_run_id']}"
    platform.call("PATCH", "dags/refresh_pnl", {"is_paused": False})
    assert platform.wait_for(lambda: ended(platform.call("GET", path)), 300) == "success", "the retry loads it"
    platform.refresh()  # builds what was loaded of other days, too
    assert_accounted_for(platform)


def test_kill_9_of_the_launcher(platform: Platform) -> None:
    platform.process.kill()
    platform.process.wait()
    assert find(platform, "bin/postgres"), "its children are left"
    platform.start()
    platform.refresh()
    assert_accounted_for(platform)
    assert len([p for p in find(platform, "include.capture") if p.status() != psutil.STATUS_ZOMBIE]) == 1


def notices(webhook: WebhookReceiver, kind: str, **details: str) -> list[dict[str, Any]]:
    """What the receiver was told of this kind and with these details."""
    wanted = {"kind": kind, **details}
    return [body for body in webhook.bodies if wanted.items() <= body.items()]


def ended(run: Any) -> str | None:
    return run["state"] if run and run["state"] in ("success", "failed") else None
