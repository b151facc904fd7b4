"""A warehouse whose decisions on unexpected trades stand in the rows of the quarantine: they are told apart."""

from contextlib import closing
from datetime import date

import pytest

from include.expectations.reconciliation import IN_STATEMENT
from include.warehouse.migrate import migrate
from tests.factories import Database

BOUNDS = "each price is within the exchange's bounds"


@pytest.mark.parametrize("older", ["0025"], indirect=True)
def test_decisions_and_numbers_stay(older: str) -> None:
    with closing(Database(older)) as database:
        batch = database.batch()
        for name, revision in (("held", 0), ("both", 0), ("both", 1), ("gone", 0), ("gone", 1)):
            database.trade(batch, date(2026, 3, 2), "15-16", trade_id=name, revision=revision)
        for name in ("held", "both", "gone"):
            database.quarantine(name, BOUNDS)
        for name, review in (("both", "accept"), ("gone", "discard")):
            database.rows(
                "UPDATE ops.quarantined_trades SET is_unexpected = true, review = %s, review_reason = 'r',"
                " reviewed_at = now(), expectation = CASE revision WHEN 0 THEN %s ELSE expectation END"
                " WHERE trade_id = %s",
                (review, IN_STATEMENT, name),
            )
        counting = "SELECT trade_id, revision FROM curated.trades"
        assert database.rows(counting) == [("both", 1)]

        migrate(older)
        assert database.rows(counting) == [("both", 1)]
        assert database.rows(
            "SELECT trade_id, revision, is_unexpected, expectation, review FROM ops.quarantined_trades"
            " ORDER BY 1, 2, 3"
        ) == [
            ("both", 0, True, IN_STATEMENT, "accept"),
            ("both", 1, False, BOUNDS, "accept"),
            ("both", 1, True, IN_STATEMENT, "accept"),
            ("gone", 0, True, IN_STATEMENT, "discard"),
            ("gone", 1, False, BOUNDS, "discard"),
            ("gone", 1, True, IN_STATEMENT, "discard"),
            ("held", 0, False, BOUNDS, None),
        ]
