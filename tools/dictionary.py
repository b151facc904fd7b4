"""Writes docs/data_dictionary.md from a throw-away warehouse with all migrations: `make dictionary`."""

import os
import sys
import tempfile
from pathlib import Path

from include.commands import dictionary
from include.local.postgres import embedded_postgres
from include.warehouse.migrate import migrate


def main() -> int:
    """Makes the warehouse, migrates it and runs the command on it; the command's exit code."""
    with tempfile.TemporaryDirectory() as folder, embedded_postgres(Path(folder), durable=False) as server:
        os.environ["WAREHOUSE_URL"] = server.url("warehouse", "pipeline")
        migrate(os.environ["WAREHOUSE_URL"])
        return dictionary.main()


if __name__ == "__main__":
    sys.exit(main())
