"""Connections of Airflow as URLs and settings."""

import json

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings, connection_url


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


def test_fields_as_the_ui_has_them() -> None:
    connection = Connection(
        conn_id="x", conn_type="http", host="https://prices.example", schema="v1", port=8443
    )
    assert connection_url(connection) == "https://prices.example:8443/v1"


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
    known = Connection(conn_id="exchange", conn_type="wss", host="exchange.example", extra=json.dumps(extras))

    def get(connection_id: str) -> Connection:
        if connection_id != "exchange":
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
    settings = airflow_settings()
    assert settings.exchange_url == "wss://exchange.example?subscribe=trades"
    assert settings.exchange_headers == (("X-Key", "s3cret"),)
    assert settings.exchange_subscribe == '{"op": "subscribe"}'


@pytest.mark.usefixtures("exchange")
def test_without_extras_headers_and_the_first_message_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_extras(monkeypatch)
    settings = airflow_settings()
    assert settings.exchange_url == "wss://exchange.example"
    assert settings.exchange_headers == (("X-Key", "of the environment"),)
    assert settings.exchange_subscribe == "of the environment"


def test_headers_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_extras(monkeypatch, exchange_headers={"X-Key": ["s3cret"]})
    with pytest.raises(TerminalError, match="EXCHANGE_HEADERS must be"):
        airflow_settings()
