"""Settings as Airflow knows them: its connections (exchange, warehouse, alerts …) over the environment."""

import json
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.errors import TerminalError
from include.orchestration.markets import settings_of
from include.setting_values import apprise_url, exchange_headers
from include.settings import Settings

log = logging.getLogger(__name__)

_HEADERS, _SUBSCRIBE = "exchange_headers", "exchange_subscribe"
"""Keys of the extras of the connection `exchange`, which are no part of its URL."""


def airflow_settings(
    dag_id: str = "", *, capturing: bool = False, notifying: bool = False, reporting: bool = False
) -> Settings:
    """The environment's settings, where a connection of Airflow wins over the variable of the same meaning.

    With MARKETS_FILE the connections of a market are `exchange__fi` and `market_data__fi`. A mistake in one of
    them, or in a channel, concerns only the tasks that use it.

    Args:
        dag_id: The DAG, which says for which market; empty: the first one.
        capturing: Whether the exchange is needed: the connection `exchange`.
        notifying: Whether people may have to be notified: then the password of the connection `alerts`
            replaces ALERT_URLS. Asking for it is a request to Airflow's API even if nobody has set it up.
        reporting: Whether a report is to be sent: the same with the connection `reports` and REPORT_URLS.

    Raises:
        TerminalError: A value is not what its name promises.
    """
    settings = settings_of(dag_id)
    suffix = settings.own_suffix.lower()
    settings = replace(
        settings,
        market_data_url=_url(f"market_data{suffix}") or settings.market_data_url,
        warehouse_url=_url("warehouse") or settings.warehouse_url,
    )
    if capturing:
        settings = replace(settings, **_exchange(f"exchange{suffix}"))
    if notifying:
        settings = replace(settings, alert_urls=_channels("alerts") or settings.alert_urls)
    if reporting:
        settings = replace(settings, report_urls=_channels("reports") or settings.report_urls)
    return settings


def settings_of_markets() -> list[Settings]:
    """The settings of each market, as `airflow_settings`, for who only reads the warehouse.

    Raises:
        TerminalError: A value is not what its name promises.
    """
    first, *others = Settings.of_markets()
    warehouse_url = _url("warehouse") or first.warehouse_url
    return [replace(settings, warehouse_url=warehouse_url) for settings in (first, *others)]


def _exchange(connection_id: str) -> dict[str, Any]:
    """The settings that the connection of an exchange gives: its URL, and what its extras hold.

    Raises:
        TerminalError: The extras are not what they must be.
    """
    connection = _connection(connection_id)
    if connection is None:
        return {}
    found: dict[str, Any] = {"exchange_url": connection_url(connection)}
    extras = connection.extra_dejson
    if not isinstance(extras, dict):
        raise TerminalError(f"the extras of the connection {connection_id} must be a JSON object")
    if headers := extras.get(_HEADERS):
        found[_HEADERS] = exchange_headers(headers, f"{_HEADERS} of the connection {connection_id}")
    if subscribe := extras.get(_SUBSCRIBE):
        found[_SUBSCRIBE] = subscribe if isinstance(subscribe, str) else json.dumps(subscribe)
    return found


def _connection(connection_id: str) -> Connection | None:
    try:
        connection: Connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        return None
    return connection


def _channels(connection_id: str) -> tuple[str, ...]:
    """The URLs in the password of a connection, as Apprise writes them."""
    connection = _connection(connection_id)
    if connection is None:
        return ()
    if not (urls := (connection.password or "").split()):
        log.warning("the connection %s has no password, which would hold its URLs", connection_id)
    return tuple(map(apprise_url, urls))


def _url(connection_id: str) -> str | None:
    connection = _connection(connection_id)
    return None if connection is None else connection_url(connection)


def connection_url(connection: Connection) -> str:
    """The URL that a connection stands for, whether it was given as a URL or field by field in the UI.

    Connections of type http may have the scheme in the host, with a path behind it, or in the schema.
    """
    scheme = "postgresql" if connection.conn_type == "postgres" else str(connection.conn_type)
    host, path = connection.host or "", f"/{quote(connection.schema, safe='/')}" if connection.schema else ""
    if "://" in host:
        scheme, host = host.split("://", 1)
    elif scheme == "http" and connection.schema in ("http", "https"):
        scheme, path = connection.schema, ""
    host, slash, base = host.partition("/")
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    user = ""
    if connection.login or connection.password:
        user = f"{quote(connection.login or '', safe='')}:{quote(connection.password or '', safe='')}@"
    port = f":{connection.port}" if connection.port else ""
    extras = connection.extra_dejson if isinstance(connection.extra_dejson, dict) else {}
    parameters = {n: value for n, value in extras.items() if n not in (_HEADERS, _SUBSCRIBE)}
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{scheme}://{user}{host}{port}{slash}{base.rstrip('/')}{path}{query}"
