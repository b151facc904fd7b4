"""Every day of 2020 to 2030 in several zones, against rules for the change of clocks written down here."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.delivery_period import GATE_CLOSURE, DeliveryPeriod, HourShare, Market
from include.domain.rejection import Reason, RejectedMessageError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEARS = range(2020, 2031)
FIRST, LAST = date(2020, 1, 1), date(2030, 12, 31)
DAYS = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]


def sunday(year: int, month: int, number: int) -> date:
    """The first (1), second (2), … or last (-1) Sunday of a month."""
    first = date(year, month, 1)
    sundays = [d for d in (first + n * DAY for n in range(31)) if d.month == month and d.weekday() == 6]
    return sundays[number - 1 if number > 0 else number]


@dataclass(frozen=True)
class Zone:
    """How a zone changes its clocks, without asking any time zone database.

    Attributes:
        winter: Hours ahead of UTC in winter.
        spring: The day of a year on which clocks go forward; None: never.
        autumn: The day on which they go back.
        skipped_hour: The local hour that is skipped in spring.
        doubled_hour: The local hour that comes twice in autumn.
    """

    name: str
    winter: int
    spring: Callable[[int], date] | None = None
    autumn: Callable[[int], date] | None = None
    skipped_hour: int = -1
    doubled_hour: int = -1

    def starts(self, day: date) -> list[tuple[int, datetime]]:
        """The hours of a day: the hour on the wall and the instant, UTC, at which it begins."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if self.spring is None or self.autumn is None:
            return [(hour, midnight + (hour - self.winter) * HOUR) for hour in range(24)]
        spring, autumn = self.spring(day.year), self.autumn(day.year)
        is_summer = spring < day <= autumn
        walls = list(range(24))
        if day == spring:
            walls.remove(self.skipped_hour)
        elif day == autumn:
            walls.insert(self.doubled_hour, self.doubled_hour)
        begin = midnight - (self.winter + is_summer) * HOUR
        return [(wall, begin + number * HOUR) for number, wall in enumerate(walls)]


def european(name: str, winter: int) -> Zone:
    """All of the European Union changes at 01:00 UTC of the last Sundays of March and October."""
    wall = winter + 1
    return Zone(name, winter, lambda y: sunday(y, 3, -1), lambda y: sunday(y, 10, -1), wall, wall)


ZONES = [
    european("Europe/Berlin", 1),
    european("Europe/London", 0),
    european("Europe/Helsinki", 2),
    Zone("America/New_York", -5, lambda y: sunday(y, 3, 2), lambda y: sunday(y, 11, 1), 2, 1),
    Zone("UTC", 0),
]
each_zone = pytest.mark.parametrize("calendar", ZONES, ids=lambda zone: zone.name, indirect=True)
each_changing_zone = pytest.mark.parametrize(
    "zone", [zone for zone in ZONES if zone.spring], ids=lambda zone: zone.name
)
Calendar = tuple[Zone, dict[date, list[DeliveryPeriod]]]


@pytest.fixture(scope="module")
def calendar(request: pytest.FixtureRequest) -> Calendar:
    """A zone, and the hours of each day by the market's calendar."""
    zone: Zone = request.param
    market = Market.of(zone.name)
    return zone, {day: market.hours_of(day) for day in DAYS}


def label(wall: int) -> str:
    return f"{wall:02}-{wall + 1:02}"


@each_zone
def test_the_hours_of_each_day_are_those_on_the_wall(calendar: Calendar) -> None:
    zone, hours_of = calendar
    for day in DAYS:
        expected = [
            (label(wall), [start for _, start in starts])
            for wall, starts in itertools.groupby(zone.starts(day), key=lambda hour: hour[0])
        ]
        periods = hours_of[day]
        assert [(p.delivery_hour, p.start_at, p.end_at) for p in periods] == [
            (name, starts[0], starts[-1] + HOUR) for name, starts in expected
        ]
        assert [p.is_dst_ambiguous for p in periods] == [len(starts) == 2 for _, starts in expected]
        assert {(p.delivery_day, p.hours) for p in periods} == {(day, 1)}


@each_zone
def test_each_instant_of_eleven_years_is_delivered_in_one_period(calendar: Calendar) -> None:
    zone, hours_of = calendar
    at = zone.starts(FIRST)[0][1]
    for day in DAYS:
        for period in hours_of[day]:
            assert period.start_at == at, day  # from local midnight to local midnight, and over each year's end
            at = period.end_at
    assert at == zone.starts(LAST + DAY)[0][1]


def test_europe_changes_on_the_last_sundays() -> None:
    """The rule above against days that are printed in calendars."""
    assert [sunday(y, 3, -1).day for y in YEARS] == [29, 28, 27, 26, 31, 30, 29, 28, 26, 25, 31]
    assert [sunday(y, 10, -1).day for y in YEARS] == [25, 31, 30, 29, 27, 26, 25, 31, 29, 28, 27]


