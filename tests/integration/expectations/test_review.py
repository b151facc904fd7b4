"""People's decisions on quarantined trades and rejects."""

import threading
from contextlib import closing
from datetime import date

import psycopg2
import pytest

from include.errors import TerminalError
from include.expectations.review import Action, Selection, decide, waiting
from include.settings import Settings
from include.warehouse.locks import lock_pnl_days
from tests.integration.expectations.conftest import DAY, Warehouse

PRICE = "each price is within the exchange's bounds"
QUANTITY = "each quantity is above 0 MW"
A, B = "trades/date=2023-02-06/hour=08/file-0.jsonl", "trades/date=2023-02-06/hour=08/file-1.jsonl"

TRADES = "SELECT trade_id, review FROM ops.quarantined_trades ORDER BY trade_id"
REJECTS = "SELECT line_number, review FROM ops.rejected_messages ORDER BY line_number"


def quarantine(warehouse: Warehouse, batch_id: int, trade_id: str, expectation: str = PRICE) -> None:
    """A trade that the validation has put into quarantine."""
    warehouse.trade(batch_id, trade_id=trade_id)
    warehouse.database.quarantine(trade_id, expectation)


@pytest.fixture
def queue(warehouse: Warehouse) -> Warehouse:
    """Trades a and b (of file A), c (of B), and rejects on line 11 (A), 12 and 13 (B); one torn line."""
    first, second = (warehouse.batch(loaded=2, state="accepted") for _ in "AB")
    quarantine(warehouse, first, "a")
    quarantine(warehouse, first, "b", QUANTITY)
    quarantine(warehouse, second, "c", f"{PRICE}; {QUANTITY}")
    warehouse.trade(second, 13)
    for batch_id, line, reason in (
        (first, 11, "invalid_json"),
        (second, 12, "invalid_json"),
        (second, 13, "unknown_message"),
        (second, 14, "torn_line"),
    ):
        warehouse.database.insert(
            "ops.rejected_messages",
            landing_file_id=batch_id,  # the same numbers in an empty warehouse
            load_batch_id=batch_id,
            line_number=line,
            reason_code=reason,
        )
    return warehouse


@pytest.mark.parametrize(
    ("action", "selection", "trades", "rejects"),
    [
        ("accept", Selection(trade_id="a"), "a", []),
        ("discard", Selection(trade_id="c"), "c", []),
        ("accept", Selection(expectation=PRICE), "ac", []),
        ("accept", Selection(expectation="ABOVE 0"), "bc", []),
        ("discard", Selection(expectation="each"), "abc", []),
        ("discard", Selection(expectation="each", landing_file=B), "c", []),
        ("discard", Selection(reason_code="invalid_json"), "", [11, 12]),
        ("discard", Selection(reason_code="invalid_json", landing_file=B), "", [12]),
        ("discard", Selection(landing_file=A), "ab", [11]),
        ("accept", Selection(landing_file=A), "ab", []),
        ("discard", Selection(landing_file="trades/date=2023-02-06/hour=08/"), "abc", [11, 12, 13]),
        ("accept", Selection(landing_file="trades/date=2023-02-06/hour=08/"), "abc", []),
        ("accept", Selection(landing_file=A, line_number=2), "b", []),
        ("discard", Selection(landing_file=A, line_number=2), "b", []),
        ("discard", Selection(landing_file=B, line_number=13), "", [13]),
    ],
)
def test_a_decision_is_about_what_fits_all_that_is_given(
    settings: Settings, queue: Warehouse, action: Action, selection: Selection, trades: str, rejects: list[int]
) -> None:
    counts = decide(settings, action, " because ", selection)
    assert (counts["trades"], counts["rejects"]) == (len(trades), len(rejects))
    assert queue.rows(TRADES) == [(name, action if name in trades else None) for name in "abc"]
    assert queue.rows(REJECTS) == [(line, "discard" if line in rejects else None) for line in (11, 12, 13, 14)]
    reasons = queue.rows(
        "SELECT review_reason FROM ops.quarantined_trades WHERE review IS NOT NULL"
        " UNION SELECT review_reason FROM ops.rejected_messages WHERE review IS NOT NULL"
    )
    assert reasons == [("because",)]


