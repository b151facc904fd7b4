"""The waits of a capture: quick after a success, capped for ever."""

from hypothesis import given
from hypothesis import strategies as st

from include.capture.timing import Timing


@given(st.integers(min_value=0, max_value=10**9))
def test_a_reconnect_never_waits_longer_than_the_cap(failures: int) -> None:
    delay = Timing().reconnect_delay(failures)

    assert 0 < delay <= 30
    assert delay <= 0.25 * 2.0 ** min(failures, 100)


def test_the_first_reconnect_comes_within_a_second() -> None:
    assert max(Timing().reconnect_delay(0) for _ in range(1000)) < 1


def test_the_delay_grows_to_half_a_minute_and_is_jittered() -> None:
    delays = {Timing().reconnect_delay(20) for _ in range(100)}

    assert min(delays) >= 15
    assert len(delays) > 1


def test_silent_connections_are_replaced_at_different_moments() -> None:
    delays = [Timing().renewal_delay(900) for _ in range(1000)]

    assert 900 <= min(delays) < 950
    assert 1300 < max(delays) <= 1350
    assert len({round(delay) for delay in delays}) > 300


def test_a_dead_link_is_noticed_within_30_seconds() -> None:
    timing = Timing()

    assert timing.heartbeat <= 10
    assert timing.heartbeat + timing.pong + timing.poll + timing.close < 30