@each_zone
def test_trading_opens_then_closes_then_the_price_is_final(calendar: Calendar) -> None:
    zone, hours_of = calendar
    opened = [at for wall, at in zone.starts(FIRST - DAY) if wall == 15]
    for day in DAYS:
        for period in hours_of[day]:
            last_start = period.end_at - HOUR  # of the second hour under a doubled label
            assert period.tradable_from == opened[0]
            assert period.tradable_until == last_start - GATE_CLOSURE
            assert period.tradable_from < period.tradable_until < period.price_final_from
            # the publication at the full hour includes the last trades; it is at most 30 s late
            assert period.price_final_from == last_start + timedelta(seconds=30)
        opened = [at for wall, at in zone.starts(day) if wall == 15]


@each_changing_zone
@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_on_days_of_a_change_the_parts_of_each_hour_tile_it(zone: Zone, minutes: int) -> None:
    market = Market.of(zone.name)
    assert zone.spring
    assert zone.autumn
    for day in [change(year) for year in YEARS for change in (zone.spring, zone.autumn)]:
        starts = [at for _, at in zone.starts(day)]
        walls = [wall for wall, _ in zone.starts(day)]
        parts: list[DeliveryPeriod] = []
        for position, wall in enumerate(walls):
            half = ""
            if walls.count(wall) == 2:
                half = "A" if walls.index(wall) == position else "B"
            parts += [market.period(day, text) for text in clock_labels(wall, minutes, half)]
        assert [p.start_at for p in parts] == [*starts[:1], *(p.end_at for p in parts[:-1])]
        assert parts[-1].end_at == starts[-1] + HOUR
        assert sum(p.hours for p in parts) == len(starts)
        assert [p.shares for p in parts] == [
            (HourShare(hour, minute, Decimal(minutes) / 60),)
            for hour in labels_of(zone, day)
            for minute in range(0, 60, minutes)
        ]
        assert not any(p.is_dst_ambiguous for p in parts)
        assert all(p.tradable_from < p.tradable_until == p.start_at - GATE_CLOSURE for p in parts)


@each_changing_zone
def test_on_days_of_a_change_the_skipped_hour_has_no_parts_and_the_doubled_one_stands_for_both(
    zone: Zone,
) -> None:
    market = Market.of(zone.name)
    assert zone.spring
    assert zone.autumn
    for year in YEARS:
        for minutes in (15, 30, 60):
            for text in clock_labels(zone.skipped_hour, minutes):
                with pytest.raises(RejectedMessageError) as rejected:
                    market.period(zone.spring(year), text)
                assert rejected.value.reason == Reason.NONEXISTENT_DELIVERY_HOUR
            for text in clock_labels(zone.doubled_hour, minutes):
                both = market.period(zone.autumn(year), text)
                first, second = (market.period(zone.autumn(year), text + half) for half in "AB")
                assert second.start_at - first.start_at == HOUR
                assert (both.start_at, both.end_at) == (first.start_at, second.end_at)
                assert both.hours == first.hours == second.hours
                # trades under it may be for the second: open, and without a final price, until that one closes
                assert both.tradable_until == second.tradable_until
                assert both.price_final_from == second.price_final_from
                assert [share.pnl_hour for share in both.shares] == [label(zone.doubled_hour)]


@each_changing_zone
def test_on_days_of_a_change_a_block_delivers_in_each_hour_between_its_ends(zone: Zone) -> None:
    market = Market.of(zone.name)
    assert zone.spring
    assert zone.autumn
    for day in [change(year) for year in YEARS[::3] for change in (zone.spring, zone.autumn)]:
        hours = list(zip(zone.starts(day), labels_of(zone, day), strict=True))
        for first, last in itertools.combinations(range(25), 2):
            if last == first + 1:
                continue
            text = f"{first:02}-{last:02}"
            if day == zone.spring(day.year) and first == zone.skipped_hour:
                with pytest.raises(RejectedMessageError) as rejected:
                    market.period(day, text)
                assert rejected.value.reason == Reason.NONEXISTENT_DELIVERY_HOUR
                continue
            inside = [(at, name) for (wall, at), name in hours if first <= wall < last]
            block = market.period(day, text)
            assert (block.start_at, block.end_at) == (inside[0][0], inside[-1][0] + HOUR)
            assert block.shares == tuple(HourShare(name, 0, Decimal(1)) for _, name in inside)
            assert (block.hours, block.is_dst_ambiguous) == (len(inside), False)
            assert block.tradable_until == block.start_at - GATE_CLOSURE


