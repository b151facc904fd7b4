"""Settings as Airflow knows them: its connections (exchange, warehouse, alerts …) over the environment."""

from dataclasses import replace
from urllib.parse import quote, urlencode

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.settings import Settings


def airflow_settings(notifying: bool = False) -> Settings:
    """The environment's settings, where a connection of Airflow wins over the variable of the same meaning.

    Args:
        notifying: Whether people may have to be told of something: then the password of the connection `alerts`
            replaces ALERT_URLS. Asking for it is a request to Airflow's API even if nobody has set it up.
    """
    settings = Settings.from_environment()
    settings = replace(
        settings,
        exchange_url=_url("exchange") or settings.exchange_url,
        market_data_url=_url("market_data") or settings.market_data_url,
        warehouse_url=_url("warehouse") or settings.warehouse_url,
    )
    if notifying and (alerts := _connection("alerts")) is not None:
        settings = replace(settings, alert_urls=tuple((alerts.password or "").split()))
    return settings


def _connection(connection_id: str) -> Connection | None:
    try:
        connection: Connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        return None
    return connection


def _url(connection_id: str) -> str | None:
    connection = _connection(connection_id)
    return None if connection is None else connection_url(connection)


def connection_url(connection: Connection) -> str:
    """The URL that a connection stands for, whether it was given as a URL or field by field in the UI."""
    scheme = "postgresql" if connection.conn_type == "postgres" else str(connection.conn_type)
    host = connection.host or ""
    if "://" in host:  # connections of type http may carry the scheme in the host
        scheme, host = host.split("://", 1)
    user = ""
    if connection.login or connection.password:
        user = f"{quote(connection.login or '', safe='')}:{quote(connection.password or '', safe='')}@"
    port = f":{connection.port}" if connection.port else ""
    path = f"/{quote(connection.schema, safe='/')}" if connection.schema else ""
    query = f"?{urlencode(connection.extra_dejson)}" if connection.extra_dejson else ""
    return f"{scheme}://{user}{host}{port}{path}{query}"
