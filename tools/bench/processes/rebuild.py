"""Runs a rebuild once and reports its counts, the seconds of each stage and its peak memory as JSON."""

import json
import logging
import sys
import time

from include.jobs.rebuild_steps import STEPS
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from tools.bench.memory import peak_bytes


def main(rebuild_id: str, first: str, last: str, reload: bool) -> None:
    """Runs it; the log goes to standard error."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING)
    for name in ("include.jobs", "include.expectations.acceptance"):
        logging.getLogger(name).setLevel(logging.INFO)
    # made histories hold late trades on purpose
    logging.getLogger("include.expectations.validation").setLevel(logging.ERROR)
    settings, stages = Settings.from_environment(), dict[str, float]()
    rebuild = Rebuild(rebuild_id, DeliveryDays.parse(first, last), reload)
    began = time.perf_counter()
    for step in STEPS:
        since = time.perf_counter()
        summary = step(settings, rebuild)
        stages[step.__name__] = time.perf_counter() - since
        logging.getLogger("include.jobs").info("%s, %.1f s: %s", step.__name__, stages[step.__name__], summary)
        if step.__name__ == "rebuild_pnl":
            counts = summary
    ended = time.perf_counter()
    json.dump(
        {"counts": counts, "seconds": ended - began, "stages": stages, "peak_bytes": peak_bytes()}, sys.stdout
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], "--reload" in sys.argv[4:])
