"""The capture as a service: lands the messages of each market's exchange until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
import re
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from include.capture.markets import capture_each
from include.capture.service import run_capture
from include.errors import TerminalError
from include.markets_file import remember_first_market
from include.service_log import log_to_stderr
from include.settings import Settings, environment_with


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m include.capture", description=__doc__)
    parser.add_argument(
        "--name", default="standalone", help="part of the landing files' names (default: %(default)s)"
    )
    parser.add_argument(
        "--exchange-url",
        help="ws:// or wss:// address, instead of EXCHANGE_URL (which keeps a password out of ps)",
    )
    parser.add_argument("--market", default="", help="only this market of MARKETS_FILE")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="end when this parent has ended")
    parser.add_argument("--landing-root", type=Path, help="folder of the files, instead of LANDING_ROOT")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", options.name):
        parser.error("--name may hold letters, digits, '.', '_' and '-' only")
    log_to_stderr()
    stopping = False

    def is_stopping() -> bool:
        return stopping or options.with_parent not in (None, os.getppid())

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        environment = environment_with(LANDING_ROOT=options.landing_root, MARKET=options.market)
        first, markets = Settings.of_markets(environment)[0], Settings.chosen_markets(environment)
        with suppress(OSError):  # the disk fails: capturing waits for it, and the next start notes it
            remember_first_market(first.landing_root, first.market.market)
        if len(markets) > 1:
            if options.exchange_url:
                raise TerminalError("--exchange-url is of one market: say which with --market")
            arguments = ["--name", options.name, "--landing-root", str(first.landing_root)]
            capture_each([s.market.market for s in markets], arguments, is_stopping)
        else:
            url = options.exchange_url or markets[0].exchange_url
            run_capture(replace(markets[0], exchange_url=url), options.name, is_stopping)
    except TerminalError as error:
        print(f"capture: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Everything is flushed and synced. A normal exit would wait for a DNS lookup that hangs.
    os._exit(code)
