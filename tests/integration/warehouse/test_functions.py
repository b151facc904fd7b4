"""The functions of curated and ops: each can be called, knows the market's day, and refuses the future."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from psycopg2.errors import InvalidParameterValue
from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.warehouse.migrate import migrate
from include.warehouse.queries import read_script
from tests.factories import Database

FUNCTIONS = """
    SELECT pronamespace::regnamespace || '.' || proname FROM pg_proc
    WHERE pronamespace IN ('curated'::regnamespace, 'ops'::regnamespace, 'raw'::regnamespace) ORDER BY 1
"""
AS_OF = [
    f"{whose}pnl_{grain}_as_of"
    for grain in ("hourly", "daily", "weekly", "monthly")
    for whose in ("", "portfolio_")
]


def functions(cur: cursor) -> list[str]:
    cur.execute(FUNCTIONS)
    return [name for (name,) in cur]


def test_every_function_is_called_after_each_migration(cur: cursor) -> None:
    smoke = read_script("smoke")
    assert [name for name in functions(cur) if f"{name}(" not in smoke] == []
    assert f"curated.{AS_OF[0]}" in functions(cur)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Berlin", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("of_session", ["UTC", "Asia/Tokyo"])
def test_today_is_the_day_of_the_market(cur: cursor, zone: str, of_session: str) -> None:
    cur.execute("SELECT set_config('TimeZone', %s, true)", (of_session,))
    cur.execute("UPDATE ops.markets SET timezone = %s", (zone,))
    before = datetime.now(ZoneInfo(zone)).date()
    cur.execute("SELECT curated.market_today(), curated.market_timezone()")
    (found,) = cur.fetchall()
    assert found[0] in {before, datetime.now(ZoneInfo(zone)).date()}
    assert found[1] == zone


def test_each_start_writes_the_zone_of_the_market(warehouse_url: str, database: Database) -> None:
    assert database.value("SELECT curated.market_timezone()") == "Europe/Berlin"
    migrate(warehouse_url, [Market.of("Europe/Helsinki")])
    assert database.value("SELECT curated.market_timezone()") == "Europe/Helsinki"
    migrate(warehouse_url)
    assert database.value("SELECT curated.market_timezone()") == "Europe/Helsinki"


def test_every_function_of_a_moment_was_found(cur: cursor) -> None:
    assert {f"curated.{name}" for name in AS_OF} == {name for name in functions(cur) if name.endswith("_as_of")}


@pytest.mark.parametrize(
    "moment", ["now() + interval '1 second'", "clock_timestamp() + interval '1 year'", "'infinity'"]
)
@pytest.mark.parametrize("function", AS_OF)
def test_what_will_be_said_is_an_error(cur: cursor, function: str, moment: str) -> None:
    cur.execute(f"SELECT * FROM curated.{function}(now())")
    cur.execute(f"SELECT * FROM curated.{function}(NULL)")
    assert cur.fetchall() == []
    with pytest.raises(InvalidParameterValue, match="as_of is in the future"):
        cur.execute(f"SELECT * FROM curated.{function}({moment}) WHERE market = 'DE'")


def test_the_hours_that_were_tradable_at_a_moment(database: Database) -> None:
    """At each gate and opening and a microsecond around them, with quarters, blocks, and both change days."""
    for day, labels in {
        date(2026, 3, 2): ("12-13", "15-16", "15:45-16:00", "18-21", "23:30-24:00"),
        date(2026, 3, 29): ("01-02", "01-04", "03:15-03:30"),
        date(2026, 10, 25): ("02-03", "02-03A", "02:00-02:15B", "01-04"),
    }.items():
        for label in labels:
            database.period(day, label)
    found = database.rows(
        """
        WITH moments AS (
            SELECT bound + shift AS moment
            FROM raw.delivery_periods
            CROSS JOIN unnest(ARRAY[tradable_from, tradable_until, delivery_start_at]) AS bound
            CROSS JOIN unnest(ARRAY['-1 us', '0', '1 us', '-30 minutes', '1 hour']::interval[]) AS shift
        ), asked AS (
            SELECT moment, f.delivery_day, f.delivery_hour
            FROM moments CROSS JOIN LATERAL staging.hours_tradable_at('DE', moment) AS f
        ), expected AS (
            SELECT moment, h.delivery_day, h.delivery_hour
            FROM moments JOIN staging.pnl_hours AS h ON moment >= h.tradable_from AND moment < h.tradable_until
        )
        SELECT
            count(*), count(DISTINCT delivery_hour),
            (SELECT count(*) FROM (TABLE asked EXCEPT TABLE expected) AS x),
            (SELECT count(*) FROM (TABLE expected EXCEPT TABLE asked) AS x),
            count(*) - (SELECT count(*) FROM expected)
        FROM asked
        """
    )
    ((count, hours, *differences),) = found
    assert (count > 300, hours) == (True, 11), found
    assert differences == [0, 0, 0]
    assert database.rows("SELECT * FROM staging.hours_tradable_at('AT', '2026-03-02 10:00:00+00')") == []
    # a message that tells no hour is about these, too
    database.batch("trades")
    database.cursor.execute(
        """
        INSERT INTO ops.rejected_messages (
            landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at, market)
        SELECT 1, row_number() OVER (), 1, 'trades', 'not_json', '', '', bound + shift, 'DE'
        FROM raw.delivery_periods
        CROSS JOIN unnest(ARRAY[tradable_from, tradable_until]) AS bound
        CROSS JOIN unnest(ARRAY['-1 us', '0', '1 us', '-30 minutes', '1 hour']::interval[]) AS shift
        """
    )
    told = "SELECT line_number, delivery_day, delivery_hour FROM ops.unreviewed_messages ORDER BY 1, 2, 3"
    expected = database.rows(
        """
        SELECT line_number, h.delivery_day, h.delivery_hour
        FROM ops.rejected_messages AS m
        CROSS JOIN LATERAL staging.hours_tradable_at(m.market, m.received_at) AS h
        ORDER BY 1, 2, 3
        """
    )
    assert len(expected) > 100
    assert database.rows(told) == expected
