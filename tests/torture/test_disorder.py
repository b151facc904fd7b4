"""Trades out of order, late, duplicated, amended, cancelled, loaded again: the tables say the same."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from include.jobs import load_trades, rebuild_steps
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from tests.e2e.specification import assert_as_specified, built_of
from tests.factories import Database
from tests.torture.conftest import Torture
from tests.torture.scenario import DAYS, FIRST, HOUR, MAX_LATE_HOURS, Landing, Scenario, run_all, tasks
from tools.fingerprint import fingerprint

REJECTS = (
    "SELECT landing_file, line_number, reason_code FROM ops.rejected_messages"
    " JOIN ops.landing_files USING (landing_file_id)"
    " WHERE reason_code <> 'conflicting_duplicate' ORDER BY 1, 2"
)

ORDERS = 4
"""Orders in which the files of a scenario are landed and loaded."""


pytestmark = pytest.mark.usefixtures("without_pages", "without_check")


def test_any_order_makes_equal_tables(
    torture: Torture, settings: Settings, database: Database, second_warehouse_url: str
) -> None:
    """Files appear in any order and grow; loads, builds, reloads and rebuilds come in between."""
    orders = messages = steps = 0
    for number in torture.trials(2, 24):
        has_statement = number % 2 == 1
        scenario = Scenario.made(
            torture.random, 300 if torture.is_long else 120, 12, has_statement=has_statement
        )
        root = settings.landing_root.parent / f"in-order-{number}"
        in_order = replace(settings, warehouse_url=second_warehouse_url, landing_root=root)
        scenario.write(root)
        with closing(Database(second_warehouse_url)) as other:
            other.forget_everything()
            run_all(in_order)
            if not has_statement:
                assert_as_specified(built_of(other), root)
            expected = fingerprint(other)
            rejects = other.rows(REJECTS)
        assert expected["curated.pnl_hourly"][0] > 20
        for order in range(ORDERS if torture.is_long else 1):
            shuffled = replace(settings, landing_root=root.with_name(f"shuffled-{number}-{order}"))
            database.forget_everything()
            steps += load_in_disorder(torture, shuffled, scenario)
            assert fingerprint(database) == expected
            assert database.rows(REJECTS) == rejects
            assert database.value("SELECT count(*) FROM ops.pending_delivery_periods") == 0
            assert not [file for file in audit.run(shuffled) if file.problems or file.waiting_lines]
            orders += 1
            messages += scenario.message_count
    tried = (
        f"{orders} orders of {messages:,} messages, received 0 to {MAX_LATE_HOURS} h late, in {steps:,} steps"
    )
    torture.report("Equal tables in whatever order", tried, "hashes of all tables equal; PnL as specified")


def load_in_disorder(torture: Torture, settings: Settings, scenario: Scenario) -> int:
    """Lands and loads a scenario in random steps; returns how many."""
    random = torture.random
    landing = Landing(scenario, settings.landing_root)

    def load_a_window() -> None:
        start = FIRST + random.randrange(96) * HOUR
        load_trades.run(settings, Window(start, start + random.randrange(1, 48) * HOUR))

    def load_again() -> None:
        day = random.choice(DAYS)
        days = DeliveryDays(day, day + timedelta(days=random.randrange(2)))
        rebuild_steps.run(settings, Rebuild(f"r{random.random()}", days, reload=random.random() < 0.7))

    choices: list[Callable[[], object]] = [task for _, task in tasks(settings)]
    choices += [load_a_window, load_a_window, load_again, lambda: landing.reveal(random, 0.3)]
    count = random.randrange(6, 20) if torture.is_long else 8
    for _ in range(count):
        landing.reveal(random, 0.2)
        random.choice(choices)()
    landing.finish()
    run_all(settings)
    return count
