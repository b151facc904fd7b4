"""A process of `load_in_processes`: loads the files named on its standard input, until that ends."""

import logging
import pickle
import sys

from include.errors import TransientError
from include.load.source import load_each
from include.warehouse.connection import connect


def main() -> None:
    """Reads settings and sink, then lists of files; writes what came of each list, or the error."""
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    settings, sink = pickle.load(orders)
    try:
        with connect(settings.warehouse_url, f"load_{sink.source}") as conn:
            while True:
                try:
                    files = pickle.load(orders)
                except EOFError:  # the parent is done, or dead
                    return
                pickle.dump(list(load_each(conn, files, sink)), answers)
                answers.flush()
    except BrokenPipeError:  # the parent was killed meanwhile; what is loaded is in the ledger
        return
    except TransientError as error:
        pickle.dump(error, answers)
        answers.flush()


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    main()
