"""Whether the component of this container is healthy: `python -m include.containers.health NAME` exits 0 or 1.

Airflow's own health endpoints are asked: the scheduler's, and for dag-processor and triggerer that of the
api-server, which knows their last heartbeats. `airflow jobs check` would import for 5 to 9 s each time.
"""

import argparse
import http.client
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import psutil

from include.errors import TransientError

_MAX_SILENCE = timedelta(seconds=30)
"""Capture writes a heartbeat into its landing file every 10 s."""
_CLOCKS_DIFFER_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
METRICS_TIMEOUT_SECONDS = 12.0
"""The exporter waits up to 9.5 s for a warehouse that hangs, and then answers without it."""
_SIMULATOR_PORTS = (5050, 5060)
_HEALTH_PATH = "/api/v2/monitor/health"


def is_healthy(component: str, environ: Mapping[str, str]) -> bool:
    """Whether the component works, as far as can be seen from within its container.

    Args:
        component: scheduler, dag-processor, triggerer, api-server, worker, capture, metrics or simulator.
        environ: Says where api-server, queue and landing files are.

    Raises:
        TransientError: What would tell it is away itself: the api-server or the queue.
    """
    return CHECKS[component](component, environ)


def _get(url: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> bytes:
    """What the server answers with status 200, asked without a proxy.

    Raises:
        TransientError: It does not answer, or with another status.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_seconds) as answer:
            return bytes(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"{url}: {error}") from error


def _answers(url: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> Callable[[str, Mapping[str, str]], bool]:
    def check(_component: str, _environ: Mapping[str, str]) -> bool:
        try:
            _get(url, timeout_seconds)
        except TransientError:
            return False
        return True

    return check


def _by_api_server(component: str, environ: Mapping[str, str]) -> bool:
    url = environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL") or "http://api-server:8080/execution/"
    text = _get(urljoin(url, _HEALTH_PATH))
    try:
        found = json.loads(text)
        if found["metadatabase"]["status"] != "healthy":
            raise TransientError("the api-server cannot read the heartbeats")
        return bool(found[component.replace("-", "_")]["status"] == "healthy")
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError(f"the api-server does not tell the health of {component}") from error


def _by_ping(_component: str, environ: Mapping[str, str]) -> bool:
    from celery import Celery
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    seconds = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}
    with Celery(broker=environ["AIRFLOW__CELERY__BROKER_URL"]) as app:
        app.conf.broker_transport_options = seconds  # a queue that takes the connection and says nothing
        try:
            me = f"celery@{socket.gethostname()}"
            return bool(app.control.ping([me], timeout=_TIMEOUT_SECONDS, limit=1))
        except (OperationalError, RedisError) as error:  # the latter: the connection ends before the answer
            raise TransientError(f"the queue does not answer: {error}") from error


def _by_landing_file(_component: str, environ: Mapping[str, str]) -> bool:
    from include.landing import TRADES, list_files
    from include.settings import Settings

    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    own = f"-{socket.gethostname()}-"
    since = max(_started_at(), (now - _MAX_SILENCE).timestamp())
    for settings in Settings.chosen_markets(environ):
        files = list_files(
            settings.landing_root, TRADES, hour - timedelta(hours=1), market=settings.landing_market
        )
        if max((f.path.stat().st_mtime for f in files if own in f.path.name), default=0.0) < since:
            return False
    return True


def _started_at() -> float:
    """When the container started, in seconds since 1970: what it did before counts no more."""
    return psutil.Process(1).create_time() - _CLOCKS_DIFFER_SECONDS


def _by_ports(_component: str, _environ: Mapping[str, str]) -> bool:
    try:
        for port in _SIMULATOR_PORTS:
            socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


CHECKS: Mapping[str, Callable[[str, Mapping[str, str]], bool]] = {
    "scheduler": _answers("http://127.0.0.1:8974/health"),
    "dag-processor": _by_api_server,
    "triggerer": _by_api_server,
    "api-server": _answers(f"http://127.0.0.1:8080{_HEALTH_PATH}"),
    "worker": _by_ping,
    "capture": _by_landing_file,
    "metrics": _answers("http://127.0.0.1:9464/metrics", METRICS_TIMEOUT_SECONDS),
    "simulator": _by_ports,
}
"""Component to its check."""


def main(arguments: list[str] | None = None) -> int:
    """Prints what is found; 0 if the component is healthy."""
    parser = argparse.ArgumentParser(prog="python -m include.containers.health", description=__doc__)
    parser.add_argument("component", choices=sorted(CHECKS))
    component = parser.parse_args(arguments).component
    try:
        is_well = is_healthy(component, os.environ)
    except TransientError as error:
        print(error)
        return 1
    print(f"{component}: {'healthy' if is_well else 'unhealthy'}")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
