"""The capture as a service: lands the exchange's messages until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from include.capture.service import run_capture
from include.errors import TerminalError
from include.service_log import log_to_stderr
from include.settings import Settings


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
    parser.add_argument("--landing-root", type=Path, help="folder of the files, instead of LANDING_ROOT")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", options.name):
        parser.error("--name may hold letters, digits, '.', '_' and '-' only")
    log_to_stderr()
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        settings = Settings.from_environment()
        settings = replace(
            settings,
            exchange_url=options.exchange_url or settings.exchange_url,
            landing_root=options.landing_root or settings.landing_root,
        )
        run_capture(settings, options.name, lambda: stopping)
    except TerminalError as error:
        print(f"capture: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Everything is flushed and synced. A normal exit would wait for a DNS lookup that hangs.
    os._exit(code)
