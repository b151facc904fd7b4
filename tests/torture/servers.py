"""A platform beside an exchange and a provider that misbehave, for a module of tests."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from include.load import audit
from include.simulator.exchange import Exchange
from include.simulator.faults import DEMO, parse_faults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider, Reply
from tests.e2e.platform import Platform, running_platform
from tests.integration.health.receivers import WebhookReceiver, webhook_receiver
from tests.torture.secrets import Secrets

MESSAGES_PER_SECOND = 50
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
def webhook() -> Iterator[WebhookReceiver]:
    """Who is told of failures and alarms."""
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    """What only the exchange and the provider may be told."""
    return Secrets()


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory,
    exchange: Exchange,
    provider: Provider,
    webhook: WebhookReceiver,
    secrets: Secrets,
) -> Iterator[Platform]:
    servers = {
        "EXCHANGE_URL": exchange.url,
        "EXCHANGE_HEADERS": json.dumps({"Authorization": secrets["header"]}),
        "EXCHANGE_SUBSCRIBE": json.dumps({"token": secrets["subscription"]}),
        "MARKET_DATA_URL": f"{provider.url}/v1?key={secrets['key']}",
        "ALERT_URLS": f"{webhook.url}/{secrets['webhook']}",
    }
    with running_platform(tmp_path_factory.mktemp("torture") / "state", servers) as platform:
        yield platform


def assert_accounted_for(platform: Platform) -> None:
    """Every line of every file, nothing missing, nothing twice."""
    audits = list(audit.run(platform.settings()))
    assert [problem for file in audits for problem in file.problems] == []
    assert sum(file.duplicate_count for file in audits) > 0
    # trades are accepted all the time: what is built has to agree with what is accepted when nothing is pending
    counts = (
        "SELECT (SELECT sum(starting_trade_count) FROM curated.pnl_hourly),"
        " (SELECT count(*) FROM curated.trades), (SELECT count(*) FROM ops.pending_delivery_periods)"
    )
    with platform.database() as database:
        ((built, accepted),) = platform.wait_for(
            lambda: [row[:2] for row in database.rows(counts) if row[2] == 0], 60
        )
    assert built == accepted
