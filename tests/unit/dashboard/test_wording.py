"""What is wrong, in words."""

from datetime import UTC, datetime

from include.dashboard.wording import incomplete_because, troubles

QUIET = {
    "data_as_of": None,
    "late": None,
    "built_at": None,
    "pending_since": None,
    "blocked_count": 0,
    "blocked_since": None,
    "provider_down_since": None,
}


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def test_silence_is_no_trouble() -> None:
    assert troubles(QUIET, []) == []


def test_the_oldest_trouble_comes_first_and_each_code_once() -> None:
    status = QUIET | {
        "provider_down_since": at(9),
        "late": ["build", "trades"],
        "built_at": at(8),
        "data_as_of": at(7),
    }
    alarms = [
        {"alarm": "capture_silent", "since_at": at(10), "detail": ""},
        {"alarm": "hourly_pnl_late", "since_at": at(6), "detail": ""},
    ]
    found = troubles(status, alarms)
    assert [(t["code"], t["since"]) for t in found] == [
        ("data_late", at(6)),
        ("provider_down", at(9)),
        ("capture_down", at(10)),
    ]


def test_a_trouble_of_unknown_age_comes_last() -> None:
    status = QUIET | {"blocked_count": 2, "provider_down_since": at(9)}
    assert [t["code"] for t in troubles(status, [])] == ["provider_down", "batch_blocked"]
    assert troubles(status, [])[1]["text"].startswith("2 deliveries of data are held back")


def test_a_complete_hour_has_no_reasons() -> None:
    assert incomplete_because({"is_complete": True, "capture_gap_seconds": "0"}, []) == []
