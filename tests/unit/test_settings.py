"""Settings: defaults that need no environment, every variable read, every mistake named."""

import dataclasses
from pathlib import Path

import pytest

from include.domain.delivery_period import Market
from include.errors import TerminalError
from include.settings import LOCAL_ROOT, Settings

EVERY_VARIABLE = {
    "EXCHANGE_URL": "wss://exchange.example/stream",
    "MARKET_DATA_URL": "https://prices.example/v1",
    "WAREHOUSE_URL": "postgresql://pipeline:secret@db.example:5433/warehouse",
    "LANDING_ROOT": "/data/landing",
    "DATA_DOCS_ROOT": "/data/docs",
    "REPORT_ROOT": "/data/reports",
    "STATEMENT_FOLDER": "/data/statements",
    "MARKET_TIMEZONE": "Europe/London",
    "REFERENCE_PRICE_PER_MINUTE": "5",
    "REFERENCE_PRICE_PER_HOUR": "100",
    "TRADE_MAX_QUANTITY_MW": "200",
    "TRADE_MAX_DEVIATION_EUR_PER_MWH": "300",
    "AIRFLOW_PORT": "18080",
    "AIRFLOW_DATABASE_URL": "postgresql+psycopg2://airflow:secret@db.example:5433/airflow",
    "EXCHANGE_HEADERS": ' {"Authorization": "Bearer s3cret", "X-Desk": "a b"} ',
    "EXCHANGE_SUBSCRIBE": ' {"op": "subscribe", "channel": "trades"} ',
    "MAX_SILENCE_SECONDS": "120",
    "ALERT_URLS": " jsons://chat.example/hooks/desk  mailtos://desk:secret@mail.example/?to=a@x.org,b@x.org ",
    "REPORT_URLS": "mailtos://desk:secret@mail.example/?to=finance@x.org",
}


def test_nothing_needs_to_be_set() -> None:
    assert Settings.from_environment({}) == Settings(
        exchange_url="ws://127.0.0.1:5050",
        market_data_url="http://127.0.0.1:5060",
        warehouse_url="",
        landing_root=LOCAL_ROOT / "landing",
        statement_folder=None,
        data_docs_root=LOCAL_ROOT / "data_docs",
        report_root=LOCAL_ROOT / "reports",
        market=Market.of("Europe/Berlin"),
        reference_price_per_minute=50,
        reference_price_per_hour=1000,
        trade_max_quantity_mw=500,
        trade_max_deviation_eur_per_mwh=500,
        airflow_port=8080,
        airflow_database_url="",
        alert_urls=(),
        report_urls=(),
        exchange_headers=(),
        exchange_subscribe="",
        max_silence_seconds=900,
    )


def test_every_variable_is_read() -> None:
    assert Settings.from_environment(EVERY_VARIABLE) == Settings(
        exchange_url="wss://exchange.example/stream",
        market_data_url="https://prices.example/v1",
        warehouse_url="postgresql://pipeline:secret@db.example:5433/warehouse",
        landing_root=Path("/data/landing"),
        data_docs_root=Path("/data/docs"),
        report_root=Path("/data/reports"),
        statement_folder=Path("/data/statements"),
        market=Market.of("Europe/London"),
        reference_price_per_minute=5,
        reference_price_per_hour=100,
        trade_max_quantity_mw=200,
        trade_max_deviation_eur_per_mwh=300,
        airflow_port=18080,
        airflow_database_url="postgresql+psycopg2://airflow:secret@db.example:5433/airflow",
        alert_urls=(
            "jsons://chat.example/hooks/desk",
            "mailtos://desk:secret@mail.example/?to=a@x.org,b@x.org",
        ),
        report_urls=("mailtos://desk:secret@mail.example/?to=finance@x.org",),
        exchange_headers=(("Authorization", "Bearer s3cret"), ("X-Desk", "a b")),
        exchange_subscribe='{"op": "subscribe", "channel": "trades"}',
        max_silence_seconds=120,
    )


def test_every_setting_has_a_variable() -> None:
    of_a_market = {"MARKET", "IS_FIRST_MARKET", "PROVIDER", "OWN_SUFFIX", "IS_SIMULATED", "STATEMENT_FORMATS"}
    assert {field.name.upper() for field in dataclasses.fields(Settings)} - of_a_market == set(
        EVERY_VARIABLE
    ) - {"MARKET_TIMEZONE"}


