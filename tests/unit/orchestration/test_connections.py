"""Connections of Airflow as URLs."""

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

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
    settings = airflow_settings(notifying)
    assert settings.warehouse_url == "postgresql://db/warehouse"
    assert settings.alert_urls == urls
    assert ("alerts" in asked) is notifying
