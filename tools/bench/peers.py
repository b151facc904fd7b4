"""Other ways to bring the same landing files into a table, each trade once, in the same types."""

import json
import logging
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from include.settings import PROJECT_ROOT
from tools.bench.measures import Measure, WrongResultError, median_of
from tools.bench.warehouses import Warehouses

log = logging.getLogger(__name__)

_PEERS = ("execute_values", "to_sql", "dlt")
_DLT = "dlt[postgres]==1.31.0"


def measure(warehouses: Warehouses, repeats: int, folder: Path) -> list[Measure]:
    """Ours and each peer in turns, each into an empty warehouse; lines a second.

    dlt is installed into an environment of its own, which needs a package index; without one it is left out.

    Raises:
        WrongResultError: A peer stored another number of trades.
    """
    pythons = dict.fromkeys(_PEERS[:2], sys.executable)
    if dlt := _environment(folder / "peers"):
        pythons["dlt"] = dlt
    data, rates = warehouses.dataset, dict[str, list[float]]()
    for number in range(1, repeats + 1):
        with warehouses.empty() as url:
            rates.setdefault("ours", []).append(data.line_count / warehouses.load(url).seconds / 1000)
        for name, python in pythons.items():
            with warehouses.empty() as url:
                rates.setdefault(name, []).append(data.line_count / _load(python, name, url, warehouses) / 1000)
        log.info(
            "peers %d of %d: %s", number, repeats, {name: f"{of[-1]:.1f}k/s" for name, of in rates.items()}
        )
    ours = rates.pop("ours")
    return [median_of(f"load_trades, limit: {name}", "k/s", of, ours) for name, of in rates.items()]


def _environment(folder: Path) -> str | None:
    """A Python with dlt, or None if it cannot be installed."""
    venv.create(folder, with_pip=not shutil.which("uv"))
    python = str(folder / "bin/python")
    if uv := shutil.which("uv"):
        install = [uv, "pip", "install", "--quiet", "--python", python, _DLT]
    else:
        install = [python, "-m", "pip", "install", "--quiet", _DLT]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        log.warning("dlt cannot be installed, it is left out: %s", done.stderr.strip()[-300:])
        return None
    return python


def _load(python: str, name: str, url: str, warehouses: Warehouses) -> float:
    """Seconds of one load by a peer."""
    done = subprocess.run(
        [
            python,
            str(PROJECT_ROOT / "tools/bench/processes/peer.py"),
            name,
            str(warehouses.dataset.landing_root),
            url,
        ],
        env=os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    data = warehouses.dataset
    if not 0 <= found["trades"] - data.trade_count <= data.malformed_count:  # they have no rules of their own
        raise WrongResultError(f"{name} stored {found['trades']} of {data.trade_count} trades")
    return float(found["seconds"])
