"""Lets an engineer decide on a blocked batch: `python -m include.commands.review list | accept | discard`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from include.errors import TerminalError, TransientError
from include.expectations.review import accept_batch, discard_batch, list_blocked
from include.settings import command_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 after an error, which is one line."""
    parser = argparse.ArgumentParser(prog="python -m include.commands.review", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="show the blocked batches and what they break")
    for action, explanation in (
        ("accept", "let a blocked batch count as it is"),
        ("discard", "move its rows to ops.rejected_messages"),
    ):
        parsed = actions.add_parser(action, help=explanation)
        parsed.add_argument("id", type=int, metavar="ID", help="load_batch_id, as `list` shows it")
        parsed.add_argument("--reason", required=True, help="why, for whoever reads it later")
    given = parser.parse_args(arguments)
    try:
        if given.action == "accept":
            accept_batch(command_settings(), given.id, given.reason)
            text = f"batch {given.id} is accepted: the next build takes it in"
        elif given.action == "discard":
            count = discard_batch(command_settings(), given.id, given.reason)
            text = f"batch {given.id} is discarded: {count} rows moved to ops.rejected_messages"
        else:
            text = "\n".join(map(_described, list_blocked(command_settings()))) or "no batch is blocked"
    except (TerminalError, TransientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _described(batch: dict[str, Any]) -> str:
    lines = [
        f"batch {batch['load_batch_id']}: {batch['loaded_count']} rows and {batch['rejected_count']} rejects"
        f" of {batch['source']} from {batch['landing_file']}"
    ]
    lines += [f"  expected that {broken}" for broken in batch["broken"] or []]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
