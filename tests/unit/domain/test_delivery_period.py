"""Delivery periods: the hours of ordinary days, of the two change days, of quarter hours and of other zones."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from include.domain.delivery_period import DeliveryPeriod, HourShare, Market, parse_delivery_day
from include.domain.rejection import Reason, RejectedMessageError
from tests.unit.domain.messages import outcome

BERLIN = Market.of("Europe/Berlin")
ZONES = ["Europe/Berlin", "Europe/London", "UTC", "America/New_York"]
MARCH_CHANGE, OCTOBER_CHANGE = date(2025, 3, 30), date(2025, 10, 26)
HOUR = timedelta(hours=1)
FIRST, LAST = date(2020, 1, 1), date(2030, 12, 31)
days = st.dates(FIRST, LAST)
markets = st.sampled_from([Market.of(zone) for zone in ZONES])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def midnight(market: Market, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=market.timezone).astimezone(UTC)


def assert_tiles(periods: list[DeliveryPeriod], start: datetime, end: datetime) -> None:
    bounds = [start, *(p.end_at for p in periods)]
    assert [p.start_at for p in periods] == bounds[:-1]
    assert bounds[-1] == end


def hours_between(market: Market, day: date) -> int:
    return (midnight(market, day + timedelta(days=1)) - midnight(market, day)) // HOUR


@pytest.mark.parametrize("label", ["02-03", "02:00-02:15", "02:45-03:00", "02:00-03:00"])
def test_an_hour_that_march_skips_is_rejected(label: str) -> None:
    with pytest.raises(RejectedMessageError) as rejected:
        BERLIN.period(MARCH_CHANGE, label)
    assert rejected.value.reason == Reason.NONEXISTENT_DELIVERY_HOUR


@pytest.mark.parametrize("half", ["A", "B"])
@pytest.mark.parametrize(
    "label",
    [
        *("02-03{}", "2-3{}", "02 - 03{}", "03{}", "3{}", "H3{}", "H03{}", "Hour 3{}", "02:00-03:00{}"),
        "2:00 - 3:00{}",
    ],
)
def test_a_suffix_tells_the_two_hours_apart(label: str, half: str) -> None:
    period = BERLIN.period(OCTOBER_CHANGE, label.format(half))
    start = utc("2025-10-26T00:00") if half == "A" else utc("2025-10-26T01:00")
    assert (period.start_at, period.end_at) == (start, start + HOUR)
    assert (period.delivery_hour, period.hours, period.is_dst_ambiguous) == (f"02-03{half}", 1, False)
    assert period.shares == (HourShare(f"02-03{half}", 0, Decimal(1)),)


@pytest.mark.parametrize(
    ("written", "canonical", "hours"),
    [
        ("02A-03B", "02A-03B", "02-03A 02-03B"),
        ("02A-03", "02A-03B", "02-03A 02-03B"),
        ("01-03A", "01-03A", "01-02 02-03A"),
        ("02B-04", "02B-04", "02-03B 03-04"),
        ("2b - 5", "02B-05", "02-03B 03-04 04-05"),
        ("02A-04", "02-04", "02-03A 02-03B 03-04"),
        ("01-03B", "01-03", "01-02 02-03A 02-03B"),
        ("02A-03A", "02-03A", "02-03A"),
        ("02B-03", "02-03B", "02-03B"),
    ],
)
def test_a_block_may_begin_or_end_between_the_two_hours(written: str, canonical: str, hours: str) -> None:
    """02-03 without letters is an hour, one of the two."""
    period = BERLIN.period(OCTOBER_CHANGE, written)
    assert (period.delivery_hour, period.is_dst_ambiguous) == (canonical, False)
    assert [share.pnl_hour for share in period.shares] == hours.split()
    assert period.hours == len(hours.split()) == (period.end_at - period.start_at) / HOUR
    assert period == BERLIN.period(OCTOBER_CHANGE, canonical)


@pytest.mark.parametrize(
    "label", ["02B-03A", "01A-03", "01B-04", "02A-04A", "02-04A", "02B-04B", "15A-17", "15-17B"]
)
def test_a_letter_of_a_block_is_for_an_hour_that_comes_twice(label: str) -> None:
    for day in (OCTOBER_CHANGE, MARCH_CHANGE, date(2025, 10, 27)):
        with pytest.raises(RejectedMessageError) as rejected:
            BERLIN.period(day, label)
        assert rejected.value.reason == Reason.NONEXISTENT_DELIVERY_HOUR


@pytest.mark.parametrize(
    ("zone", "day", "written", "canonical"),
    [
        ("Europe/Berlin", date(2025, 3, 30), "01-03", "01-02"),
        ("Europe/Berlin", date(2025, 3, 30), "01:00-03:00", "01-02"),
        ("Europe/Berlin", date(2025, 3, 30), "00-03", "00-02"),
        ("Europe/London", date(2025, 3, 30), "00-02", "00-01"),
        ("Europe/Helsinki", date(2025, 3, 30), "02-04", "02-03"),
        ("America/New_York", date(2025, 3, 9), "00-03", "00-02"),
    ],
)
def test_a_block_that_ends_with_the_skipped_hour_is_the_one_that_ends_before(
    zone: str, day: date, written: str, canonical: str
) -> None:
    market = Market.of(zone)
    assert market.period(day, written) == market.period(day, canonical)
    assert market.period(day, written).delivery_hour == canonical


@pytest.mark.parametrize("label", ["02-03A", "03B", "02:00-02:15B", "15-16A", "04A", "00-04A", "02-04B"])
def test_a_suffix_on_an_hour_that_comes_once_is_rejected(label: str) -> None:
    day = date(2025, 10, 27) if label in ("02-03A", "03B", "02:00-02:15B") else OCTOBER_CHANGE
    with pytest.raises(RejectedMessageError) as rejected:
        BERLIN.period(day, label)
    assert rejected.value.reason == Reason.NONEXISTENT_DELIVERY_HOUR


def hour(label: str) -> tuple[HourShare, ...]:
    """The share of an hourly period."""
    return (HourShare(label, 0, Decimal(1)),)


def part(pnl_hour: str, from_minute: int, hours: str) -> tuple[HourShare, ...]:
    """The share of a part of an hour."""
    return (HourShare(pnl_hour, from_minute, Decimal(hours)),)


# 2023-02-21 in Berlin is one hour ahead of UTC
LABELS: list[tuple[str, str, str, str, tuple[HourShare, ...]]] = [
    *(
        (written, "15-16", "14:00", "15:00", hour("15-16"))
        for written in (
            *("15-16", "15 - 16", " 15-16 ", "15-16\n", "15- 16", "15:00-16:00", "15:00 - 16:00"),
            *("H16", "h16", "Hour 16", "HOUR 16", "hour16"),
            *(f"15{dash}16" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"),
            *("15 \u2013 16", "15:00\u201316:00", "\u00a015\u00a0-\u00a016"),
        )
    ),
    *(
        (written, "09-10", "08:00", "09:00", hour("09-10"))
        for written in ("9-10", "09-10", "9 - 10", "9:00-10:00", "H10", "Hour 10")
    ),
    *(
        (written, "00-01", "-23:00", "00:00", hour("00-01"))
        for written in ("0-1", "00-01", "H1", "H01", "Hour 1")
    ),
    *(
        (written, "23-24", "22:00", "23:00", hour("23-24"))
        for written in ("23-24", "23-00", "23 - 00", "23-0", "23:00-00:00", "23:00-24:00", "H24", "Hour 24")
    ),
    *(
        (written, "15:00-15:15", "14:00", "14:15", part("15-16", 0, "0.25"))
        for written in ("15:00-15:15", "15:00 - 15:15", "15:00\u201315:15")
    ),
    ("15:15-15:30", "15:15-15:30", "14:15", "14:30", part("15-16", 15, "0.25")),
    ("15:30-15:45", "15:30-15:45", "14:30", "14:45", part("15-16", 30, "0.25")),
    ("15:45-16:00", "15:45-16:00", "14:45", "15:00", part("15-16", 45, "0.25")),
    ("9:45-10:00", "09:45-10:00", "08:45", "09:00", part("09-10", 45, "0.25")),
    *(
        (written, "23:45-24:00", "22:45", "23:00", part("23-24", 45, "0.25"))
        for written in ("23:45-00:00", "23:45-24:00", "23:45 - 00:00")
    ),
    ("15:00-15:30", "15:00-15:30", "14:00", "14:30", part("15-16", 0, "0.5")),
    ("15:30 - 16:00", "15:30-16:00", "14:30", "15:00", part("15-16", 30, "0.5")),
    ("23:30-00:00", "23:30-24:00", "22:30", "23:00", part("23-24", 30, "0.5")),
    ("16-18", "16-18", "15:00", "17:00", hour("16-17") + hour("17-18")),
    ("16:00-18:00", "16-18", "15:00", "17:00", hour("16-17") + hour("17-18")),
    ("22-00", "22-24", "21:00", "23:00", hour("22-23") + hour("23-24")),
    *(
        (
            written,
            "08-20",
            "07:00",
            "19:00",
            tuple(HourShare(f"{h:02}-{h + 1:02}", 0, Decimal(1)) for h in range(8, 20)),
        )
        for written in ("08-20", "8-20", "8 - 20", "08:00-20:00")
    ),
    *(
        (
            written,
            "00-24",
            "-23:00",
            "23:00",
            tuple(HourShare(f"{h:02}-{h + 1:02}", 0, Decimal(1)) for h in range(24)),
        )
        for written in ("00-24", "0-24", "00:00-24:00")
    ),
]
"""(as it is written, canonical, start and end UTC, with - of the day before, shares)"""


@pytest.mark.parametrize(("written", "canonical", "start", "end", "shares"), LABELS)
def test_one_period_has_one_name_however_it_is_written(
    written: str, canonical: str, start: str, end: str, shares: tuple[HourShare, ...]
) -> None:
    def at(text: str) -> datetime:
        return utc(f"2023-02-20T{text[1:]}" if text.startswith("-") else f"2023-02-21T{text}")

    period = BERLIN.period(date(2023, 2, 21), written)
    assert (period.delivery_hour, period.start_at, period.end_at) == (canonical, at(start), at(end))
    assert period.shares == shares
    assert period.hours == sum(share.hours for share in shares)
    assert period == BERLIN.period(date(2023, 2, 21), canonical)


@pytest.mark.parametrize(
    "label",
    [
        *("", " ", "15", "14", "1", "1516", "1500-1515", "15-15", "00-00", "16-15", "24-25", "24-00", "23-25"),
        *("-1-0", "Q61", "QH61", "Base", "Peak", "Baseload", "Off-Peak", "H", "H0", "H00", "H25", "Hour"),
        *("Hour 0", "Hours 16", "15-16C", "15-16AB", "15-16 A", "0A", "00A", "25A", "A", "H16-H17", "15h-16h"),
        *("15-16-17", "15--16", "15_16", "15:00-15:10", "15:10-15:25", "15:15-16:15", "15:15-15:45"),
        *("15:00-15:45", "15:30-16:30", "15:15-16:00", "15:00-15:60", "14:75-15:15", "23:45-24:15"),
        *("24:00-24:15", "15:00-15:00", "15:00:00-16:00:00", "15:0-16:0", "15:00-16", "15-16:00"),
        *("\u0661\u0665-\u0661\u0666", "15-16" + " " * 30 + "x", "2023-02-21 15-16"),
    ],
)
def test_what_is_no_label_is_rejected(label: str) -> None:
    with pytest.raises(RejectedMessageError) as rejected:
        BERLIN.period(date(2023, 2, 21), label)
    assert rejected.value.reason == Reason.INVALID_DELIVERY_HOUR


@pytest.mark.parametrize("day", [date(2025, 6, 1), MARCH_CHANGE, OCTOBER_CHANGE])
def test_a_day_is_tradable_until_its_last_quarter_of_an_hour_closes(day: date) -> None:
    opens, closes = BERLIN.tradable_span_of(day)
    assert opens == BERLIN.period(day, "00-01").tradable_from
    assert closes == BERLIN.period(day, "23:45-24:00").tradable_until
    assert closes == midnight(BERLIN, day + timedelta(days=1)) - timedelta(minutes=20)


@given(markets, days, st.sampled_from([15, 30, 60]))
def test_clock_labels_of_one_length_tile_a_day_without_a_change(
    market: Market, day: date, minutes: int
) -> None:
    assume(hours_between(market, day) == 24)
    labels = [
        f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
        for start, end in ((at, at + minutes) for at in range(0, 24 * 60, minutes))
    ]
    periods = [market.period(day, label) for label in labels]
    assert_tiles(periods, midnight(market, day), midnight(market, day + timedelta(days=1)))
    assert sum(p.hours for p in periods) == 24


labels = st.from_regex(r"[0-9]{1,2}(:[0-9]{2})?( ?- ?[0-9]{1,2}(:[0-9]{2})?)?[A-C]?", fullmatch=True)


@given(st.text() | labels, days, markets)
def test_any_text_is_a_period_of_its_key_or_rejected(label: str, day: date, market: Market) -> None:
    period = outcome(market.period, day, label)
    if isinstance(period, RejectedMessageError):
        assert period.reason in (Reason.INVALID_DELIVERY_HOUR, Reason.NONEXISTENT_DELIVERY_HOUR)
        assert period.detail.isascii()
        assert period.detail.isprintable()
    else:
        assert period == market.period(day, period.delivery_hour)
        assert period.hours == sum(share.hours for share in period.shares)
        assert period.start_at < period.end_at
        assert period.start_at.astimezone(market.timezone).date() == day


def test_trading_opens_at_15_the_day_before_and_ends_five_minutes_before_delivery() -> None:
    period = BERLIN.period(date(2025, 7, 2), "12-13")
    assert period.tradable_from == utc("2025-07-01T13:00")
    assert period.start_at == utc("2025-07-02T10:00")
    assert period.tradable_until == utc("2025-07-02T09:55")


@pytest.mark.parametrize("day", ["2025-03-29", "2025-03-30", "2025-03-31", "2025-10-26"])
@pytest.mark.parametrize("label", ["00-01", "00:00-00:15", "00-24", "01-02"])
def test_trading_never_ends_before_it_opens(day: str, label: str) -> None:
    closure = timedelta(hours=2)
    # clocks change in the evening before: the hour before midnight is missing in March
    market = Market(ZoneInfo("America/Nuuk"), "GL", "EUR", time(21, 59), closure, closure)
    found = market.period(date.fromisoformat(day), label)
    assert found.tradable_from <= found.tradable_until
    is_short = day == "2025-03-30" and label != "01-02"
    assert (found.tradable_from == found.tradable_until) is is_short


def test_a_price_is_final_after_the_publication_that_follows_gate_closure() -> None:
    # gate closure 09:55, next publication 10:00, at most 30 s late
    assert BERLIN.period(date(2025, 7, 2), "12-13").price_final_from == utc("2025-07-02T10:00:30")
    # gate closure 10:10 is itself a publication
    assert BERLIN.period(date(2025, 7, 2), "12:15-12:30").price_final_from == utc("2025-07-02T10:10:30")


def test_a_value_updated_less_than_a_publication_before_gate_closure_is_current() -> None:
    assert BERLIN.period(date(2025, 7, 2), "12-13").price_current_from == utc("2025-07-02T09:45")
    assert BERLIN.period(OCTOBER_CHANGE, "02-03").price_current_from == utc("2025-10-26T00:45")


@pytest.mark.parametrize(
    ("day", "label", "six", "noon"),
    [
        ("2025-07-02", "00-01", "2025-07-03T04:00", "2025-07-03T10:00"),
        ("2025-07-02", "23-24", "2025-07-03T04:00", "2025-07-03T10:00"),
        ("2025-03-29", "23-24", "2025-03-30T04:00", "2025-03-30T10:00"),  # the clocks change in between
        ("2025-10-25", "12-13", "2025-10-26T05:00", "2025-10-26T11:00"),
        ("2025-10-26", "02-03", "2025-10-27T05:00", "2025-10-27T11:00"),
    ],
)
def test_a_price_is_asked_for_once_more_at_6_and_is_final_at_noon_of_the_next_day(
    day: str, label: str, six: str, noon: str
) -> None:
    period = BERLIN.period(date.fromisoformat(day), label)
    assert (period.price_recheck_from, period.stale_price_final_from) == (utc(six), utc(noon))


def test_tradable_hours_are_those_between_opening_and_gate_closure() -> None:
    before = BERLIN.tradable_hours(utc("2025-07-01T12:59:59"))
    assert [p.delivery_hour for p in before] == [f"{h:02}-{h + 1:02}" for h in range(16, 24)]
    after = BERLIN.tradable_hours(utc("2025-07-01T13:00"))
    assert [(p.delivery_day.day, p.delivery_hour[:2]) for p in after] == [
        *((1, f"{h:02}") for h in range(16, 24)),
        *((2, f"{h:02}") for h in range(24)),
    ]


@given(st.datetimes(datetime(2020, 1, 2), datetime(2030, 12, 30), timezones=st.just(ZoneInfo("UTC"))))
def test_no_hour_is_tradable_at_its_start(at: datetime) -> None:
    for period in BERLIN.tradable_hours(at):
        last_start = period.end_at - HOUR
        assert period.tradable_from <= at < period.tradable_until < last_start
        assert period.is_dst_ambiguous or last_start == period.start_at


def test_the_doubled_label_is_tradable_until_its_second_hour_closes() -> None:
    labels = [
        [p.delivery_hour for p in BERLIN.tradable_hours(utc(at)) if p.delivery_day == OCTOBER_CHANGE][:2]
        for at in ("2025-10-25T23:54", "2025-10-25T23:55", "2025-10-26T00:54", "2025-10-26T00:55")
    ]
    assert labels == [["02-03", "03-04"]] * 3 + [["03-04", "04-05"]]
    assert BERLIN.period(OCTOBER_CHANGE, "02-03").price_final_from == utc("2025-10-26T01:00:30")


@pytest.mark.parametrize("text", ["2023-02-21", "2024-02-29", "2000-01-01", "2099-12-31", " 2023-02-21\n"])
def test_a_day_is_read_as_it_is_written_without_blanks_around_it(text: str) -> None:
    assert parse_delivery_day(text).isoformat() == text.strip()


@pytest.mark.parametrize(
    "value",
    [
        *("", "2023-02-29", "2023-13-01", "23-02-21", "2023-2-21", "20230221", "2023-W08-2", "1999-12-31"),
        *("2100-01-01", "\u0662\u0660\u0662\u0663-02-21", None, 20230221, ["2023-02-21"]),
    ],
)
def test_what_is_no_day_is_rejected(value: object) -> None:
    with pytest.raises(RejectedMessageError) as rejected:
        parse_delivery_day(value)
    assert rejected.value.reason == Reason.INVALID_DELIVERY_DAY


@given(st.text())
def test_any_text_is_a_day_or_rejected(text: str) -> None:
    day = outcome(parse_delivery_day, text)
    if isinstance(day, RejectedMessageError):
        assert day.reason == Reason.INVALID_DELIVERY_DAY
    else:
        assert day.isoformat() == text.strip()
