"""Connections of Airflow as URLs."""

import pytest
from airflow.sdk import Connection

from include.orchestration.connections import connection_url


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
