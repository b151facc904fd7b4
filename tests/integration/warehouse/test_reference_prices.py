"""Which observation of a price counts, whether it is final, what was revised: SQL as include/domain has it."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import cursor

from include.domain.delivery_period import DeliveryPeriod
from include.domain.reference_price import Observation, is_final, is_stale, price_status, standing_price
from include.load.ledger import store_periods
from tests.factories import MARKET, insert

PERIODS = [
    MARKET.period(date(2025, 7, 1), "12-13"),
    MARKET.period(date(2025, 10, 26), "02-03"),  # the doubled hour of the change of clocks
    MARKET.period(date(2025, 3, 29), "23-24"),  # its next noon is after the other change
]
SECOND = timedelta(seconds=1)


class Observed(NamedTuple):
    """An observation, and the state of its batch."""

    period: DeliveryPeriod
    observation: Observation
    state: str


@st.composite
def observed(draw: st.DrawFn) -> Observed:
    """An observation near one of the moments that decide."""
    period = draw(st.sampled_from(PERIODS))
    near = st.sampled_from([-SECOND, timedelta(), SECOND])
    observed_at = draw(
        st.sampled_from(
            [period.price_final_from, period.price_recheck_from, period.stale_price_final_from],
        )
    ) + draw(near)
    updated_at = draw(st.none() | near.map(lambda span: period.price_current_from + span))
    price = draw(st.none() | st.sampled_from([Decimal("-9.5"), Decimal(0), Decimal("41.20"), Decimal("41.2")]))
    state = draw(st.sampled_from(["accepted", "accepted", "accepted", "loaded"]))
    return Observed(period, Observation(price, updated_at, observed_at), state)


def store(cur: cursor, all_observed: list[Observed]) -> None:
    cur.execute("TRUNCATE ops.landing_files, raw.reference_prices, raw.delivery_periods CASCADE")
    file = insert(cur, "ops.landing_files", landing_file="reference_prices/a", source="reference_prices")
    batches = {
        state: insert(cur, "ops.load_batches", source="reference_prices", landing_file_id=file, state=state)
        for state in ("accepted", "loaded")
    }
    store_periods(cur, PERIODS)
    for number, (period, observation, state) in enumerate(all_observed, start=1):
        insert(
            cur,
            "raw.reference_prices",
            delivery_day=period.delivery_day,
            delivery_hour=period.delivery_hour,
            load_batch_id=batches[state],
            landing_file_id=file,
            line_number=number,
            **asdict(observation),
        )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(observed(), max_size=12))
def test_the_price_that_counts_and_its_status_are_those_of_the_domain(
    cur: cursor, all_observed: list[Observed]
) -> None:
    store(cur, all_observed)
    cur.execute(
        "SELECT delivery_day, price_eur_per_mwh, provider_updated_at, observed_at, price_status, is_stale"
        " FROM curated.reference_prices"
    )
    found = {day: (Observation(price, updated_at, at), *rest) for day, price, updated_at, at, *rest in cur}
    expected = {}
    for period in PERIODS:
        standing = standing_price(o for p, o, state in all_observed if p is period and state == "accepted")
        if standing is not None:
            expected[period.delivery_day] = (
                standing,
                price_status(period, standing),
                is_stale(period, standing),
            )
    assert found == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(observed(), max_size=12))
def test_a_revision_differs_from_the_last_final_price_before_it(
    cur: cursor, all_observed: list[Observed]
) -> None:
    store(cur, all_observed)
    cur.execute(
        "SELECT delivery_day, observed_at, previous_price_eur_per_mwh, price_eur_per_mwh"
        " FROM ops.price_revisions"
    )
    found = sorted(cur.fetchall())
    expected = []
    for period in PERIODS:
        counting = [
            o for p, o, state in all_observed
            if p is period and state == "accepted" and o.price_eur_per_mwh is not None
        ]  # fmt: skip
        for later in counting:
            finals = [o for o in counting if o.observed_at < later.observed_at and is_final(period, o)]
            before = standing_price(finals)
            if before is not None and before.price_eur_per_mwh != later.price_eur_per_mwh:
                prices = before.price_eur_per_mwh, later.price_eur_per_mwh
                expected.append((period.delivery_day, later.observed_at, *prices))
    assert found == sorted(expected)


@pytest.mark.parametrize(
    ("updated", "observed_at", "status", "is_old"),
    [
        ("2025-07-01 09:44:59", "2025-07-01 10:00:30", "provisional", True),
        ("2025-07-01 09:45:00", "2025-07-01 10:00:30", "final", False),
        (None, "2025-07-01 10:00:30", "final", False),
        ("2025-07-01 09:44:59", "2025-07-02 09:59:59", "provisional", True),
        ("2025-07-01 09:44:59", "2025-07-02 10:00:00", "final", True),
        ("2025-07-01 08:00:00", "2025-07-01 10:00:29", "provisional", False),
    ],
)
def test_the_status_by_the_clock(
    cur: cursor, updated: str | None, observed_at: str, status: str, is_old: bool
) -> None:
    """12-13 in Berlin: gate closure 09:55 UTC, last publication until 10:00:30, noon of the next day 10:00."""
    updated_at = None if updated is None else datetime.fromisoformat(updated).replace(tzinfo=UTC)
    at = datetime.fromisoformat(observed_at).replace(tzinfo=UTC)
    store(cur, [Observed(PERIODS[0], Observation(Decimal(1), updated_at, at), "accepted")])
    cur.execute("SELECT price_status, is_stale FROM curated.reference_prices")
    assert cur.fetchall() == [(status, is_old)]
