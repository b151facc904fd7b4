"""The anchored clock: drift is ignored, a step is followed and told."""

from datetime import UTC, datetime, timedelta

import pytest

from include.capture.clock import AnchoredClock, Step

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Clocks:
    """A wall clock and a monotonic one that go together until the wall clock is stepped."""

    def __init__(self) -> None:
        self.seconds = 5_000.0
        self.stepped = timedelta()

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 5_000) + self.stepped

    def anchored(self) -> AnchoredClock:
        return AnchoredClock(self.wall, lambda: self.seconds)


def test_time_goes_on_with_the_monotonic_clock() -> None:
    clocks = Clocks()
    clock = clocks.anchored()
    clocks.seconds += 3600

    assert clock.read() == (START + timedelta(hours=1), None)


@pytest.mark.parametrize("seconds", [-2, -0.5, 0.5, 2])
def test_a_wall_clock_that_drifts_is_not_followed(seconds: float) -> None:
    clocks = Clocks()
    clock = clocks.anchored()
    clocks.stepped = timedelta(seconds=seconds)

    assert clock.read() == (START, None)


@pytest.mark.parametrize("seconds", [-3600, -2.1, 2.1, 3600])
def test_a_step_is_followed_at_once_and_told_once(seconds: float) -> None:
    clocks = Clocks()
    clock = clocks.anchored()
    clocks.seconds += 60
    clocks.stepped = timedelta(seconds=seconds)
    minute = timedelta(minutes=1)

    assert clock.read() == (START + minute + clocks.stepped, Step(START + minute, clocks.stepped))
    assert clock.read() == (START + minute + clocks.stepped, None)
    clocks.stepped = timedelta()
    assert clock.read() == (
        START + minute,
        Step(START + minute + timedelta(seconds=seconds), -timedelta(seconds=seconds)),
    )


def test_a_process_that_is_held_up_between_two_readings_sees_no_step() -> None:
    clocks = Clocks()
    held_up_for = iter([0.0, 3.0, 0.0])

    def wall() -> datetime:
        clocks.seconds += next(held_up_for)
        return clocks.wall()

    clock = AnchoredClock(wall, lambda: clocks.seconds)

    assert clock.read() == (START + timedelta(seconds=3), None)
