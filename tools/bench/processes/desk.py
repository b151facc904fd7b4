"""Serves the trading desk without a login until SIGINT; then reports how often it read the warehouse.

The port comes first on standard output, the number of reads at the end. With `--forgetful` it reads for each
request, as an application would that keeps nothing.
"""

import argparse
import socket
import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

import uvicorn

from include.dashboard.app import create_app
from include.dashboard.reader import Query
from include.dashboard.service import Service, State
from include.settings import Settings


class CountingService(Service):
    """The service as it is; counts."""

    reads = 0

    async def recall(self, key: Hashable, make: Callable[[Query], Any], state: State, *how: bool) -> Any:
        def counted(query: Query) -> Any:
            self.reads += 1
            return make(query)

        return await super().recall(key, counted, state, *how)


class ForgetfulService(CountingService):
    """Reads for each request."""

    async def recall(self, key: Hashable, make: Callable[[Query], Any], state: State, *how: bool) -> Any:
        return await super().recall(object(), make, state, *how)


def main() -> None:
    """Serves on a free port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forgetful", action="store_true")
    kind = ForgetfulService if parser.parse_args().forgetful else CountingService
    service = kind(Settings.of_markets)
    app = create_app(Settings.of_markets, lambda: None, service=service)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        with suppress(KeyboardInterrupt):  # uvicorn passes a signal on once it has stopped
            server.run([listener])
    service.close()
    sys.stdout.write(f"{service.reads}\n")


if __name__ == "__main__":
    main()
