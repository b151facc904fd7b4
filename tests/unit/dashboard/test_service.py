"""What of an answer can still change."""

from datetime import timedelta

from include.dashboard.service import SETTLED, is_settled, utc_now


def test_the_last_minute_is_not_settled() -> None:
    assert not is_settled(None)
    assert not is_settled(utc_now())
    assert is_settled(utc_now() - SETTLED - timedelta(seconds=1))
