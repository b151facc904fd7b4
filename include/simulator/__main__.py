"""The simulator as a process: an exchange and a provider of one market, until SIGTERM or SIGINT."""

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.simulator.exchange import Exchange
from include.simulator.faults import parse_faults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import PUBLISHED_BUDGET, Provider


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both servers; 0 after a signal, 2 when an argument is wrong or a port is in use."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        exchange_faults, provider_faults = parse_faults(options.fault)
        market = SimulatedMarket(options.seed, options.timezone)
    except ValueError as error:
        parser.error(str(error))
    exchange = Exchange(
        market,
        rate_per_second=options.rate_per_second,
        host=options.host,
        port=options.exchange_port,
        faults=exchange_faults,
        has_bursts=not options.no_bursts,
    )
    provider = Provider(
        market,
        host=options.host,
        port=options.market_data_port,
        faults=provider_faults,
        budget=[
            (most, seconds)
            for most, (_, seconds) in zip(
                (options.requests_per_minute, options.requests_per_hour), PUBLISHED_BUDGET, strict=True
            )
        ],
        undefined=options.undefined,
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.simulator",
        description="An exchange and a market data provider for demos and tests.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--exchange-port", type=_port, default=5050, help="0 takes a free one")
    parser.add_argument("--market-data-port", type=_port, default=5060, help="0 takes a free one")
    parser.add_argument("--rate-per-second", type=_rate, default=3.0, help="mean number of deals a second")
    parser.add_argument("--no-bursts", action="store_true", help="deals come evenly")
    parser.add_argument("--seed", type=int, default=7, help="decides prices and deals")
    parser.add_argument("--timezone", type=_zone, default="Europe/Berlin", help="the market's zone")
    for (most, seconds), unit in zip(PUBLISHED_BUDGET, ("minute", "hour"), strict=True):
        parser.add_argument(
            f"--requests-per-{unit}",
            type=_budget,
            default=most,
            help=f"the provider's budget in any {seconds} s",
        )
    parser.add_argument(
        "--undefined",
        choices=("null", "missing", "404"),
        default="null",
        help="how a price that does not exist yet is answered",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="what goes wrong, repeatable; the names are in include/simulator/faults.py",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"no time zone is called {text!r}") from error


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1
    if not 0 <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of deals a second")
    return rate


def _budget(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number of requests")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
