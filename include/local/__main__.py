"""`python -m include.local run`: what `make run` starts."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from include.errors import TerminalError, TransientError
from include.local.postgres import binaries
from include.local.run import Run
from include.settings import LOCAL_ROOT, analyst_url, command_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 after Ctrl-C or SIGTERM, 2 when something has to be put right first."""
    parser = argparse.ArgumentParser(
        prog="python -m include.local", description="The platform on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="starts everything and keeps it up until Ctrl-C")
    run.add_argument("--state", type=Path, default=LOCAL_ROOT, help="folder of all state (default: .local)")
    run.add_argument("--airflow-port", type=_port, help="instead of AIRFLOW_PORT")
    run.add_argument("--exchange-port", type=_port, default=5050, help="the simulated exchange's")
    run.add_argument("--market-data-port", type=_port, default=5060, help="the simulated provider's")
    psql = commands.add_parser("psql", help="opens psql in the warehouse of the running platform, as analyst")
    psql.add_argument("--write", action="store_true", help="as pipeline, which owns the warehouse")
    options = parser.parse_args(arguments)
    try:
        if options.command == "psql":
            return _psql(options.write)
        return Run(
            options.state.resolve(),
            options.airflow_port,
            options.exchange_port,
            options.market_data_port,
        ).until_stopped()
    except (TerminalError, TransientError) as error:
        print(f"make {options.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except PermissionError as error:
        whose = f"{error.filename or 'a file'} belongs to somebody else"
        print(f"make {options.command}: {whose}: run as the same user as before", file=sys.stderr)
        return 2


def _psql(write: bool) -> int:
    url = command_settings().warehouse_url if write else analyst_url()
    try:
        program: str | None = str(binaries() / "psql")
    except TerminalError:
        program = shutil.which("psql")
    if program is None:
        raise TerminalError("psql is missing: install postgresql-client")
    os.execv(program, [program, url])


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