@each_changing_zone
def test_on_days_of_a_change_hours_in_a_row_have_one_name_that_leads_back(zone: Zone) -> None:
    market = Market.of(zone.name)
    assert zone.spring
    assert zone.autumn
    for day in [change(year) for year in YEARS[::5] for change in (zone.spring, zone.autumn)]:
        starts, names = [at for _, at in zone.starts(day)], labels_of(zone, day)
        found = {}
        for first, last in itertools.combinations(range(len(starts) + 1), 2):
            period = market.period_between(starts[first], starts[last - 1] + HOUR)
            assert [share.pnl_hour for share in period.shares] == names[first:last]
            assert period.hours == last - first
            assert period.delivery_day == day
            assert period == market.period(day, period.delivery_hour)
            found[starts[first], starts[last - 1] + HOUR] = period.delivery_hour
        assert len(set(found.values())) == len(found)
        # however it is written
        for first, last in itertools.combinations(range(25), 2):
            try:
                period = market.period(day, f"{first:02}-{last:02}")
            except RejectedMessageError:
                continue
            if not period.is_dst_ambiguous:
                assert period.delivery_hour == found[period.start_at, period.end_at]


@pytest.mark.parametrize(
    ("zone", "day", "text", "start", "end", "hours"),
    [
        ("Berlin", "2025-03-30", "00-04", "2025-03-29T23:00", "2025-03-30T02:00", "00-01 01-02 03-04"),
        ("Berlin", "2025-03-30", "00:00-02:00", "2025-03-29T23:00", "2025-03-30T01:00", "00-01 01-02"),
        ("Berlin", "2025-03-30", "01-03", "2025-03-30T00:00", "2025-03-30T01:00", "01-02"),
        ("Berlin", "2025-03-30", "01:45-02:00", "2025-03-30T00:45", "2025-03-30T01:00", "01-02"),
        ("Berlin", "2025-03-30", "03:00-03:15", "2025-03-30T01:00", "2025-03-30T01:15", "03-04"),
        (
            "Berlin",
            "2025-10-26",
            "00-04",
            "2025-10-25T22:00",
            "2025-10-26T03:00",
            "00-01 01-02 02-03A 02-03B 03-04",
        ),
        ("Berlin", "2025-10-26", "00-02", "2025-10-25T22:00", "2025-10-26T00:00", "00-01 01-02"),
        ("Berlin", "2025-10-26", "02-04", "2025-10-26T00:00", "2025-10-26T03:00", "02-03A 02-03B 03-04"),
        ("Berlin", "2025-10-26", "03-05", "2025-10-26T02:00", "2025-10-26T04:00", "03-04 04-05"),
        ("Berlin", "2025-10-26", "02:15-02:30A", "2025-10-26T00:15", "2025-10-26T00:30", "02-03A"),
        ("Berlin", "2025-10-26", "02:15-02:30B", "2025-10-26T01:15", "2025-10-26T01:30", "02-03B"),
        ("London", "2025-03-30", "00-04", "2025-03-30T00:00", "2025-03-30T03:00", "00-01 02-03 03-04"),
        ("London", "2025-03-30", "02:00-02:15", "2025-03-30T01:00", "2025-03-30T01:15", "02-03"),
        (
            "London",
            "2025-10-26",
            "00-04",
            "2025-10-25T23:00",
            "2025-10-26T04:00",
            "00-01 01-02A 01-02B 02-03 03-04",
        ),
        ("London", "2025-10-26", "01:45-02:00B", "2025-10-26T01:45", "2025-10-26T02:00", "01-02B"),
        ("London", "2025-10-26", "2A", "2025-10-26T00:00", "2025-10-26T01:00", "01-02A"),
        ("Helsinki", "2025-03-30", "00-05", "2025-03-29T22:00", "2025-03-30T02:00", "00-01 01-02 02-03 04-05"),
        ("Helsinki", "2025-03-30", "04:00-04:15", "2025-03-30T01:00", "2025-03-30T01:15", "04-05"),
        (
            "Helsinki",
            "2025-10-26",
            "02-05",
            "2025-10-25T23:00",
            "2025-10-26T03:00",
            "02-03 03-04A 03-04B 04-05",
        ),
        ("Helsinki", "2025-10-26", "03:30-04:00B", "2025-10-26T01:30", "2025-10-26T02:00", "03-04B"),
    ],
)
def test_across_a_change_by_hand(zone: str, day: str, text: str, start: str, end: str, hours: str) -> None:
    period = Market.of(f"Europe/{zone}").period(date.fromisoformat(day), text)
    bounds = [datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (start, end)]
    assert [period.start_at, period.end_at] == bounds
    assert [share.pnl_hour for share in period.shares] == hours.split()
    assert period.hours == Decimal((bounds[1] - bounds[0]) // timedelta(minutes=15)) / 4
    assert not period.is_dst_ambiguous


def labels_of(zone: Zone, day: date) -> list[str]:
    """The label of each hour of a day, with A and B for the two of a doubled one."""
    walls = [wall for wall, _ in zone.starts(day)]
    return [
        label(wall) + ("" if walls.count(wall) == 1 else "AB"[n - walls.index(wall)])
        for n, wall in enumerate(walls)
    ]


def clock_labels(wall: int, minutes: int, half: str = "") -> list[str]:
    """The labels of the parts of an hour."""
    return [
        f"{start // 60:02}:{start % 60:02}-{(start + minutes) // 60:02}:{(start + minutes) % 60:02}{half}"
        for start in range(60 * wall, 60 * wall + 60, minutes)
    ]
