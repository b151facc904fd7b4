"""The trading desk as an Airflow plugin that keeps no answer."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.trading_desk import PREFIX, reader_of_dags


class LazyApp:
    """Builds the application at the first request, as the trading desk's own plugin does."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from include.dashboard.app import create_app
            from include.orchestration.connections import airflow_settings
            from tools.bench.processes.desk import ForgetfulService

            service = ForgetfulService(airflow_settings)
            self._app = create_app(airflow_settings, reader_of_dags(), service=service)
        await self._app(scope, receive, send)


class ForgetfulDeskPlugin(AirflowPlugin):
    """In the place of the trading desk."""

    name = "forgetful_desk"
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyApp(), "url_prefix": PREFIX, "name": "forgetful desk"}
    ]
