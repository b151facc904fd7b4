"""Statements: what lines in both public formats mean, and what cannot be used."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.statement import (
    MAX_PREAMBLE_LINES,
    StatementParser,
    StatementTrade,
    UnknownFormatError,
    encoding_of,
)
from include.domain.statement_format import StatementFormat
from tests.statements import HEADER, line

BERLIN = Market.of("Europe/Berlin")
DAY = date(2026, 3, 2)

INSTANTS = "TradeId;Side;DeliveryStart;DeliveryEnd;ExecutionTime;Price;Currency;Volume;VolumeUnit"
COMMENT = "# Private Trades - 2025-06-08 - 2025-06-09T00:05:16.000Z;;;;;;;;"


def read(rows: Iterable[str], day: date = DAY, market: Market = BERLIN) -> list[StatementTrade | None]:
    parser = StatementParser(market, day)
    return [parser.trade(row) for row in rows]


def one(row: str, header: str = HEADER, day: date = DAY) -> StatementTrade:
    *_, trade = read([header, row], day)
    assert trade is not None
    return trade


def reason_of(row: str, header: str = HEADER, day: date = DAY) -> Reason:
    parser = StatementParser(BERLIN, day)
    parser.trade(header)
    with pytest.raises(RejectedMessageError) as error:
        parser.trade(row)
    return error.value.reason


def instants(start: str, end: str, volume: str = "0.1", executed: str = "", unit: str = "MWH") -> str:
    return f"2042884497;SELL;{start};{end};{executed};81.29;EUR;{volume};{unit}"


def test_the_first_public_format() -> None:
    """From the exchange's description: the hour is the starting one, 14 is 14-15."""
    trade = one("t_123,120,12,sell,2023-02-28,14,trader_1,2023-02-28T11:12:35Z", day=date(2023, 2, 28))
    assert (trade.trade_id, trade.direction, trade.trader_id) == ("t_123", "sell", "trader_1")
    assert (trade.price_eur_per_mwh, trade.quantity_mw) == (120, 12)
    assert trade.period == BERLIN.period(date(2023, 2, 28), "14-15")
    assert trade.executed_at == datetime(2023, 2, 28, 11, 12, 35, tzinfo=UTC)