@pytest.mark.parametrize(
    ("action", "reason", "selection", "message"),
    [
        ("accept", "  ", Selection(trade_id="a"), "a review needs a reason"),
        ("accept", "why", Selection(), "what is it about"),
        ("discard", "why", Selection(line_number=2), "give FILE, too"),
        ("accept", "why", Selection(reason_code="invalid_json"), "nothing that you could accept by this"),
        ("accept", "why", Selection(landing_file=B, line_number=13), "rejects can only be discarded"),
        ("discard", "why", Selection(reason_code="torn_line"), "nothing that you could discard"),
        ("discard", "why", Selection(trade_id="d"), "nothing that you could discard"),
        (
            "discard",
            "why",
            Selection(trade_id="a", reason_code="invalid_json"),
            "nothing that you could discard",
        ),
        ("discard", "why", Selection(landing_file=A[:-1], line_number=2), "nothing that you could discard"),
        ("discard", "why", Selection(landing_file="%"), "nothing that you could discard"),
        ("discard", "why", Selection(landing_file=A, line_number=10**30), "nothing that you could discard"),
        ("accept", "a\x00b", Selection(trade_id="a"), "cannot be stored"),
        ("accept", "why", Selection(trade_id="a\ud800"), r"trade_id .* cannot be stored: 'a\\ud800'"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_in_words(
    settings: Settings, queue: Warehouse, action: Action, reason: str, selection: Selection, message: str
) -> None:
    with pytest.raises(TerminalError, match=message):
        decide(settings, action, reason, selection)
    assert queue.rows(TRADES) == [(name, None) for name in "abc"]
    assert queue.rows(REJECTS) == [(line, None) for line in (11, 12, 13, 14)]
    assert queue.pending() == []


def test_a_trade_that_is_named_can_be_decided_on_again(settings: Settings, queue: Warehouse) -> None:
    decide(settings, "accept", "the exchange confirmed it", Selection(trade_id="a"))
    decide(settings, "discard", "all others", Selection(expectation="each"))
    assert queue.rows(TRADES) == [("a", "accept"), ("b", "discard"), ("c", "discard")]
    decide(settings, "discard", "the exchange did not", Selection(trade_id="a"))
    assert queue.rows(TRADES) == [("a", "discard"), ("b", "discard"), ("c", "discard")]
    with pytest.raises(TerminalError, match="nothing"):
        decide(settings, "accept", "too late", Selection(expectation="each"))


def test_an_accepted_trade_counts_and_a_discarded_one_does_not(settings: Settings, queue: Warehouse) -> None:
    decide(settings, "accept", "right", Selection(trade_id="a"))
    decide(settings, "discard", "wrong", Selection(trade_id="b"))
    assert queue.values("SELECT trade_id FROM curated.trades ORDER BY 1") == ["a", "t4"]


def test_a_decision_concerns_the_hours_of_all_revisions_of_the_trade(
    settings: Settings, warehouse: Warehouse
) -> None:
    batch_id = warehouse.batch(loaded=4, state="accepted")
    warehouse.database.trade(batch_id, DAY, "14:15-14:30", trade_id="x", revision=1)
    warehouse.database.quarantine("x")
    warehouse.database.trade(batch_id, DAY, "12-13", trade_id="x")  # counts while the other one does not
    warehouse.database.trade(batch_id, DAY, "18-21", trade_id="y")
    warehouse.database.quarantine("y")
    warehouse.database.trade(batch_id, DAY, "10-11")
    assert decide(settings, "accept", "why", Selection(trade_id="x"))["hours"] == 2
    assert warehouse.pending() == [("12-13", "review"), ("14-15", "review")]
    warehouse.rows("TRUNCATE ops.pending_delivery_periods")
    assert decide(settings, "discard", "why", Selection(trade_id="y"))["hours"] == 3
    assert warehouse.pending() == [("18-19", "review"), ("19-20", "review"), ("20-21", "review")]


def test_a_discarded_reject_concerns_the_hours_that_it_tells_or_that_were_tradable(
    settings: Settings, warehouse: Warehouse
) -> None:
    batch_id = warehouse.trades(8, 12, 23, state="accepted")
    reject = {"landing_file_id": batch_id, "load_batch_id": batch_id, "received_at": "2023-02-06 10:54:59+00"}
    told = {"delivery_day": DAY, "delivery_hours": ["12-13", "13-14"]}
    warehouse.database.insert("ops.rejected_messages", line_number=11, **told, **reject)
    warehouse.database.insert(
        "ops.rejected_messages", line_number=12, **reject
    )  # gate closure of 12-13: 10:55 UTC
    warehouse.database.insert(
        "ops.rejected_messages", line_number=13, **reject | {"received_at": "2023-02-06 10:55:00+00"}
    )
    # not written by capture: it counts as received when its file begins, at 08:00 UTC
    warehouse.rows("UPDATE ops.landing_files SET hour_start_at = '2023-02-06 06:00:00+00'")
    warehouse.database.insert("ops.rejected_messages", line_number=14, **reject | {"received_at": None})
    for line, hours in ((11, ["12-13", "13-14"]), (12, ["12-13", "23-24"]), (13, ["23-24"]),
                        (14, ["08-09", "12-13", "23-24"])):  # fmt: skip
        selection = Selection(landing_file=A, line_number=line)
        assert decide(settings, "discard", "why", selection)["hours"] == len(hours)
        assert warehouse.pending() == [(hour, "review") for hour in hours]
        warehouse.rows("TRUNCATE ops.pending_delivery_periods")


def test_a_decision_waits_for_a_build(settings: Settings, queue: Warehouse) -> None:
    """What a build has read must not change before it is published."""
    waits = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE application_name LIKE '%review%' AND locktype = 'advisory' AND NOT granted"
    )
    accepting = threading.Thread(target=decide, args=(settings, "accept", "why", Selection(trade_id="a")))
    with closing(psycopg2.connect(settings.warehouse_url)) as building:
        with building, building.cursor() as cur:
            lock_pnl_days(cur, "DE", [date(2023, 2, 6)])
        accepting.start()
        while not queue.database.value(waits):
            assert accepting.is_alive()
        assert queue.rows(TRADES) == [("a", None), ("b", None), ("c", None)]
    accepting.join()
    assert queue.rows(TRADES) == [("a", "accept"), ("b", None), ("c", None)]


def test_the_list_has_examples_of_each_group(
    settings: Settings, queue: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.expectations.review.EXAMPLES", 1)
    found = [
        (row["problem"], row["reason"], row["message_count"], row["trade_id"], row["line_number"])
        for row in waiting(settings)
    ]
    assert found == [
        ("quarantined", PRICE, 1, "a", 1),
        ("quarantined", f"{PRICE}; {QUANTITY}", 1, "c", 3),
        ("quarantined", QUANTITY, 1, "b", 2),
        ("rejected", "invalid_json", 2, None, 11),
        ("rejected", "unknown_message", 1, None, 13),
    ]
    decide(settings, "discard", "why", Selection(landing_file="trades/"))
    assert waiting(settings) == []
