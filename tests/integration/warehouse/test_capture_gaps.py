"""Capture gaps: where no line was provably connected, and how many seconds of a span that is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import cursor

from tests.factories import insert


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{clock}").replace(tzinfo=UTC)


def connected(cur: cursor, line: str, *spans: tuple[datetime, datetime]) -> None:
    """One capture instance's file whose journal proves these spans."""
    file = insert(cur, "ops.landing_files", landing_file=line)
    for start, end in spans:
        insert(
            cur, "staging.claimed_intervals", landing_file_id=file, connected_from=start, connected_until=end
        )


def scanned(cur: cursor, when: datetime) -> None:
    insert(cur, "ops.landing_scans", scanned_at=when)


def tradable(cur: cursor, start: datetime) -> None:
    """A delivery period that opens for trading then."""
    start_at = start + timedelta(hours=3)
    insert(
        cur,
        "raw.delivery_periods",
        delivery_day=start_at.date(),
        delivery_hour="12-13",
        delivery_start_at=start_at,
        delivery_end_at=start_at + timedelta(hours=1),
        delivery_hours=1,
        is_dst_ambiguous=False,
        tradable_from=start,
        tradable_until=start_at,
        price_final_from=start_at,
        price_current_from=start_at,
        stale_price_final_from=start_at,
    )
    cur.execute(
        "INSERT INTO raw.period_hours SELECT market, delivery_day, delivery_hour, delivery_hour, 0, 1"
        " FROM raw.delivery_periods"
    )


def gaps(cur: cursor) -> list[tuple[datetime, datetime, Decimal, bool]]:
    cur.execute("SELECT gap_start_at, gap_end_at, gap_seconds, is_ongoing FROM ops.capture_gaps ORDER BY 1")
    return cur.fetchall()


def gap_seconds(cur: cursor, start: datetime, end: datetime) -> Decimal:
    cur.execute("SELECT ops.capture_gap_seconds(%s, %s)", (start, end))
    ((seconds,),) = cur.fetchall()
    assert isinstance(seconds, Decimal)
    return seconds


def test_nothing_known_is_no_gap(cur: cursor) -> None:
    assert gaps(cur) == []
    assert gap_seconds(cur, at("10:00"), at("11:00")) == 0
    scanned(cur, at("10:00"))
    assert gaps(cur) == []


def test_without_any_connection_the_gap_lasts_from_the_first_opening_until_now(cur: cursor) -> None:
    tradable(cur, at("09:00"))
    scanned(cur, at("09:30"))
    assert gaps(cur) == [(at("09:00"), at("09:30"), Decimal(1800), True)]


def test_a_period_that_opens_later_needs_no_capture_yet(cur: cursor) -> None:
    tradable(cur, at("09:00"))
    scanned(cur, at("08:00"))
    assert gaps(cur) == []


def test_one_unbroken_connection_has_no_gap(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("11:00")))
    scanned(cur, at("11:00:30"))
    assert gaps(cur) == []


def test_half_a_minute_of_silence_at_the_end_is_a_gap_that_goes_on(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("11:00")))
    scanned(cur, at("11:00:31"))
    assert gaps(cur) == [(at("11:00"), at("11:00:31"), Decimal(31), True)]


def test_before_the_first_connection_hours_were_tradable_unseen(cur: cursor) -> None:
    tradable(cur, at("09:00"))
    connected(cur, "a", (at("10:00"), at("11:00")))
    scanned(cur, at("11:00"))
    assert gaps(cur) == [(at("09:00"), at("10:00"), Decimal(3600), False)]


def test_a_lost_connection_is_a_gap_until_the_next_one(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("10:15")), (at("10:15:07.25"), at("11:00")))
    scanned(cur, at("11:00"))
    assert gaps(cur) == [(at("10:15"), at("10:15:07.25"), Decimal("7.25"), False)]


def test_two_lines_cover_each_others_gaps(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("10:20")), (at("10:40"), at("11:00")))
    connected(cur, "b", (at("10:10"), at("10:45")))
    scanned(cur, at("11:00"))
    assert gaps(cur) == []


def test_only_what_no_line_covers_is_a_gap(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("10:20")), (at("10:40"), at("11:00")))
    connected(cur, "b", (at("10:10"), at("10:25")), (at("10:35"), at("10:45")))
    scanned(cur, at("11:00"))
    assert gaps(cur) == [(at("10:25"), at("10:35"), Decimal(600), False)]


def test_the_next_file_goes_on_where_the_last_one_ended(cur: cursor) -> None:
    connected(cur, "a-10", (at("10:00"), at("11:00")))
    connected(cur, "a-11", (at("11:00"), at("12:00")))
    scanned(cur, at("12:00"))
    assert gaps(cur) == []


def test_a_span_counts_only_the_seconds_within_it(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("10:10")), (at("10:20"), at("10:30")), (at("10:40"), at("11:00")))
    scanned(cur, at("11:00"))
    assert gap_seconds(cur, at("10:00"), at("11:00")) == 1200
    assert gap_seconds(cur, at("10:15"), at("10:35")) == 600
    assert gap_seconds(cur, at("10:12"), at("10:13")) == 60
    assert gap_seconds(cur, at("10:00"), at("10:10")) == 0
    assert gap_seconds(cur, at("12:00"), at("13:00")) == 0


def test_seconds_are_exact_to_the_microsecond(cur: cursor) -> None:
    connected(cur, "a", (at("10:00"), at("10:10")), (at("10:10:00.000001"), at("11:00")))
    scanned(cur, at("11:00"))
    assert gap_seconds(cur, at("10:00"), at("11:00")) == Decimal("0.000001")


minutes = st.integers(0, 59)
lines = st.lists(
    st.lists(st.tuples(minutes, minutes), min_size=1, max_size=4, unique_by=min), min_size=1, max_size=3
)


@pytest.mark.parametrize("scan_minutes", [60, 90])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captures=lines)
def test_a_minute_is_in_a_gap_exactly_when_no_line_covers_it(
    cur: cursor, scan_minutes: int, captures: list[list[tuple[int, int]]]
) -> None:
    cur.execute("TRUNCATE ops.landing_files, ops.landing_scans CASCADE")
    ten = at("10:00")
    spans = [[(min(span), max(span) + 1) for span in line] for line in captures]
    for number, line in enumerate(spans):
        connected(
            cur, str(number), *((ten + timedelta(minutes=a), ten + timedelta(minutes=b)) for a, b in line)
        )
    scanned(cur, ten + timedelta(minutes=scan_minutes))
    covered = {minute for line in spans for start, end in line for minute in range(start, end)}
    first = min(start for line in spans for start, _ in line)
    expected = {minute for minute in range(first, scan_minutes) if minute not in covered}
    cur.execute(
        "SELECT minute FROM generate_series(0, 99) AS minute,"
        " LATERAL (SELECT %s + minute * interval '1 min' AS start) AS of_it"
        " WHERE ops.capture_gap_seconds(start, start + interval '1 min') = 60",
        (ten,),
    )
    assert {minute for (minute,) in cur} == expected
    assert sum(seconds for *_, seconds, _ in gaps(cur)) == 60 * len(expected)
