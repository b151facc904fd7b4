"""A platform under faults: an hour of all kinds, each part killed, databases lost, secrets.

One platform for all tests, in this order: the first measures how it grows.
"""

import time
from contextlib import ExitStack

import pytest

from include.load import audit
from include.simulator.exchange import Exchange
from tests.e2e.platform import Platform
from tests.e2e.specification import assert_built_as_specified
from tests.torture.conftest import Torture
from tests.torture.desk_clients import DeskClient
from tests.torture.disturbances import Disturbances, Metadata, Unaffected, find, frozen, kill
from tests.torture.measurements import Measurements
from tests.torture.secrets import Secrets
from tests.torture.servers import CountingProvider, assert_accounted_for
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
PARTS = ("airflow scheduler", "airflow api_server", "airflow dag-processor", "airflow triggerer")


def test_a_long_run(
    platform: Platform, exchange: Exchange, provider: CountingProvider, torture: Torture
) -> None:
    with platform.database() as database:
        priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
        platform.wait_for(lambda: database.value(priced), 300)
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
