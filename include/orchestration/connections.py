"""Settings as Airflow knows them: its connections (exchange, warehouse, alert_smtp …) over the environment."""

from dataclasses import replace
from urllib.parse import quote, urlencode

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.settings import Settings


def airflow_settings(telling: bool = False) -> Settings:
    """The environment's settings, where a connection of Airflow wins over the variable of the same meaning.

    Args:
        telling: Whether people may have to be told of something: also the connections of webhook and mail, each
            of which is a request to Airflow's API even if nobody has set it up.
    """
    settings = Settings.from_environment()
    settings = replace(
        settings,
        exchange_url=_url("exchange") or settings.exchange_url,
        market_data_url=_url("market_data") or settings.market_data_url,
        warehouse_url=_url("warehouse") or settings.warehouse_url,
    )
    if not telling:
        return settings
    return replace(
        settings,
        alert_webhook_url=_url("alert_webhook") or settings.alert_webhook_url,
        alert_smtp_url=_mail_url("alert_smtp") or settings.alert_smtp_url or _mail_url("smtp_default") or "",
    )


def _url(connection_id: str) -> str | None:
    try:
        return connection_url(Connection.get(connection_id))
    except AirflowNotFoundException:
        return None


def _mail_url(connection_id: str) -> str | None:
    """A mail connection that says who gets the mails; others have another purpose."""
    try:
        connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        return None
    return smtp_url(connection)


def smtp_url(connection: Connection) -> str | None:
    """The URL of a connection of type smtp; None if its extras have no `to`.

    Extras: `to` (several with commas), `from` or `from_email`. Port 465 speaks TLS from the start.
    """
    extras = connection.extra_dejson
    if not connection.host or not extras.get("to"):
        return None
    scheme = "smtps" if connection.port == 465 else "smtp"
    login = (
        f"{quote(connection.login, safe='')}:{quote(connection.password or '', safe='')}@"
        if connection.login
        else ""
    )
    sender = extras.get("from") or extras.get("from_email")
    query = urlencode({"to": extras["to"]} | ({"from": sender} if sender else {}))
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme}://{login}{connection.host}{port}/?{query}"


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