def test_the_second_public_format() -> None:
    """A comment first, no trader, moments in UTC, MWh: 02:00 to 03:00 in Berlin's summer."""
    row = (
        "2042884497;SELL;2025-06-08 00:00:00+00:00;2025-06-08 01:00:00+00:00;2025-06-07 15:03:44.509000+00:00;"
        "81.29;EUR;0.1;MWH"
    )
    # the file is of the delivery day, as its comment says; the trade was executed on the day before
    comment, header, trade = read([COMMENT, INSTANTS, row], date(2025, 6, 8))
    assert (comment, header) == (None, None)
    assert trade is not None
    assert (trade.trade_id, trade.direction, trade.trader_id) == ("2042884497", "sell", None)
    assert (trade.price_eur_per_mwh, trade.quantity_mw) == (Decimal("81.29"), Decimal("0.1"))
    assert (trade.period.delivery_day, trade.period.delivery_hour) == (date(2025, 6, 8), "02-03")
    assert trade.executed_at == datetime(2025, 6, 7, 15, 3, 44, 509_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "label", "quantity"),
    [
        # 0.1 MWh in a quarter of an hour are 0.4 MW
        ("2025-06-08T13:00:00Z", "2025-06-08T13:15:00Z", "15:00-15:15", "0.4"),
        ("2025-06-08T13:30:00Z", "2025-06-08T14:00:00Z", "15:30-16:00", "0.2"),
        ("2025-06-08T21:45:00Z", "2025-06-08T22:00:00Z", "23:45-24:00", "0.4"),
        ("2025-06-08T21:00:00Z", "2025-06-08T22:00:00Z", "23-24", "0.1"),
        ("2025-06-08T06:00:00Z", "2025-06-08T10:00:00Z", "08-12", "0.025"),
        ("2025-06-08T15:00:00+02:00", "2025-06-08T16:00:00+02:00", "15-16", "0.1"),
        # without an offset they are local
        ("2025-06-08 15:00:00", "2025-06-08 16:00", "15-16", "0.1"),
        # the change days: 01:00 UTC is 03:00, since 02:00 does not exist; twice 02:00
        ("2025-03-30T01:00:00Z", "2025-03-30T02:00:00Z", "03-04", "0.1"),
        ("2025-10-26T00:00:00Z", "2025-10-26T01:00:00Z", "02-03A", "0.1"),
        ("2025-10-26T01:00:00Z", "2025-10-26T02:00:00Z", "02-03B", "0.1"),
        ("2025-10-26T01:15:00Z", "2025-10-26T01:30:00Z", "02:15-02:30B", "0.4"),
        ("2025-10-26T02:00:00Z", "2025-10-26T03:00:00Z", "03-04", "0.1"),
        # blocks of the hours between: 0.1 MWh in two hours are 0.05 MW
        ("2025-10-26T00:00:00Z", "2025-10-26T02:00:00Z", "02A-03B", "0.05"),
        ("2025-10-25T23:00:00Z", "2025-10-26T01:00:00Z", "01-03A", "0.05"),
        ("2025-10-26T01:00:00Z", "2025-10-26T03:00:00Z", "02B-04", "0.05"),
        ("2025-10-26T00:00:00Z", "2025-10-26T04:00:00Z", "02-05", "0.025"),
        ("2025-10-26 02:00:00+02:00", "2025-10-26 03:00:00+01:00", "02A-03B", "0.05"),
        ("2025-03-29T23:00:00Z", "2025-03-30T01:00:00Z", "00-02", "0.05"),
        ("2025-03-30T00:00:00Z", "2025-03-30T01:00:00Z", "01-02", "0.1"),
        # local times do not say which of the two hours they mean: no more does a label without A or B
        ("2025-10-26 02:00:00", "2025-10-26 02:15:00", "02:00-02:15", "0.4"),
        ("2025-10-26 02:45:00", "2025-10-26 03:00:00", "02:45-03:00", "0.4"),
        ("2025-10-26 02:00:00", "2025-10-26 02:30:00", "02:00-02:30", "0.2"),
        ("2025-10-26 02:30:00", "2025-10-26 03:00:00", "02:30-03:00", "0.2"),
        ("2025-10-26 02:00:00", "2025-10-26 03:00:00", "02-03", "0.1"),
        # only the first of them ends at 02:00
        ("2025-10-26 02:00:00", "2025-10-26 02:00:00", "02-03A", "0.1"),
        ("2025-10-26 02:45:00", "2025-10-26 02:00:00", "02:45-03:00A", "0.4"),
        ("2025-10-26 02:30:00", "2025-10-26 02:00:00", "02:30-03:00A", "0.2"),
        # the times beside it come once
        ("2025-10-26 01:00:00", "2025-10-26 02:00:00", "01-02", "0.1"),
        ("2025-10-26 01:45:00", "2025-10-26 02:00:00", "01:45-02:00", "0.4"),
        ("2025-10-26 03:00:00", "2025-10-26 03:15:00", "03:00-03:15", "0.4"),
        ("2025-10-26 00:00:00", "2025-10-26 02:00:00", "00-02", "0.05"),
        ("2025-10-26 00:00:00", "2025-10-26 04:00:00", "00-04", "0.02"),
        ("2025-10-26 00:00:00", "2025-10-27 00:00:00", "00-24", "0.004"),
        ("2025-03-30 00:00:00", "2025-03-30 02:00:00", "00-02", "0.05"),
        ("2025-03-30 01:00:00", "2025-03-30 03:00:00", "01-02", "0.1"),
        ("2025-03-30 01:45:00", "2025-03-30 02:00:00", "01:45-02:00", "0.4"),
    ],
)
def test_two_moments_are_a_delivery_period_and_energy_is_power(
    start: str, end: str, label: str, quantity: str
) -> None:
    at = datetime.fromisoformat(start)
    day = (at.astimezone(BERLIN.timezone) if at.tzinfo else at).date()
    trade = one(instants(start, end), INSTANTS, day)
    assert trade.period.delivery_hour == label
    assert trade.quantity_mw == Decimal(quantity)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-06-08T13:00:00Z", "2025-06-08T13:00:00Z"),
        ("2025-06-08T14:00:00Z", "2025-06-08T13:00:00Z"),
        ("2025-06-08T13:05:00Z", "2025-06-08T13:20:00Z"),
        ("2025-06-08T13:00:00Z", "2025-06-08T13:20:00Z"),
        ("2025-06-08T21:00:00Z", "2025-06-08T23:00:00Z"),
        ("2025-06-08T13:00:00Z", "2025-06-09T13:00:00Z"),
        ("2025-06-08T13:30:00Z", "2025-06-08T15:30:00Z"),
        ("", "2025-06-08T13:00:00Z"),
        ("8.6.2025", "2025-06-08T13:00:00Z"),
    ],
)
def test_moments_that_are_no_period_of_a_day(start: str, end: str) -> None:
    assert reason_of(instants(start, end), INSTANTS) is Reason.INVALID_DELIVERY_HOUR


