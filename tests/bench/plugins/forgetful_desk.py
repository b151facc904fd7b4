"""The trading desk as an Airflow plugin that keeps nothing: no answer and no login."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.trading_desk import PREFIX


class LazyApp:
    """Builds the application at the first request, as the trading desk's own plugin does."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from airflow.api_fastapi.core_api.security import get_user

            from include.dashboard.app import create_app
            from include.orchestration.connections import airflow_settings
            from tests.bench.processes.desk import ForgetfulService

            service = ForgetfulService(airflow_settings)
            self._app = create_app(airflow_settings, get_user, service=service)
        await self._app(scope, receive, send)


class ForgetfulDeskPlugin(AirflowPlugin):
    """In the place of the trading desk."""

    name = "forgetful_desk"
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyApp(), "url_prefix": PREFIX, "name": "forgetful desk"}
    ]
