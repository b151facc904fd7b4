"""Lists the messages that wait for a person's decision, and records one: `make review`."""

import argparse
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from include.commands.ending import end
from include.domain.rejection import shown
from include.duration import counted
from include.errors import TerminalError
from include.expectations.review import Selection, decide, waiting
from include.settings import command_settings

_WHERE = {
    "quarantined": "in quarantine",
    "unexpected": "that count until they are discarded",
    "cancelled": "that stay cancelled until they are accepted",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.review", description=__doc__)
    parser.add_argument("--action", choices=("accept", "discard"), help="without it, what waits is listed")
    parser.add_argument("--reason", default="", help="why, for those who read it later")
    parser.add_argument(
        "--trade", metavar="ID", help="a quarantined trade; one decided on before is decided again"
    )
    parser.add_argument(
        "--expectation", metavar="TEXT", help="quarantined trades that break it; a part will do"
    )
    parser.add_argument("--reject", metavar="CODE", help="rejects with this reason code")
    parser.add_argument(
        "--file", metavar="PATH", help="what waits in a landing file; the beginning of a path will do"
    )
    parser.add_argument("--line", metavar="N", type=int, help="only this line of the file")
    given = parser.parse_args(arguments)
    settings = command_settings()
    if given.action is None:
        if any(value for name, value in vars(given).items() if name != "action"):
            raise TerminalError("what shall become of it? Give ACTION=accept or ACTION=discard")
        text = "\n".join(_listed(waiting(settings), settings.market_argument)) or "nothing waits for a review"
    else:
        selection = Selection(
            trade_id=given.trade or None,
            expectation=given.expectation or None,
            reason_code=given.reject or None,
            landing_file=given.file or None,
            line_number=given.line,
        )
        text = _decided(given.action, decide(settings, given.action, given.reason, selection))
    sys.stdout.write(f"{text}\n")
    return 0


def _decided(action: str, counts: dict[str, int]) -> str:
    found = [
        counted(counts[name], thing)
        for name, thing in (("trades", "trade"), ("rejects", "reject"))
        if counts[name]
    ]
    hours = counted(counts["hours"], "hour")
    return f"{action}ed: {' and '.join(found)}; the next build takes it in ({hours} of PnL)"


def _listed(messages: list[dict[str, Any]], of_market: str) -> Iterator[str]:
    for (problem, reason), group in groupby(messages, lambda message: (message["problem"], message["reason"])):
        found = list(group)
        count = found[0]["message_count"]
        if problem == "rejected":
            yield f"{counted(count, 'rejected message')}, {reason}:"
            yield from map(_reject, found)
            command = f"make review ACTION=discard REASON=… REJECT={reason}"
        else:
            yield f"{counted(count, 'trade')} {_WHERE[problem]}; expected: {reason}:"
            yield from map(_trade, found)
            part = shlex.quote(without_apostrophes(reason))
            command = f"make review ACTION=accept|discard REASON=… EXPECTATION={part}"
        if count > len(found):
            yield f"  … and {count - len(found):,} more"
        yield f"  decide: {command}{of_market}"


def without_apostrophes(expectation: str) -> str:
    """The longest part without an apostrophe, which a shell would not let stand: a part will do."""
    return max((part.strip() for part in re.split(r"\S*'\S*", expectation)), key=len)


def _trade(message: dict[str, Any]) -> str:
    revision = f" revision {message['revision']}" if message["revision"] else ""
    return (
        f"  TRADE={shlex.quote(shown(message['trade_id']))}{revision}: {message['direction']}"
        f" {message['quantity_mw']:f} MW at {message['price_eur_per_mwh']:f} EUR/MWh,"
        f" {message['delivery_day']} {message['delivery_hour']}, {shown(message['trader_id'])};"
        f" {_place(message)}"
    )


def _reject(message: dict[str, Any]) -> str:
    return f"  {_place(message)}: {shown(message['detail'])}"


def _place(message: dict[str, Any]) -> str:
    return f"FILE={shlex.quote(shown(message['landing_file']))} LINE={message['line_number']}"


if __name__ == "__main__":
    end(main)
