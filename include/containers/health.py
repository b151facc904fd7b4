"""Is this container's own component well? `python -m include.containers.health [COMPONENT]`; 0 or 1, in 0.2 s.

Airflow's `jobs check` imports for 5 to 9 s each time, and only its scheduler has a health server. All of them
write heartbeats into Airflow's database: that row, of this host, is what is looked at.
"""

import argparse
import http.client
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from include.errors import TransientError

HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
STARTING = "starting"

_MAX_SILENCE = timedelta(seconds=30)
"""Heartbeats come every 5 s from Airflow's components, every 10 s from capture."""
_ANSWER_SECONDS = 5.0
_CLOCKS_DIFFER_SECONDS = 5.0
_API_SERVER_PORT = 8080
_SIMULATOR_PORTS = (5050, 5060)
_METRICS_PORT = 9464
_METRICS_SECONDS = 12.0
"""The exporter waits up to 9.5 s for a warehouse that hangs, and then answers without it."""
_JOB_TYPES = {
    "scheduler": "SchedulerJob",
    "dag-processor": "DagProcessorJob",
    "triggerer": "TriggererJob",
}
_LAST_HEARTBEAT = """
SELECT extract(epoch FROM now() - latest_heartbeat)::float FROM job
WHERE job_type = %(job_type)s AND hostname = %(hostname)s AND start_date >= to_timestamp(%(since)s)
ORDER BY latest_heartbeat DESC NULLS LAST LIMIT 1
"""


def of_component(component: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What Airflow's own health endpoint would say, about this component of this host alone.

    Args:
        component: scheduler, dag-processor, triggerer, api-server, worker, capture, metrics or simulator.
        environ: Says where database, queue and landing files are.

    Returns:
        The component and what it cannot work without (`metadatabase`, `queue`), each `healthy` or `unhealthy`;
        the component is `starting` as long as it has shown no sign of life.

    Raises:
        TransientError: The api-server or the exporter does not answer.
    """
    return _CHECKS[component](component, environ)


def metadata_url(environ: Mapping[str, str]) -> str:
    """`postgresql://…` of Airflow's own database."""
    return "postgresql://" + environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].split("://", 1)[1]


def _by_heartbeat(component: str, environ: Mapping[str, str]) -> dict[str, str]:
    from include.local import database

    parameters = {"job_type": _JOB_TYPES[component], "hostname": socket.gethostname(), "since": _started_at()}
    try:
        row = database.fetch_row(
            metadata_url(environ), _LAST_HEARTBEAT, parameters, timeout_seconds=_ANSWER_SECONDS
        )
    except TransientError:
        return {"metadatabase": UNHEALTHY, component: UNHEALTHY}
    if row is None or row[0] is None:
        return {"metadatabase": HEALTHY, component: STARTING}
    is_fresh = row[0] <= _MAX_SILENCE.total_seconds()
    return {"metadatabase": HEALTHY, component: HEALTHY if is_fresh else UNHEALTHY}


def _by_answer(component: str, _environ: Mapping[str, str]) -> dict[str, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", _API_SERVER_PORT, timeout=_ANSWER_SECONDS)) as server:
        try:
            server.request("GET", "/api/v2/monitor/health")
            answer = server.getresponse()
            found = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(f"the api-server does not answer: {error}") from error
    return {"metadatabase": str(found["metadatabase"]["status"]), component: HEALTHY}


def _by_ping(component: str, environ: Mapping[str, str]) -> dict[str, str]:
    from celery import Celery
    from kombu.exceptions import OperationalError

    me = f"celery@{socket.gethostname()}"
    seconds = {"socket_timeout": _ANSWER_SECONDS, "socket_connect_timeout": _ANSWER_SECONDS}
    with Celery(broker=environ["AIRFLOW__CELERY__BROKER_URL"]) as app:
        app.conf.broker_transport_options = seconds  # a queue that takes the connection and says nothing
        try:
            answers = app.control.ping([me], timeout=_ANSWER_SECONDS, limit=1)
        except OperationalError:
            return {"queue": UNHEALTHY, component: UNHEALTHY}
    return {"queue": HEALTHY, component: HEALTHY if answers else UNHEALTHY}


def _by_landing_file(component: str, environ: Mapping[str, str]) -> dict[str, str]:
    from include.landing import TRADES, list_files

    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    files = list_files(Path(environ["LANDING_ROOT"]), TRADES, hour - timedelta(hours=1))
    own = f"-{socket.gethostname()}-"
    times = [f.path.stat().st_mtime for f in files if own in f.path.name]
    written = [datetime.fromtimestamp(time, UTC) for time in times if time >= _started_at()]
    if not written:
        return {component: STARTING}
    return {component: HEALTHY if now - max(written) <= _MAX_SILENCE else UNHEALTHY}


def _started_at() -> float:
    """When the container started, in seconds since 1970: what it did before counts no more."""
    return psutil.Process(1).create_time() - _CLOCKS_DIFFER_SECONDS


def _by_metrics(component: str, _environ: Mapping[str, str]) -> dict[str, str]:
    """Whether the exporter answers a scrape; a warehouse that is away is a metric of it, not its failure."""
    with closing(http.client.HTTPConnection("127.0.0.1", _METRICS_PORT, timeout=_METRICS_SECONDS)) as server:
        try:
            server.request("GET", "/metrics")
            answer = server.getresponse()
            is_well = answer.status == http.HTTPStatus.OK and b"power_desk_warehouse_up" in answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"the exporter does not answer: {error}") from error
    return {component: HEALTHY if is_well else UNHEALTHY}


def _by_ports(component: str, _environ: Mapping[str, str]) -> dict[str, str]:
    try:
        for port in _SIMULATOR_PORTS:
            socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS).close()
    except OSError:
        return {component: UNHEALTHY}
    return {component: HEALTHY}


_CHECKS: Mapping[str, Callable[[str, Mapping[str, str]], dict[str, str]]] = {
    "scheduler": _by_heartbeat,
    "dag-processor": _by_heartbeat,
    "triggerer": _by_heartbeat,
    "api-server": _by_answer,
    "worker": _by_ping,
    "capture": _by_landing_file,
    "metrics": _by_metrics,
    "simulator": _by_ports,
}


def component_of(command: str) -> str | None:
    """Which component a container's command line starts; None: none that can be looked at."""
    found = re.search(r"\binclude\.(?:containers\.component (\S+)|(capture|health|simulator))\b", command)
    if found is None:
        return None
    return found[1] or found[2].replace("health", "metrics")


def main(arguments: list[str] | None = None) -> int:
    """Prints what is found; 0 if the component is healthy or there is none to look at."""
    parser = argparse.ArgumentParser(prog="python -m include.containers.health", description=__doc__)
    parser.add_argument(
        "component", nargs="?", choices=sorted(_CHECKS), help="default: what the container runs"
    )
    component = parser.parse_args(arguments).component
    if component is None:
        component = component_of(Path("/proc/1/cmdline").read_text().replace("\0", " "))
    if component is None:
        return 0
    try:
        found = of_component(component, os.environ)
    except TransientError as error:
        print(error)
        return 1
    print(", ".join(f"{name}: {status}" for name, status in found.items()))
    return 0 if set(found.values()) == {HEALTHY} else 1


if __name__ == "__main__":
    sys.exit(main())
