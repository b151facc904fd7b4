"""Processes of Airflow that do not serve the trading desk, and a server that is told to stop."""

import os
import signal
import subprocess
import sys

import requests

from include.dashboard.service import STREAM_SECONDS
from include.settings import PROJECT_ROOT


def test_other_processes_of_airflow_do_not_build_it() -> None:
    code = "import plugins.trading_desk, sys; sys.exit('include.dashboard.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0


def test_who_listens_does_not_keep_the_server_from_stopping(warehouse_url: str) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.bench.processes.desk"],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_URL": warehouse_url},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/api/v1/events"
        with requests.get(url, stream=True, timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith(b"retry")
            server.send_signal(signal.SIGINT)
            for _ in lines:
                pass  # until the stream ends
            server.wait(timeout=STREAM_SECONDS + 20)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
