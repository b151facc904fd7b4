"""Puts the trading desk into Airflow's UI, with Airflow's login."""

import logging
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from include.dashboard.login import Door

log = logging.getLogger(__name__)

PREFIX = "/trading-desk"


class LazyApp:
    """Builds the application at the first request: plugins are loaded in every process, served in one."""

    def __init__(self) -> None:
        self._door: Door | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._door is None:
            from airflow.api_fastapi.core_api.security import get_user

            from include.dashboard.login import create_door
            from include.orchestration.connections import airflow_settings

            self._door = create_door(airflow_settings, get_user, "../dags/{dag_id}/runs/{run_id}")
            _spare_the_remembered(scope["app"], self._door)
        await self._door(scope, receive, send)


def _spare_the_remembered(airflow: Any, door: "Door") -> None:
    """Requests with a cookie are checked by a middleware of Airflow, before any plugin of it is asked.

    Plugins cannot add a middleware outside of that one, so it is replaced where it is.
    """
    from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware

    outer = airflow.middleware_stack
    while (inner := getattr(outer, "app", None)) is not None:
        if isinstance(inner, JWTRefreshMiddleware):
            outer.app = door.around(inner, inner.app, PREFIX)
            return
        outer = inner
    log.warning("Airflow checks cookies in another way than known: each request to the trading desk is checked")


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