@pytest.mark.parametrize(("start", "end"), [("02:00", "02:15"), ("02:30", "03:00"), ("02:00", "04:00")])
def test_a_local_time_that_march_skips_is_no_other_time(start: str, end: str) -> None:
    row = instants(f"2025-03-30 {start}:00", f"2025-03-30 {end}:00")
    assert reason_of(row, INSTANTS, date(2025, 3, 30)) is Reason.NONEXISTENT_DELIVERY_HOUR


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "expected"),
    [
        # the same two hours on the clocks of another zone
        ("Europe/Helsinki", date(2025, 10, 26), "03:00", "03:15", "02:00-02:15"),
        ("Europe/Helsinki", date(2025, 10, 26), "03:45", "04:00", "02:45-03:00"),
        ("Europe/Helsinki", date(2025, 10, 26), "03:00", "04:00", "02-03"),
        ("Europe/Helsinki", date(2025, 10, 26), "05:00", "06:00", "04-05"),
        ("UTC", date(2025, 10, 26), "01:00", "02:00", "02-03B"),
        # twice there, and two hours with names of their own here
        ("America/New_York", date(2025, 11, 2), "01:00", "02:00", Reason.INVALID_DELIVERY_HOUR),
    ],
)
def test_local_times_of_another_zone(
    zone: str, day: date, start: str, end: str, expected: str | Reason
) -> None:
    columns = {"delivery_start": "S", "delivery_end": "E"} | {
        name: name for name in ("id", "direction", "price", "quantity")
    }
    format_ = StatementFormat(columns, timezone=zone, is_by_delivery_day=True)
    parser = StatementParser(BERLIN, day, [format_])
    parser.trade("id;direction;price;quantity;S;E")
    row = f"x;sell;1;1;{day} {start};{day} {end}"
    if isinstance(expected, Reason):
        with pytest.raises(RejectedMessageError) as error:
            parser.trade(row)
        assert error.value.reason is expected
    else:
        trade = parser.trade(row)
        assert trade is not None
        assert trade.period.delivery_hour == expected


@given(st.integers(0, 8759), st.sampled_from([15, 30, 60]))
def test_each_period_is_found_by_its_moments(hour: int, minutes: int) -> None:
    start = datetime.fromtimestamp(1735686000 + 3600 * hour, UTC)
    end = datetime.fromtimestamp(start.timestamp() + 60 * minutes, UTC)
    period = BERLIN.period_between(start, end)
    assert (period.start_at, period.end_at) == (start, end)
    assert period.delivery_day == start.astimezone(BERLIN.timezone).date()


