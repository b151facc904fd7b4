"""A provider, and a warehouse whose rows a test can lay out in a line each."""

from dataclasses import replace
from datetime import datetime

import pytest

from include.domain.delivery_period import DeliveryPeriod
from include.settings import Settings
from tests.factories import Database
from tests.integration.pull.server import ScriptedProvider


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.pull.puller.MAX_BACKOFF_SECONDS", 0.01)


@pytest.fixture
def settings(settings: Settings, provider: ScriptedProvider) -> Settings:
    """Settings of a platform that asks this provider."""
    return replace(settings, market_data_url=provider.url)


class Warehouse:
    """Shorthand for the rows that decide what is asked."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.conn, self.rows = database.connection, database.rows

    def period(self, period: DeliveryPeriod) -> None:
        self.database.period(period.delivery_day, period.delivery_hour)

    def trade(self, period: DeliveryPeriod, received_at: datetime | None = None) -> None:
        received_at = received_at or period.tradable_from
        batch = self._batch("trades", "loaded", received_at)
        self.database.trade(batch, period.delivery_day, period.delivery_hour, received_at=received_at)

    def price(
        self,
        period: DeliveryPeriod,
        observed_at: datetime,
        value: float | None = 42,
        state: str = "accepted",
        updated_at: datetime | None = None,
    ) -> None:
        batch = self._batch("reference_prices", state, observed_at)
        self.database.price(
            batch,
            period.delivery_day,
            period.delivery_hour,
            value,
            observed_at,
            provider_updated_at=updated_at,
        )

    def _batch(self, source: str, state: str, received_at: datetime) -> int:
        """A batch of the source's file of the hour of receipt."""
        hour = received_at.replace(minute=0, second=0, microsecond=0)
        return self.database.batch(source, state, hour.isoformat(), hour)

    def request(
        self, period: DeliveryPeriod, finished_at: datetime, status: int | None, is_answer: bool | None
    ) -> None:
        self.database.insert(
            "ops.provider_requests",
            delivery_day=period.delivery_day,
            delivery_hour=period.delivery_hour,
            requested_at=finished_at,
            finished_at=finished_at,
            status=status,
            is_answer=is_answer,
        )

    def age_requests(self, seconds: float) -> None:
        """Lets time pass for the budget."""
        self.rows(
            "UPDATE ops.provider_requests SET requested_at = requested_at - passed,"
            " finished_at = finished_at - passed, retry_at = retry_at - passed"
            " FROM make_interval(secs => %s) AS passed",
            (seconds,),
        )


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    return Warehouse(database)
