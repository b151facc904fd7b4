"""What a day costs of the provider's budget: its simulator counts the requests, and time is told to it."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from include.domain.delivery_period import DeliveryPeriod
from include.domain.reference_price import parse_reference_price
from include.pull.budget import HISTORY_PERCENT
from include.pull.schedule import Scope, due_periods
from include.simulator.faults import ProviderFaults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import PUBLISHED_BUDGET, Provider
from tests.factories import MARKET, Database

TODAY = date(2026, 3, 2)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
MIDNIGHT = MARKET.period(TODAY, "00-01").start_at
BETWEEN_REQUESTS = timedelta(seconds=1.25)
AFTER_PUBLICATION = timedelta(seconds=31)
PUBLICATIONS = [MIDNIGHT + n * timedelta(minutes=10) + AFTER_PUBLICATION for n in range(144)]


class Day:
    """A platform that follows the market, and every hour is traded as soon as it is open."""

    def __init__(self, database: Database, stale_share: float) -> None:
        self.now = MIDNIGHT
        self.asked: list[tuple[datetime, DeliveryPeriod, bool]] = []
        self._lines = 0
        self._database = database
        self._provider = Provider(
            SimulatedMarket(7), faults=ProviderFaults(stale_prices=stale_share), clock=lambda: self.now
        )
        self._prices = database.batch("reference_prices", name="prices")
        self._trades = database.batch("trades", name="trades")
        for day in (YESTERDAY, TODAY):
            self._trade(day)
        for hour in MARKET.hours_of(YESTERDAY):  # answered as the day went by
            self.now = hour.price_final_from
            self._ask(hour)
        self.now = MIDNIGHT

    def run(self) -> None:
        """Each pull of refresh_pnl and hourly_pnl."""
        for at in PUBLICATIONS:
            if at - AFTER_PUBLICATION == MARKET.period(TOMORROW, "00-01").tradable_from:
                self._trade(TOMORROW)
            self._pull(Scope.at_present(MARKET, at), at)
            if at.minute == 0:
                at += timedelta(minutes=6)
                hour_end = at.replace(minute=0, second=0)
                self._pull(Scope.of_window(MARKET, at, hour_end - timedelta(hours=1), hour_end), at)

    def _pull(self, scope: Scope, at: datetime) -> None:
        self.now = max(self.now, at)
        for due in due_periods(self._database.connection, scope, at):
            hour = MARKET.period(due.delivery_day, due.delivery_hour)
            self._ask(hour)
            self.asked.append((self.now, hour, due.is_history))

    def _ask(self, hour: DeliveryPeriod) -> None:
        key = {"delivery_day": hour.delivery_day.isoformat(), "delivery_hour": hour.delivery_hour}
        reply = self._provider.answer(f"/reference-price?{urlencode(key)}")
        assert reply is not None
        assert reply.status == 200, "within the provider's budget, by its own count"
        price = parse_reference_price(reply.status, reply.body, hour)
        self._lines += 1
        self._database.insert(
            "raw.reference_prices",
            delivery_day=hour.delivery_day,
            delivery_hour=hour.delivery_hour,
            price_eur_per_mwh=price.price_eur_per_mwh,
            provider_updated_at=price.provider_updated_at,
            observed_at=self.now,
            load_batch_id=self._prices,
            landing_file_id=1,
            line_number=self._lines,
        )
        self.now += BETWEEN_REQUESTS

    def _trade(self, day: date) -> None:
        for hour in MARKET.hours_of(day):
            self._database.trade(self._trades, day, hour.delivery_hour)


def most_in_an_hour(times: list[datetime]) -> int:
    return max(sum(start <= at < start + timedelta(hours=1) for at in times) for start in times)


def test_a_day_costs_its_open_hours_the_final_prices_and_those_once_more(database: Database) -> None:
    day = Day(database, stale_share=0)
    day.run()
    open_hours = sum(len(MARKET.tradable_hours(at)) for at in PUBLICATIONS)
    finals = [hour for at, hour, _ in day.asked if at >= hour.price_final_from and hour.delivery_day == TODAY]
    again = [(at, hour) for at, hour, _ in day.asked if hour.delivery_day == YESTERDAY]
    assert len(finals) == 24
    assert sorted(hour.delivery_hour for _, hour in again) == [
        hour.delivery_hour for hour in MARKET.hours_of(YESTERDAY)
    ]
    assert {at.astimezone(MARKET.timezone).hour for at, _ in again} == {6}
    assert len(day.asked) == open_hours + 24 + 24 == 3000
    assert most_in_an_hour([at for at, _, _ in day.asked]) < 220


def test_a_day_of_stale_prices_stays_within_the_budget(database: Database) -> None:
    """The provider updates no price in the last hour of its trading, for two days."""
    day = Day(database, stale_share=1)
    day.run()
    open_hours = sum(len(MARKET.tradable_hours(at)) for at in PUBLICATIONS)
    of_yesterday = [(at, hour) for at, hour, _ in day.asked if hour.delivery_day == YESTERDAY]
    by_noon = datetime(2026, 3, 2, 11, tzinfo=UTC)
    # every hour from midnight to noon, and once at noon, when any value is final
    assert 24 * 12 <= len(of_yesterday) <= 24 * 14
    assert max(at for at, _ in of_yesterday) < by_noon + timedelta(minutes=10)
    assert len(day.asked) < open_hours + 1000
    per_hour = PUBLISHED_BUDGET[1][0]
    assert most_in_an_hour([at for at, _, _ in day.asked]) < per_hour / 4
    history = most_in_an_hour([at for at, _, is_history in day.asked if is_history])
    assert 24 <= history < per_hour * HISTORY_PERCENT / 100 / 7