@pytest.mark.parametrize(
    ("hour", "label"),
    [("0", "00-01"), ("14", "14-15"), ("23", "23-24"), ("09", "09-10"), ("15-16", "15-16"), ("H16", "15-16"),
     ("15:00-15:15", "15:00-15:15")],
)  # fmt: skip
def test_a_bare_number_is_the_hour_that_begins_then(hour: str, label: str) -> None:
    assert one(line(delivery_hour=hour)).period.delivery_hour == label


def test_an_exchange_may_count_hours_by_their_end() -> None:
    columns = {name: name for name in HEADER.split(",")}
    parser = StatementParser(BERLIN, DAY, [StatementFormat(columns, is_hour_of_end=True)])
    parser.trade(HEADER)
    trade = parser.trade(line(delivery_hour="24"))
    assert trade is not None
    assert trade.period.delivery_hour == "23-24"
    with pytest.raises(RejectedMessageError):
        parser.trade(line(delivery_hour="0"))


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        ("2025-10-26", "2", "02-03"),
        ("2025-10-26", "02-03B", "02-03B"),
        ("2025-03-30", "2", Reason.NONEXISTENT_DELIVERY_HOUR),
        ("2025-03-30", "3", "03-04"),
        ("2026-03-02", "24", Reason.INVALID_DELIVERY_HOUR),
        ("2026-03-02", "-1", Reason.INVALID_DELIVERY_HOUR),
        ("02.03.2026", "2", Reason.INVALID_DELIVERY_DAY),
    ],
)
def test_hours_of_the_change_days_and_none(day: str, hour: str, expected: str | Reason) -> None:
    row = line(delivery_day=day, delivery_hour=hour)
    if isinstance(expected, Reason):
        assert reason_of(row) is expected
    else:
        assert one(row).period.delivery_hour == expected


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_any_delimiter(delimiter: str) -> None:
    trade = one(line().replace(",", delimiter), HEADER.replace(",", delimiter))
    assert trade == one(line())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("81,29", "81.29"),
        ("-3,5", "-3.5"),
        ("\u22123,5", "-3.5"),
        ("+3.5", "3.5"),
        ("0", "0"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("-1\u00a0234,5", "-1234.5"),
    ],
)
def test_decimal_commas(text: str, value: str) -> None:
    row = line(price="@").replace(",", ";").replace("@", text)
    assert one(row, HEADER.replace(",", ";")).price_eur_per_mwh == Decimal(value)


def test_a_quoted_number_may_hold_the_delimiter() -> None:
    assert one(line(price='"81,29"')).price_eur_per_mwh == Decimal("81.29")
    assert one(line(id='"a,b"')).trade_id == "a,b"


@pytest.mark.parametrize(
    "price", ["", "1.2.3", "1,2,3", "1e5", "NaN", "abc", "12.345,6.7", "12,34,567.8", "0x1"]
)
def test_no_price(price: str) -> None:
    row = line(price="@").replace(",", ";").replace("@", price)
    assert reason_of(row, HEADER.replace(",", ";")) is Reason.INVALID_PRICE


def test_a_decimal_mark_can_be_demanded() -> None:
    columns = {name: name for name in HEADER.split(",")}
    parser = StatementParser(BERLIN, DAY, [StatementFormat(columns, delimiter=";", decimal_mark=",")])
    parser.trade(HEADER.replace(",", ";"))
    with pytest.raises(RejectedMessageError):
        parser.trade(line(price="1.234").replace(",", ";"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, Reason.INVALID_TRADE_ID),
        ({"direction": "hold"}, Reason.INVALID_DIRECTION),
        ({"quantity": "many"}, Reason.INVALID_QUANTITY),
        ({"execution_time": "2026-03-01T22:59:59Z"}, Reason.WRONG_STATEMENT_DAY),
        ({"execution_time": "2026-03-02T23:00:00Z"}, Reason.WRONG_STATEMENT_DAY),
        ({"trader_id": "x" * 201}, Reason.INVALID_TRADER_ID),
        ({"trader_id": "a,b"}, Reason.WRONG_COLUMN_COUNT),
    ],
)
def test_lines_that_cannot_be_used(changes: dict[str, str], reason: Reason) -> None:
    assert reason_of(line(**changes)) is reason


