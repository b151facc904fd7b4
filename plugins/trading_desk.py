"""Puts the trading desk into Airflow's UI, with Airflow's login and its right to read DAGs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/trading-desk"


class LazyApp:
    """Builds the application at the first request: plugins are loaded in every process, served in one."""

    def __init__(self) -> None:
        self._app: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from sqlalchemy.exc import OperationalError, TimeoutError

            from include.dashboard.app import create_app
            from include.orchestration.connections import settings_of_markets

            self._app = create_app(
                settings_of_markets,
                reader_of_dags(),
                "../dags/{dag_id}/runs/{run_id}",
                # of Airflow's own database, in which it looks whether a token was revoked
                login_is_away=(OperationalError, TimeoutError),
            )
        await self._app(scope, receive, send)


def reader_of_dags() -> Callable[..., None]:
    """A dependency that lets in who is logged in to Airflow and has its right to read DAGs."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.core_api.security import GetUserDep

    from include.dashboard.app import ForbiddenError

    # Airflow's `requires_access_dag` takes the DAG from `dag_id` in the query, so a caller could choose which
    # DAG is asked about. The desk belongs to no single DAG. Not async: an auth manager may ask its database.
    def may_read_dags(user: GetUserDep) -> None:
        if not get_auth_manager().is_authorized_dag(method="GET", user=user):
            raise ForbiddenError

    return may_read_dags


class TradingDeskPlugin(AirflowPlugin):
    """A page below PREFIX and its entry in the navigation."""

    name = "trading_desk"
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyApp(), "url_prefix": PREFIX, "name": "trading desk"}
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Trading desk",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "nav_top_level": True,
            "icon": f"{PREFIX}/static/icon.svg",
            "url_route": "trading-desk",
        }
    ]