@pytest.mark.parametrize("name", EVERY_VARIABLE)
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_variable_leaves_the_default(name: str, blank: str) -> None:
    assert Settings.from_environment({name: blank}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("ALERT_WEBHOOK_URL", "http://chat.example:8/hooks", "json://chat.example:8/hooks"),
        ("ALERT_WEBHOOK_URL", "https://chat.example/hooks?sig=a%2Fb", "jsons://chat.example/hooks?-sig=a%2Fb"),
        ("ALERT_SMTP_URL", "smtp://mail.example/?to=a@x.org", "mailto://mail.example/?to=a@x.org"),
        (
            "ALERT_SMTP_URL",
            "smtp://u:p@mail.example:587/?to=a@x.org",
            "mailtos://u:p@mail.example:587/?to=a@x.org",
        ),
        (
            "ALERT_SMTP_URL",
            "smtps://u:p@mail.example/?to=a@x.org",
            "mailtos://u:p@mail.example/?to=a@x.org&mode=ssl",
        ),
    ],
)
def test_the_former_names_of_alert_urls_still_tell_people(name: str, value: str, url: str) -> None:
    settings = Settings.from_environment({name: value, "ALERT_URLS": "slack://a"})
    assert settings.alert_urls == ("slack://a", url)
    assert Settings.from_environment({name: value, "ALERT_URLS": " ".join(settings.alert_urls)}) == settings


def test_the_environment_of_the_process_is_the_default_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_URL", " ws://exchange.example:5050 ")
    assert Settings.from_environment().exchange_url == "ws://exchange.example:5050"


def test_a_relative_folder_is_made_absolute() -> None:
    assert Settings.from_environment({"LANDING_ROOT": "landing"}).landing_root == Path("landing").resolve()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXCHANGE_URL", "http://exchange.example"),
        ("EXCHANGE_URL", "exchange.example:5050"),
        ("EXCHANGE_URL", "ws://"),
        ("MARKET_DATA_URL", "ws://prices.example"),
        ("MARKET_DATA_URL", "prices"),
        ("WAREHOUSE_URL", "mysql://db.example/warehouse"),
        ("ALERT_URLS", "jsons://chat.example/hooks,mail.example desk"),
        ("REPORT_URLS", "finance@example.com"),
        ("MARKET_TIMEZONE", "Europe/Atlantis"),
        ("MARKET_TIMEZONE", "../etc/passwd"),
        ("REFERENCE_PRICE_PER_MINUTE", "0"),
        ("REFERENCE_PRICE_PER_MINUTE", "-5"),
        ("REFERENCE_PRICE_PER_HOUR", "1000.5"),
        ("REFERENCE_PRICE_PER_HOUR", "many"),
        ("TRADE_MAX_QUANTITY_MW", "-1"),
        ("TRADE_MAX_DEVIATION_EUR_PER_MWH", "0"),
        ("MAX_SILENCE_SECONDS", "0"),
        ("MAX_SILENCE_SECONDS", "15 minutes"),
        ("EXCHANGE_HEADERS", "Authorization: Bearer s3cret"),
        ("EXCHANGE_HEADERS", '["s3cret"]'),
        ("EXCHANGE_HEADERS", '"s3cret"'),
        ("EXCHANGE_HEADERS", '{"Authorization": 7}'),
        ("EXCHANGE_HEADERS", '{"Authorization": "s3cret\\r\\nX: y"}'),
        ("EXCHANGE_HEADERS", '{"Authorization": "s3cr\u00e9t"}'),
        ("EXCHANGE_HEADERS", '{"two words": "s3cret"}'),
        ("EXCHANGE_HEADERS", '{"Host": "other.example"}'),
        ("EXCHANGE_HEADERS", '{"Sec-WebSocket-Key": "s3cret"}'),
        ("AIRFLOW_PORT", "65536"),
        ("AIRFLOW_PORT", "\u0668\u0660"),
    ],
)
def test_a_mistake_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(TerminalError, match=f"^{name}"):
        Settings.from_environment({name: value})


def test_a_mistake_in_a_url_does_not_show_its_password() -> None:
    with pytest.raises(TerminalError) as error:
        Settings.from_environment({"WAREHOUSE_URL": "mysql://pipeline:secret@db.example/warehouse"})
    assert "secret" not in str(error.value)


def test_what_is_sent_to_the_exchange_is_not_shown() -> None:
    settings = Settings.from_environment(
        {"EXCHANGE_HEADERS": '{"Authorization": "s3cret"}', "EXCHANGE_SUBSCRIBE": '{"token": "t0ken"}'}
    )
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)
    for value in ('{"Authorization": 7, "X": "s3cret"}', "s3cret"):
        with pytest.raises(TerminalError) as error:
            Settings.from_environment({"EXCHANGE_HEADERS": value})
        assert "s3cret" not in str(error.value)
        assert error.value.__cause__ is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().warehouse_url = "postgresql://other"  # type: ignore[misc]
