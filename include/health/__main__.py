"""The exporter as a process: serves the platform's metrics to Prometheus until SIGTERM or Ctrl-C."""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence

from prometheus_client.exposition import start_http_server
from prometheus_client.registry import CollectorRegistry

from include.errors import TerminalError
from include.health.collector import PlatformCollector
from include.service_log import log_to_stderr
from include.settings import command_settings, every_market

DEFAULT_PORT = 9464


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the server; 0 after a signal, 2 when a setting is wrong or the port is in use."""
    parser = argparse.ArgumentParser(
        prog="python -m include.health",
        description=__doc__,
        epilog="The warehouse is WAREHOUSE_URL, or that of a running `make run`; its role needs to read curated"
        " and ops only. Where LANDING_ROOT is mounted, captures, disk and what is not loaded are watched, too.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0: any (default: %(default)s)")
    options = parser.parse_args(arguments)
    log_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        markets = every_market()
    except TerminalError as error:
        print(f"monitoring: {error}", file=sys.stderr)
        return 2
    registry = CollectorRegistry()
    registry.register(PlatformCollector(markets, lambda: command_settings().warehouse_url))
    try:
        server, _ = start_http_server(options.port, options.host, registry)
    except (OSError, OverflowError) as error:
        print(f"monitoring: cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 2
    logging.getLogger(__name__).info("serving http://%s:%d/metrics", options.host, server.server_port)
    stop.wait()
    server.shutdown()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