@pytest.mark.parametrize(
    "executed", ["2026-03-01T23:00:00Z", "2026-03-02T22:59:59.999999Z", "2026-03-02 00:00:00"]
)
def test_the_day_is_local(executed: str) -> None:
    assert one(line(execution_time=executed)).executed_at is not None


@pytest.mark.parametrize("executed", ["", "soon", "2026-13-01T00:00:00Z"])
def test_a_time_that_cannot_be_read_costs_no_trade(executed: str) -> None:
    assert one(line(execution_time=executed)).executed_at is None


def test_a_file_may_be_of_a_delivery_day() -> None:
    columns = {name: name for name in HEADER.split(",")}
    on_the_day_before = "2026-03-01T15:00:00Z"
    for is_by_delivery_day in (None, True):
        parser = StatementParser(
            BERLIN, DAY, [StatementFormat(columns, is_by_delivery_day=True)], is_by_delivery_day
        )
        parser.trade(HEADER)
        assert parser.trade(line(execution_time=on_the_day_before)) is not None
        assert parser.trade(line(execution_time="")) is not None
        with pytest.raises(RejectedMessageError) as error:
            parser.trade(line(delivery_day="2026-03-03"))
        assert error.value.reason is Reason.WRONG_STATEMENT_DAY
        assert error.value.detail == (
            "delivers on 2026-03-03, not on 2026-03-02 in Europe/Berlin; where such a file has the day of"
            ' execution, set day = "execution" of statement in MARKETS_FILE'
        )
    parser = StatementParser(BERLIN, DAY)
    parser.trade(HEADER)
    with pytest.raises(RejectedMessageError, match='set day = "delivery" of statement'):
        parser.trade(line(execution_time=on_the_day_before))
    with pytest.raises(RejectedMessageError, match=r"Europe/Berlin$"):
        parser.trade(line(execution_time=on_the_day_before, delivery_day="2026-03-03"))


def test_units_are_the_markets() -> None:
    start, end = "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z"
    assert one(instants(start, end, unit="MW"), INSTANTS).quantity_mw == Decimal("0.1")
    assert reason_of(instants(start, end, unit="kWh"), INSTANTS) is Reason.UNKNOWN_UNIT
    assert reason_of(instants(start, end).replace("EUR", "GBP"), INSTANTS) is Reason.FOREIGN_CURRENCY
    # 0.1 MWh in three hours
    assert one(instants(start, "2026-03-02T16:00:00Z"), INSTANTS).quantity_mw == Decimal("0.0333333333")


def test_unknown_columns_order_and_case_do_not_matter() -> None:
    header = "Portfolio,EXECUTION_TIME,trader_id,Delivery_Hour,delivery_day,Direction,quantity,price,ID,Area"
    row = "p,2026-03-02T10:13:43Z,flex_trader_4,15,2026-03-02,Sell,1.2,20.64,x,10Y"
    assert one(row, header) == one(line())


def test_comments_blank_lines_and_repeated_headers_are_no_trades() -> None:
    rows = ["# a comment", "", "Trades of our desk", HEADER, "", ",,,,,,,", "# another", HEADER, line(), "\r\n"]
    assert [trade is not None for trade in read(rows)] == [False] * 8 + [True, False]


def test_without_a_header_it_is_no_statement() -> None:
    with pytest.raises(UnknownFormatError):
        read([line()] * MAX_PREAMBLE_LINES)
    parser = StatementParser(BERLIN, DAY)
    parser.trade(line())
    assert not parser.has_header
    parser.trade(HEADER.replace("id,", "id,id,"))
    assert not parser.has_header, "a column that is there twice"


