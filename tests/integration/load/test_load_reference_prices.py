"""Landed replies to raw.reference_prices: every observation kept, undefined stays undefined."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.jobs import load_reference_prices, validate_reference_prices
from include.landing import event_line, message_line
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, write_landing_file

ASKED = {"delivery_day": "2026-03-02", "delivery_hour": "15-16"}
ANSWER = ASKED | {"last_update": "2026-03-02T10:10:20+00:00", "unit": "euro/mwh", "value": 27.74}


def land(root: Path, *replies: tuple[int, Any], request: Any = ASKED) -> None:
    lines = b"".join(
        message_line(
            RECEIVED_AT + timedelta(seconds=n),
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            request=request,
            status=status,
        )
        for n, (status, body) in enumerate(replies)
    )
    write_landing_file(root, lines, source="reference_prices")


def test_every_column_of_an_observation(settings: Settings, database: Database) -> None:
    land(settings.landing_root, (200, ANSWER))
    load_reference_prices.run(settings)
    assert database.rows(
        "SELECT delivery_day::text, delivery_hour, price_eur_per_mwh::text, provider_updated_at::text,"
        " observed_at::text FROM raw.reference_prices"
    ) == [("2026-03-02", "15-16", "27.74", "2026-03-02 10:10:20+00", "2026-03-02 10:15:00+00")]
    assert database.value("SELECT price_final_from::text FROM raw.delivery_periods") == "2026-03-02 14:00:30+00"


def test_an_undefined_price_is_stored_as_undefined(settings: Settings, database: Database) -> None:
    without = {name: value for name, value in ANSWER.items() if name != "value"}
    land(settings.landing_root, (200, ANSWER | {"value": None}), (200, without), (404, b""), (404, b"\xff"))
    load_reference_prices.run(settings)
    assert database.rows("SELECT price_eur_per_mwh FROM raw.reference_prices") == [(None,)] * 4


def test_every_observation_is_kept(settings: Settings, database: Database) -> None:
    land(settings.landing_root, (200, ANSWER), (200, ANSWER), (200, ANSWER | {"value": 0}))
    load_reference_prices.run(settings)
    load_reference_prices.run(settings)
    assert database.value(
        "SELECT array_agg(price_eur_per_mwh ORDER BY observed_at)::text FROM raw.reference_prices"
    ) == ("{27.74,27.74,0}")


def test_not_now_is_an_event(settings: Settings, database: Database) -> None:
    land(settings.landing_root, (429, b"slow down"), (503, b"<html>"))
    failed = event_line(RECEIVED_AT, "request_failed", request=ASKED, error="timed out")
    write_landing_file(settings.landing_root, failed, "b", source="reference_prices")
    assert load_reference_prices.run(settings)["event_count"] == 3
    assert database.value("SELECT count(*) FROM ops.load_batches WHERE state = 'accepted'") == 2
    assert database.value("SELECT count(*) FROM ops.connected_intervals") == 0


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error_message": "no such hour"}, "bad_request"),
        (302, b"", "unexpected_status"),
        (200, b"<html>", "invalid_json"),
        (200, b'{"value": NaN}', "invalid_json"),
        (200, [], "unknown_message"),
        (200, b"\xff\xfe", "not_text"),
        (200, ANSWER | {"delivery_hour": "16-17"}, "answer_mismatch"),
        (200, ANSWER | {"unit": "dollar/mwh"}, "invalid_unit"),
        (200, ANSWER | {"value": "27,74"}, "invalid_price"),
        (200, ANSWER | {"value": 9999.991}, "price_out_of_bounds"),
        (200, ANSWER | {"value": -10000}, "price_out_of_bounds"),
    ],
)
def test_a_breach_of_the_contract_is_rejected(
    settings: Settings, database: Database, status: int, body: Any, reason: str
) -> None:
    land(settings.landing_root, (status, body))
    load_reference_prices.run(settings)
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [(reason,)]
    assert database.value("SELECT count(*) FROM raw.reference_prices") == 0
    assert not any(file.problems for file in audit.run(settings))


def test_a_last_update_that_cannot_be_read_is_stored_as_unknown(settings: Settings, database: Database) -> None:
    land(settings.landing_root, (200, ANSWER | {"last_update": "yesterday\t\\N"}), (200, ANSWER))
    load_reference_prices.run(settings)
    columns = "price_eur_per_mwh::text, provider_updated_at::text, unreadable_update_time"
    assert database.rows(f"SELECT {columns} FROM raw.reference_prices ORDER BY line_number") == [
        ("27.74", None, r"'yesterday\t\\N'"),
        ("27.74", "2026-03-02 10:10:20+00", None),
    ]


def test_one_bad_observation_holds_no_other_back(settings: Settings, database: Database) -> None:
    """The verdict is on a reply: out of bounds, or of a pull whose clock is ahead of the warehouse's."""
    land(settings.landing_root, (200, ANSWER | {"value": 10_000}), (200, ANSWER))
    ahead = datetime.now(UTC) + timedelta(minutes=6)
    line = message_line(ahead, json.dumps(ANSWER | {"value": 30}).encode(), request=ASKED, status=200)
    slightly = datetime.now(UTC) + timedelta(minutes=4)
    line += message_line(slightly, json.dumps(ANSWER | {"value": 31}).encode(), request=ASKED, status=200)
    write_landing_file(settings.landing_root, line, "ahead", source="reference_prices")
    load_reference_prices.run(settings)
    validate_reference_prices.run(settings)
    assert database.rows("SELECT reason_code FROM ops.rejected_messages ORDER BY 1") == [
        ("observed_in_future",),
        ("price_out_of_bounds",),
    ]
    assert database.rows("SELECT DISTINCT state FROM ops.load_batches") == [("accepted",)]
    assert database.value("SELECT price_eur_per_mwh::text FROM curated.reference_prices") == "31"
    assert not any(file.problems for file in audit.run(settings))


def test_a_reply_without_its_question_is_a_foreign_line(settings: Settings, database: Database) -> None:
    write_landing_file(settings.landing_root, message_line(RECEIVED_AT, b"{}"), source="reference_prices")
    load_reference_prices.run(settings)
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [("foreign_line",)]
