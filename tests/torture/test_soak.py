"""An hour at 50 messages a second, faults of all kinds, five desks open: nothing grows, and PnL is right."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from include.load import audit
from include.simulator.exchange import Exchange
from include.simulator.faults import DEMO, parse_faults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider, Reply
from tests.e2e.platform import Platform, running_platform
from tests.e2e.specification import assert_built_as_specified
from tests.torture.conftest import Torture
from tests.torture.desk_clients import DeskClient
from tests.torture.disturbances import Disturbances
from tests.torture.measurements import Measurements

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MESSAGES_PER_SECOND = 50
DESKS = ("", "flex_trader_1", "flex_trader_2", "flex_trader_3", "flex_trader_4")
FAULTS = (*DEMO, "duplicates=0.05", "binary_frames=0.0005", "reordering=0.02", "conflicting_duplicates=0.001")


class CountingProvider(Provider):
    """It counts what it answers."""

    def __init__(self, market: SimulatedMarket) -> None:
        super().__init__(market, faults=parse_faults(FAULTS)[1])
        self.statuses: Counter[int | None] = Counter()

    def answer(self, target: str) -> Reply | None:
        reply = super().answer(target)
        self.statuses[reply.status if reply else None] += 1
        return reply


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    return SimulatedMarket()


@pytest.fixture(scope="module")
def exchange(market: SimulatedMarket) -> Iterator[Exchange]:
    with Exchange(market, rate_per_second=MESSAGES_PER_SECOND, faults=parse_faults(FAULTS)[0]) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def provider(market: SimulatedMarket) -> Iterator[CountingProvider]:
    """With the budget that the real one has."""
    with CountingProvider(market) as provider:
        yield provider


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, exchange: Exchange, provider: Provider
) -> Iterator[Platform]:
    servers = {"EXCHANGE_URL": exchange.url, "MARKET_DATA_URL": provider.url + "/v1"}
    with running_platform(tmp_path_factory.mktemp("soak") / "state", servers) as platform:
        yield platform


def test_a_long_run(
    platform: Platform, exchange: Exchange, provider: CountingProvider, torture: Torture
) -> None:
    with platform.database() as database:
        priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
        platform.wait_for(lambda: database.value(priced), 300)
    seconds = torture.count(45, 3600)
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
    exchange.faults.silence = False
    exchange.rate_per_second = 0
    sent = exchange.messages_sent - sent_before
    rows = assert_built_as_specified(platform)
    problems = [problem for file in audit.run(platform.settings()) for problem in file.problems]
    assert problems == []
    memory = measurements.medians(lambda sample: sample.total_mb)
    handles = measurements.medians(lambda sample: sum(sample.handles.values()))
    connections = measurements.medians(lambda sample: sample.connections)
    torture.say(f"memory {memory}, handles {handles}, connections {connections}")
    for name in (
        "capture",
        "scheduler",
        "api-server",
        "dag-processor",
        "triggerer",
        "tasks",
        "postgres",
        "other",
    ):
        of_part = measurements.medians(lambda sample, name=name: sample.memory_mb.get(name))
        open_ = measurements.medians(lambda sample, name=name: sample.handles.get(name))
        torture.say(f"{name}: memory {[round(v) for v in of_part]}, handles {open_}")
    assert all(disturbances.done[kind] for kind in disturbances.kinds)
    assert provider.statuses[429] == 0
    for desk in desks:
        assert desk.events > 0
        assert set(desk.statuses) <= {200, 503}
    if torture.is_long:
        assert memory[-1] < memory[1] * 1.15
        assert handles[-1] < handles[1] * 1.15
        assert max(s.connections or 0 for s in measurements.samples) < 80
    quarters = {"memory": memory, "handles": handles, "connections": connections}
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(disturbances.done.items()))
    torture.report(
        "nothing grows, PnL is right",
        f"{seconds / 60:.0f} minutes at {sent / seconds:.0f} messages a second, {len(desks)} desks open,"
        f" {disturbances.done.total()} faults ({faults})",
        f"{rows} rows of PnL equal the specification; medians of four quarters: "
        + ", ".join(f"{name} {' '.join(f'{v:.0f}' for v in values)}" for name, values in quarters.items())
        + f" (memory in MB); {provider.statuses[429]} requests beyond the budget",
    )
