"""The simulator as a process: an exchange and a provider of one market, until SIGTERM or SIGINT."""

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from include.errors import TerminalError
from include.settings import Settings, environment_with
from include.simulator.exchange import Exchange
from include.simulator.faults import DEMO, StatementFaults, parse_faults, switch_on
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from include.simulator.statement import EndOfDayFiles

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both servers; 0 after a signal, 2 when an argument is wrong or a port is in use."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        exchange_faults, provider_faults = parse_faults([*(() if options.plain else DEMO), *options.fault])
        switch_on(options.statement_fault, statement_faults := StatementFaults())
    except ValueError as error:
        parser.error(str(error))
    try:
        settings = Settings.from_environment(environment_with(MARKET=options.market))
    except TerminalError as error:
        parser.error(str(error))
    market = SimulatedMarket(options.seed, calendar=settings.market)
    statements = None
    if options.statement_folder is not None:
        try:
            statements = EndOfDayFiles(options.statement_folder, market.calendar, faults=statement_faults)
        except OSError as error:
            parser.error(f"--statement-folder {options.statement_folder}: {error.strerror}")
    exchange = Exchange(
        market,
        rate_per_second=options.rate_per_second,
        host=options.host,
        port=options.exchange_port,
        faults=exchange_faults,
        statements=statements,
    )
    provider = Provider(
        market,
        host=options.host,
        port=options.market_data_port,
        faults=provider_faults,
        budget=[(settings.reference_price_per_minute, 60), (settings.reference_price_per_hour, 3600)],
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        for server, option in ((exchange, "--exchange-port"), (provider, "--market-data-port")):
            try:
                server.start()
            except OSError as error:
                why = os.strerror(error.errno) if error.errno == errno.EADDRINUSE else error
                print(f"cannot listen on {server.host}:{server.port} ({option}): {why}", file=sys.stderr)
                return 2
            print(f"{type(server).__name__.lower()} listening on {server.url}", flush=True)
        stop.wait()
    finally:
        exchange.stop()
        provider.stop()
    return 0


def _checked(parse: Callable[[str], T], is_valid: Callable[[T], bool], what: str) -> Callable[[str], T]:
    """The type of an option: parses its text, or explains what it is not."""

    def value(text: str) -> T:
        with suppress(ValueError):
            if is_valid(found := parse(text)):
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")

    return value


_port = _checked(int, lambda number: 0 <= number <= 65535, "port")
_rate = _checked(float, lambda rate: 0 <= rate < float("inf"), "number of deals a second")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.simulator",
        description="An exchange and a market data provider for demos and tests. Zone, opening, gates and the"
        " provider's budget are those of the market in the environment.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--exchange-port", type=_port, default=5050, help="0 takes a free one")
    parser.add_argument("--market-data-port", type=_port, default=5060, help="0 takes a free one")
    parser.add_argument("--rate-per-second", type=_rate, default=3.0, help="mean number of deals a second")
    parser.add_argument("--seed", type=int, default=7, help="decides prices and deals")
    parser.add_argument(
        "--market", default="", help="one of MARKETS_FILE (default: the first, else that of MARKET_TIMEZONE)"
    )
    parser.add_argument(
        "--plain", action="store_true", help="each deal is sent once, as an hour, without the mix of the demo"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="what goes wrong, repeatable; the names are in include/simulator/faults.py",
    )
    parser.add_argument(
        "--statement-folder",
        type=Path,
        help="where the exchange writes its end-of-day files; without it: nowhere",
    )
    parser.add_argument(
        "--statement-fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="what is wrong with these files, repeatable; the names are in the same module",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
