"""Puts the trading desk into Airflow's UI, with Airflow's login."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/trading-desk"


class LazyApp:
    """Builds the application at the first request: plugins are loaded in every process, served in one."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from airflow.api_fastapi.core_api.security import get_user

            from include.dashboard.app import create_app
            from include.orchestration.connections import airflow_settings

            self._app = create_app(airflow_settings, get_user, "../dags/{dag_id}/runs/{run_id}")
        await self._app(scope, receive, send)


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
            "url_route": "trading-desk",
        }
    ]
