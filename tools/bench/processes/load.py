"""Runs the job that loads trades once and reports its counts, seconds and peak memory as JSON."""

import json
import sys
import time

from include.jobs import load_trades
from include.load import processes
from include.settings import Settings
from tools.bench.memory import peak_bytes

if __name__ == "__main__":
    if "--alone" in sys.argv[1:]:
        processes.MAX_PROCESSES = 1
    began = time.perf_counter()
    counts = load_trades.run(Settings.from_environment())
    seconds = time.perf_counter() - began
    json.dump({"counts": counts, "seconds": seconds, "peak_bytes": peak_bytes()}, sys.stdout)
