"""MARKETS_FILE: a settings value a market, every mistake named, and a first market that stays the first."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.domain.delivery_period import Market
from include.domain.statement import StatementParser
from include.domain.statement_format import FORMATS
from include.errors import TerminalError
from include.markets_file import remember_first_market
from include.settings import PROJECT_ROOT, Settings

DE = """
[[markets]]
market = "DE"
timezone = "Europe/Berlin"
exchange_url = "wss://exchange.example/de"
market_data_url = "https://prices.example/v1"
"""
FI = """
[[markets]]
market = "FI"
timezone = "Europe/Helsinki"
currency = "EUR"
trading_opens = 14:30:00
gate_closure_minutes = { hours = 60, shorter = 30 }
price_min = -500
price_max = 4000.5
exchange_url = "ws://nordic.example"
market_data_url = "https://nordic.example"
provider = "nordic"
max_silence_seconds = 1800
reference_price_per_minute = 20
reference_price_per_hour = 300
"""


class Files:
    """A MARKETS_FILE beside a LANDING_ROOT."""

    def __init__(self, folder: Path) -> None:
        self.file, self.landing = folder / "markets.toml", folder / "landing"

    def settings(self, text: str, **environ: str) -> list[Settings]:
        self.file.write_text(text)
        env = {"MARKETS_FILE": str(self.file), "LANDING_ROOT": str(self.landing)} | environ
        return Settings.of_markets(env)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def ids(found: list[Settings]) -> list[tuple[str, str, str]]:
    return [(s.market.market, s.landing_market, s.dag_suffix) for s in found]


def test_each_table_is_the_settings_of_a_market(files: Files) -> None:
    german, finnish = files.settings(DE + FI)
    assert german.market == Market.of("Europe/Berlin")
    assert (german.exchange_url, german.provider) == ("wss://exchange.example/de", "provider")
    assert (german.max_silence_seconds, german.reference_price_per_hour) == (900, 1000)
    assert finnish.market.market == "FI"
    assert finnish.market.timezone.key == "Europe/Helsinki"
    assert finnish.market.trading_opens == time(14, 30)
    assert finnish.market.gate_closure == timedelta(hours=1)
    assert finnish.market.gate_closure_shorter == timedelta(minutes=30)
    assert (finnish.market.price_min, finnish.market.price_max) == (Decimal(-500), Decimal("4000.5"))
    assert (finnish.exchange_url, finnish.provider) == ("ws://nordic.example", "nordic")
    assert (finnish.max_silence_seconds, finnish.reference_price_per_minute) == (1800, 20)
    assert ids([german, finnish]) == [("DE", "", ""), ("FI", "FI", "__fi")]


def test_the_calendar_has_the_gates_of_its_market(files: Files) -> None:
    finnish = files.settings(DE + FI)[1].market
    hour, quarter = (finnish.period(date(2026, 3, 2), label) for label in ("15-16", "15:00-15:15"))
    # 15:00 in Helsinki is 13:00 UTC in winter
    assert hour.tradable_until == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert quarter.tradable_until == datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    assert finnish.period(date(2026, 3, 2), "15-20").tradable_until == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert hour.tradable_from == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert hour.price_final_from == datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)


def test_the_variable_market_picks_one(files: Files) -> None:
    files.settings(FI + DE)
    env = {"MARKETS_FILE": str(files.file), "LANDING_ROOT": str(files.landing)}
    assert Settings.from_environment(env).market.market == "FI"
    assert Settings.from_environment(env | {"MARKET": "de"}).market.market == "DE"
    with pytest.raises(TerminalError, match=r"^MARKET: there is no market 'AT'; there are: FI, DE"):
        Settings.from_environment(env | {"MARKET": "AT"})


def test_secrets_go_to_no_other_exchange(files: Files) -> None:
    german, finnish = files.settings(
        DE + FI,
        EXCHANGE_HEADERS='{"Authorization": "german"}',
        EXCHANGE_SUBSCRIBE="german",
        MARKET_DATA_URL__FI="https://nordic.example/?key=s3cret",
    )
    assert (german.exchange_headers, german.exchange_subscribe) == ((("Authorization", "german"),), "german")
    assert (finnish.exchange_headers, finnish.exchange_subscribe) == ((), "")
    assert finnish.market_data_url == "https://nordic.example/?key=s3cret"
    _, finnish = files.settings(DE + FI, EXCHANGE_HEADERS__FI='{"X": "y"}', EXCHANGE_SUBSCRIBE__FI="hello")
    assert (finnish.exchange_headers, finnish.exchange_subscribe) == ((("X", "y"),), "hello")
    with pytest.raises(TerminalError, match=r"^EXCHANGE_HEADERS__FI must be") as error:
        files.settings(DE + FI, EXCHANGE_HEADERS__FI="s3cret")
    assert "s3cret" not in str(error.value)


def test_another_order_moves_nothing(files: Files) -> None:
    assert ids(files.settings(FI + DE)) == [("FI", "", ""), ("DE", "DE", "__de")]
    remember_first_market(files.landing, "FI")
    remember_first_market(files.landing, "DE")  # noted already
    assert ids(files.settings(DE + FI)) == [("FI", "", ""), ("DE", "DE", "__de")]
    third = FI.replace("FI", "AT").replace("Helsinki", "Vienna")
    assert ids(files.settings(third + DE + FI))[0] == ("FI", "", "")
    with pytest.raises(TerminalError, match="belong to market FI"):
        files.settings(DE)


def test_landing_files_from_before_belong_to_the_market_of_that_time(files: Files) -> None:
    (files.landing / "trades" / "date=2026-03-02").mkdir(parents=True)
    assert ids(files.settings(FI + DE)) == [("DE", "", ""), ("FI", "FI", "__fi")]
    with pytest.raises(TerminalError, match="belong to market DE"):
        files.settings(FI)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('market = "FI"', 'market = "F I"', "market must be letters and digits"),
        ('market = "FI"', 'market = "ABCDEFGHIJK"', "at most 10"),
        ('market = "FI"', "market = 7", "market must be"),
        ('market = "FI"', 'market = "de"', "the market DE is there twice"),
        ('market = "FI"', "", "table 2: market is missing"),
        ("Europe/Helsinki", "Europe/Atlantis", "market FI: timezone: no time zone is called 'Europe/Atlantis'"),
        (
            "Europe/Helsinki",
            "Australia/Lord_Howe",
            "timezone: the clocks of Australia/Lord_Howe do not change by",
        ),
        ('"EUR"', '"NOK"', "market FI: currency must be EUR, not 'NOK': exchange rates are not modelled yet"),
        ("14:30:00", '"half past two"', "trading_opens must be a local time"),
        ("{ hours = 60, shorter = 30 }", "121", "gate_closure_minutes must be whole minutes"),
        ("{ hours = 60, shorter = 30 }", "{ hours = 60 }", "gate_closure_minutes must be"),
        ("{ hours = 60, shorter = 30 }", "true", "gate_closure_minutes must be"),
        (
            "14:30:00",
            '"23:00"',
            "market FI: trading_opens (23:00) must be earlier: trading of the first hour of a day ends at"
            " 23:00, 60 minutes (gate_closure_minutes) before midnight",
        ),
        (
            "14:30:00\ngate_closure_minutes = { hours = 60, shorter = 30 }",
            "23:30:00.5\ngate_closure_minutes = { hours = 15, shorter = 30 }",
            "trading of the first hour of a day ends at 23:30, 30 minutes",
        ),
        ("-500", '"low"', "price_min must be a number"),
        ("-500", "5000", "price_min (5000) must be below price_max (4000.5)"),
        (
            "ws://nordic",
            "http://nordic",
            "market FI: exchange_url must be a URL that starts with ws:// or wss://",
        ),
        ("1800", "0", "market FI: max_silence_seconds must be a whole number"),
        ('"nordic"', '"no/rdic"', "provider must be letters"),
        ('"nordic"', '"provider"', "must be the same for all markets of provider 'provider'"),
        ("price_min", "price_minimum", "market FI: unknown key 'price_minimum'; known are market, timezone"),
        ("[[markets]]", "[[markets]", "cannot be read"),
        ("[[markets]]", "[[countries]]", "unknown key 'countries'"),
    ],
)
def test_a_mistake_is_named(files: Files, old: str, new: str, message: str) -> None:
    with pytest.raises(TerminalError, match=r"^MARKETS_FILE") as error:
        files.settings(DE + FI.replace(old, new, 1))
    assert message in str(error.value)


def test_trading_may_open_at_the_last_minute(files: Files) -> None:
    (_, late) = files.settings(DE + FI.replace("14:30:00", "22:59:00"))
    hour = late.market.period(date(2026, 3, 2), "00-01")
    assert hour.tradable_until - hour.tradable_from == timedelta(minutes=1)
    (_, last) = files.settings(
        DE + FI.replace("14:30:00", "23:59:59").replace("60, shorter = 30", "0, shorter = 0")
    )
    assert last.market.trading_opens == time(23, 59, 59)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match=r"^MARKETS_FILE: .*none\.toml cannot be read"):
        Settings.of_markets({"MARKETS_FILE": str(tmp_path / "none.toml")})


def test_the_example_is_valid(tmp_path: Path) -> None:
    example = PROJECT_ROOT / "docs" / "examples" / "two-markets.toml"
    german, finnish = Settings.of_markets({"MARKETS_FILE": str(example), "LANDING_ROOT": str(tmp_path)})
    assert [s.market.timezone.key for s in (german, finnish)] == ["Europe/Berlin", "Europe/Helsinki"]
    assert german.provider != finnish.provider
    assert (german.is_simulated, finnish.is_simulated) == (True, True)
    assert german.exchange_url != finnish.exchange_url


COLUMNS = (
    '{ id = "Deal", direction = "B/S", price = "Preis", quantity = "MW", delivery_day = "Tag",'
    ' delivery_hour = "Stunde" }'
)


def test_the_end_of_day_files_of_a_market_may_have_a_form_of_their_own(files: Files) -> None:
    table = f'statement = {{ columns = {COLUMNS}, hour = "end", delimiter = ";", decimal_mark = "," }}\n'
    german, finnish = files.settings(DE + FI + table)
    assert german.statement_formats == FORMATS
    parser = StatementParser(finnish.market, date(2026, 3, 2), finnish.statement_formats)
    assert parser.trade("Tag;Stunde;Deal;B/S;MW;Preis\n") is None
    trade = parser.trade("2026-03-03;14;t1;Sell;1,5;-20,25\n")
    assert trade is not None
    assert (trade.trade_id, trade.direction, trade.period.delivery_hour) == ("t1", "sell", "13-14")
    assert (trade.quantity_mw, trade.price_eur_per_mwh) == (Decimal("1.5"), Decimal("-20.25"))
    other = StatementParser(finnish.market, date(2026, 3, 2), finnish.statement_formats)
    other.trade("id,price,quantity,direction,delivery_day,delivery_hour\n")
    assert other.has_header  # the known forms stay known


@pytest.mark.parametrize(("day", "is_by_delivery_day"), [("execution", False), ("delivery", True)])
def test_a_form_says_which_day_is_that_of_a_file(files: Files, day: str, is_by_delivery_day: bool) -> None:
    _, finnish = files.settings(DE + FI + f'statement = {{ columns = {COLUMNS}, day = "{day}" }}\n')
    parser = StatementParser(finnish.market, date(2026, 3, 2), finnish.statement_formats)
    parser.trade("Tag;Stunde;Deal;B/S;MW;Preis\n")
    assert parser.is_by_delivery_day is is_by_delivery_day


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("'x.csv'", "must be a table"),
        ("{ columns = { id = 'a' } }", "needs a column for direction"),
        (f"{{ columns = {COLUMNS}, hour = 'middle' }}", "hour must be"),
        (f"{{ columns = {COLUMNS}, day = 'trading' }}", "day, that of a file, must be"),
        (f"{{ columns = {COLUMNS}, delimiter = ':' }}", "delimiter must be"),
        (f"{{ columns = {COLUMNS}, timezone = 'Mars' }}", "no time zone is called 'Mars'"),
        (f"{{ columns = {COLUMNS}, colour = 'red' }}", "must be a table"),
        ("{ columns = { colour = 'red' } }", "has no colour"),
    ],
)
def test_a_form_that_is_none_is_refused(files: Files, statement: str, message: str) -> None:
    with pytest.raises(TerminalError, match=f"market FI: statement.*{message}"):
        files.settings(DE + FI + f"statement = {statement}\n")
