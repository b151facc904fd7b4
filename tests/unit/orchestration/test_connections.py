"""Connections of Airflow as URLs and settings."""

import json
from typing import Any

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings, connection_url
from include.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:5050",
        "wss://user:pa%2Fss@exchange.example/stream",
        "http://127.0.0.1:5060",
        "https://prices.example/base/v1",
        "postgresql://pipeline:s%40crt@db.example:5432/warehouse",
        "postgresql://pipeline:s@db.example:5432/warehouse?sslmode=require",
    ],
)
def test_a_url_comes_back_as_it_was(url: str) -> None:
    assert connection_url(Connection.from_uri(url, conn_id="x")) == url


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        (
            {"conn_type": "http", "host": "https://prices.example", "schema": "v1", "port": 8443},
            "https://prices.example:8443/v1",
        ),
        (
            {"conn_type": "http", "host": "prices.example", "schema": "https", "port": 443},
            "https://prices.example:443",
        ),
        (
            {"conn_type": "http", "host": "https://prices.example/v1/", "port": 8443, "login": "desk"},
            "https://desk:@prices.example:8443/v1",
        ),
        ({"conn_type": "postgres", "host": "::1", "schema": "w"}, "postgresql://[::1]/w"),
        ({"conn_type": "wss", "host": "exchange.example", "extra": "[1]"}, "wss://exchange.example"),
    ],
)
def test_fields_as_the_ui_has_them(fields: dict[str, Any], url: str) -> None:
    assert connection_url(Connection(conn_id="x", **fields)) == url


@pytest.mark.parametrize(("notifying", "urls"), [(True, ("json://a/x", "slack://b")), (False, ())])
def test_a_task_that_tells_nobody_does_not_ask_for_the_ways_to_tell(
    monkeypatch: pytest.MonkeyPatch, notifying: bool, urls: tuple[str, ...]
) -> None:
    known = {
        "warehouse": Connection.from_uri("postgresql://db/warehouse", conn_id="warehouse"),
        "alerts": Connection(conn_id="alerts", conn_type="generic", password="json://a/x slack://b"),
    }
    asked = []

    def get(connection_id: str) -> Connection:
        asked.append(connection_id)
        if connection_id not in known:
            raise AirflowNotFoundException(connection_id)
        return known[connection_id]

    monkeypatch.setattr(Connection, "get", get)
    settings = airflow_settings(notifying=notifying)
    assert settings.warehouse_url == "postgresql://db/warehouse"
    assert settings.alert_urls == urls
    assert ("alerts" in asked) is notifying


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_URL", "ws://of-the-environment:5050")
    monkeypatch.setenv("EXCHANGE_HEADERS", '{"X-Key": "of the environment"}')
    monkeypatch.setenv("EXCHANGE_SUBSCRIBE", "of the environment")


def with_extras(monkeypatch: pytest.MonkeyPatch, **extras: object) -> None:
    """Airflow knows a connection `exchange` with these extras, and no other."""
    extra = json.dumps(extras)
    knows_only(
        monkeypatch, Connection(conn_id="exchange", conn_type="wss", host="exchange.example", extra=extra)
    )


def knows_only(monkeypatch: pytest.MonkeyPatch, known: Connection) -> None:
    """Airflow knows this connection, and no other."""

    def get(connection_id: str) -> Connection:
        if connection_id != known.conn_id:
            raise AirflowNotFoundException(connection_id)
        return known

    monkeypatch.setattr(Connection, "get", get)


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize("subscribe", ['{"op": "subscribe"}', {"op": "subscribe"}])
def test_the_extras_of_the_exchange_hold_headers_and_the_first_message(
    monkeypatch: pytest.MonkeyPatch, subscribe: object
) -> None:
    with_extras(
        monkeypatch, exchange_headers={"X-Key": "s3cret"}, exchange_subscribe=subscribe, subscribe="trades"
    )
    settings = airflow_settings(capturing=True)
    assert settings.exchange_url == "wss://exchange.example?subscribe=trades"
    assert settings.exchange_headers == (("X-Key", "s3cret"),)
    assert settings.exchange_subscribe == '{"op": "subscribe"}'


@pytest.mark.usefixtures("exchange")
def test_without_extras_headers_and_the_first_message_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_extras(monkeypatch)
    settings = airflow_settings(capturing=True)
    assert settings.exchange_url == "wss://exchange.example"
    assert settings.exchange_headers == (("X-Key", "of the environment"),)
    assert settings.exchange_subscribe == "of the environment"


@pytest.mark.parametrize("extra", ['{"exchange_headers": {"X-Key": ["s3cret"]}}', "[1]"])
def test_a_mistake_in_the_connection_of_the_exchange_concerns_capture_only(
    monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    known = Connection(conn_id="exchange", conn_type="wss", host="exchange.example", extra=extra)
    knows_only(monkeypatch, known)
    with pytest.raises(TerminalError, match="of the connection exchange must be a JSON object") as error:
        airflow_settings(capturing=True)
    assert "s3cret" not in str(error.value)
    assert airflow_settings(notifying=True).warehouse_url == Settings.from_environment().warehouse_url


def test_the_connection_alerts_means_what_the_variable_means(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = "https://chat.example/hooks/desk?a=b slack://T/A/B/#desk smtp://mail.example/?to=a@b.example"
    knows_only(monkeypatch, Connection(conn_id="alerts", conn_type="generic", password=urls))
    of_connection = airflow_settings(notifying=True).alert_urls
    assert of_connection == Settings.from_environment({"ALERT_URLS": urls}).alert_urls
    assert of_connection[:2] == ("jsons://chat.example/hooks/desk?-a=b", "slack://T/A/B/#desk")


def test_a_connection_without_urls_replaces_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALERT_URLS", "json://chat.example")
    knows_only(monkeypatch, Connection(conn_id="alerts", conn_type="generic", host="https://chat.example"))
    assert airflow_settings(notifying=True).alert_urls == ("json://chat.example",)
    assert "the connection alerts has no password" in caplog.text
