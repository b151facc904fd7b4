"""An engineer's decision on a blocked batch."""

import json

import pytest

from include.errors import TerminalError
from include.expectations import review
from include.settings import Settings
from tests.integration.expectations.conftest import Warehouse

REVIEW = (
    "SELECT state, review, review_reason, reviewed_at IS NULL FROM ops.load_batches WHERE load_batch_id = %s"
)
LEDGER = "SELECT line_count, loaded_count, duplicate_count, rejected_count, event_count FROM ops."


@pytest.fixture
def blocked(warehouse: Warehouse) -> int:
    """A blocked batch: two trades, three duplicates, one reject."""
    batch_id = warehouse.batch(loaded=2, duplicate=3, rejected=1, state="blocked")
    warehouse.trade(batch_id, 12, price_eur_per_mwh="10000")
    warehouse.trade(batch_id, 13)
    warehouse.trades(14, state="accepted")
    return batch_id


def test_an_accepted_batch_counts(settings: Settings, warehouse: Warehouse, blocked: int) -> None:
    review.accept_batch(settings, blocked, " the exchange confirmed it ")
    assert warehouse.rows(REVIEW, (blocked,)) == [("accepted", "accepted", "the exchange confirmed it", False)]
    assert warehouse.pending() == [("12-13", "trades"), ("13-14", "trades")]
    assert warehouse.values("SELECT count(*) FROM curated.trades") == [3]


def test_a_discarded_batch_becomes_rejects(settings: Settings, warehouse: Warehouse, blocked: int) -> None:
    assert review.discard_batch(settings, blocked, "a test of the exchange") == 2
    assert warehouse.rows(REVIEW, (blocked,)) == [("blocked", "discarded", "a test of the exchange", False)]
    assert warehouse.rows(f"{LEDGER}load_batches WHERE load_batch_id = %s", (blocked,)) == [(6, 0, 3, 3, 0)]
    assert warehouse.rows(f"{LEDGER}landing_files ORDER BY landing_file_id") == [
        (6, 0, 3, 3, 0),
        (1, 1, 0, 0, 0),
    ]
    assert warehouse.values("SELECT delivery_hour FROM raw.trades") == ["14-15"]
    moved = warehouse.rows(
        "SELECT line_number, load_batch_id, source, detail, raw, received_at::text FROM ops.rejected_messages"
        " WHERE reason_code = 'discarded_batch' ORDER BY line_number"
    )
    assert [row[:3] for row in moved] == [(1, blocked, "trades"), (2, blocked, "trades")]
    assert "a test of the exchange" in moved[0][3]
    message = json.loads(moved[0][4])["deal_confirmation"]
    assert (message["id"], message["price"], message["delivery_hour"]) == ("t1", 10000, "12-13")
    assert warehouse.pending() == []


def test_prices_can_be_reviewed_too(settings: Settings, warehouse: Warehouse) -> None:
    warehouse.trades(12, 13, state="accepted")
    wrong, right = (warehouse.prices(hour, state="blocked") for hour in (12, 13))
    assert review.discard_batch(settings, wrong, "wrong") == 1
    review.accept_batch(settings, right, "right")
    assert warehouse.values("SELECT delivery_hour FROM raw.reference_prices") == ["13-14"]
    assert warehouse.pending() == [("13-14", "reference_prices")]
    ((raw,),) = warehouse.rows("SELECT raw FROM ops.rejected_messages")
    assert json.loads(raw)["value"] == 9.8


@pytest.mark.parametrize("decide", [review.accept_batch, review.discard_batch])
def test_only_a_blocked_batch_is_reviewed_once_and_with_a_reason(
    settings: Settings, warehouse: Warehouse, blocked: int, decide: object
) -> None:
    assert callable(decide)
    accepted = warehouse.trades(15, state="accepted")
    for batch_id, reason in ((blocked, "  "), (accepted, "why"), (10**30, "why"), (-1, "why")):
        with pytest.raises(TerminalError):
            decide(settings, batch_id, reason)
    assert warehouse.values("SELECT count(*) FROM ops.load_batches WHERE review IS NOT NULL") == [0]
    decide(settings, blocked, "why")
    for again in (review.accept_batch, review.discard_batch):
        with pytest.raises(TerminalError, match=f"batch {blocked} is"):
            again(settings, blocked, "why")
