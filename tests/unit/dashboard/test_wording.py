"""What is wrong, in words."""

from include.dashboard.wording import incomplete_because


def test_a_complete_hour_has_no_reasons() -> None:
    assert (
        incomplete_because(
            {"is_complete": True, "capture_gap_seconds": "0", "has_unreviewed_messages": False}, []
        )
        == []
    )