def test_the_last_line_may_be_truncated() -> None:
    parser = StatementParser(BERLIN, DAY)
    for row in (HEADER, line()):
        parser.trade(row)
    for length in range(1, len(line())):
        with pytest.raises(RejectedMessageError) as error:
            parser.trade(line()[:length], is_torn=True)
        assert error.value.reason is Reason.TORN_LINE
    assert parser.trade(line(), is_torn=True) is not None


def test_a_truncated_unit_is_no_other_unit() -> None:
    """MWH that became MW would be four times the power of a quarter of an hour."""
    parser = StatementParser(BERLIN, DAY)
    row = instants("2026-03-02T13:00:00Z", "2026-03-02T13:15:00Z")
    for text in (INSTANTS, row):
        parser.trade(text)
    with pytest.raises(RejectedMessageError):
        parser.trade(row[:-1], is_torn=True)


@pytest.mark.parametrize("end", [None, -1, -6])
def test_a_torn_line_is_not_believed_if_none_before_shows_how_long_it_should_be(end: int | None) -> None:
    for rows in ([], ["# a comment", ""]):
        parser = StatementParser(BERLIN, DAY)
        for text in (INSTANTS, *rows):
            parser.trade(text)
        with pytest.raises(RejectedMessageError) as error:
            parser.trade(instants("2026-03-02T13:00:00Z", "2026-03-02T13:15:00Z")[:end], is_torn=True)
        assert error.value.reason is Reason.TORN_LINE


def test_a_torn_line_is_not_believed_if_its_last_column_has_no_fixed_length() -> None:
    columns = "id,quantity,direction,delivery_day,delivery_hour,price"
    rows = [f"{name},1,sell,2026-03-02,15,{price}" for name, price in (("a", "9.75"), ("b", "120.64"))]
    parser = StatementParser(BERLIN, DAY)
    for text in (columns, *rows, rows[0].replace("a", "c")):
        parser.trade(text)
    with pytest.raises(RejectedMessageError) as error:
        parser.trade("d,1,sell,2026-03-02,15,20.6", is_torn=True)  # of 20.64
    assert error.value.reason is Reason.TORN_LINE


def test_a_torn_header_is_no_statement_of_a_day_without_trades() -> None:
    parser = StatementParser(BERLIN, DAY)
    with pytest.raises(RejectedMessageError) as error:
        parser.trade(INSTANTS[:-1], is_torn=True)
    assert error.value.reason is Reason.TORN_LINE


@given(st.text(max_size=60), st.booleans())
def test_no_line_raises_anything_else(text: str, is_torn: bool) -> None:
    parser = StatementParser(BERLIN, DAY)
    parser.trade(HEADER)
    try:
        parser.trade(text, is_torn=is_torn)
        parser.trade(line(price=text, execution_time=text, delivery_hour=text))
    except RejectedMessageError:
        pass


@pytest.mark.parametrize("name", ["delivery", "zone"])
def test_a_format_needs_known_columns(name: str) -> None:
    columns = {column: column for column in HEADER.split(",")}
    with pytest.raises(ValueError, match=name):
        StatementFormat(columns | {name: "x"})
    with pytest.raises(ValueError, match="price"):
        StatementFormat({key: value for key, value in columns.items() if key != "price"})
    with pytest.raises(ValueError, match="delivery_start"):
        StatementFormat({key: value for key, value in columns.items() if key != "delivery_day"})


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("trader_ä".encode(), "utf-8-sig"),
        ("trader_ä".encode("utf-8-sig"), "utf-8-sig"),
        ("trader_ä".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "trader_ä".encode("utf-16-be"), "utf-16"),
        ("trader_ä;".encode("cp1252"), "cp1252"),
        ("trader_ä".encode()[:-1], "utf-8-sig"),  # truncated within a character
        (b"", "utf-8-sig"),
    ],
)
def test_encodings(content: bytes, encoding: str) -> None:
    assert encoding_of([content]) == encoding
    chunks = [content[:2], *(bytes([byte]) for byte in content[2:])]
    assert encoding_of(chunks) == encoding
