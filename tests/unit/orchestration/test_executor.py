"""What the scheduler has imported when it forks its workers, and what nobody else imports."""

import json
import os
import subprocess
import sys

_PROBE = """
import json, os, sys
from airflow.executors.local_executor import LocalExecutor
from include.orchestration.executor import PreloadingLocalExecutor
LocalExecutor.start = lambda self: print(json.dumps([
    before, "great_expectations" in sys.modules, "include.jobs" in sys.modules,
    len(os.listdir("/proc/self/task")),
]))
before = "great_expectations" in sys.modules
PreloadingLocalExecutor(parallelism=1).start()
"""


def test_the_libraries_are_there_before_the_first_fork_and_only_then() -> None:
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    environment["AIRFLOW_HOME"] = os.environ["AIRFLOW_HOME"]
    result = subprocess.run(
        [sys.executable, "-c", _PROBE], env=environment, capture_output=True, text=True, check=True
    )
    before, is_preloaded, has_our_jobs, threads = json.loads(result.stdout.splitlines()[-1])
    assert not before, "the api-server and the command line import the executor too"
    assert is_preloaded
    assert not has_our_jobs, "a changed job must not need a restart of the scheduler"
    assert threads == 1, "a process with threads must not fork"


_ENDLESS = """
import multiprocessing, signal, time
from airflow.executors import local_executor
from include.orchestration import executor as ours

class Workload:
    key = display_name = "capture_trades"
    running_state = None

def run(*_, **__):  # as the supervisor of a task: the signal is handed on, and the task does not end
    signal.signal(signal.SIGTERM, lambda *_: print("told", flush=True))
    running.set()
    while True:
        time.sleep(1)

running = multiprocessing.Event()
local_executor.BaseExecutor.run_workload = run
ours.FINISH_SECONDS = ours.KILL_SECONDS = 0.5
executor = ours.PreloadingLocalExecutor(parallelism=2)
executor.start()
executor.activity_queue.put(Workload())
assert running.wait(30)
executor.end()
print("ended")
"""


def test_a_scheduler_ends_although_a_task_does_not() -> None:
    """It does when it lost its database; as long as it waits for its tasks, nothing is scheduled."""
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"]}
    result = subprocess.run(
        [sys.executable, "-c", _ENDLESS], env=environment, capture_output=True, text=True, timeout=100
    )
    said = [line for line in result.stdout.splitlines() if line in ("told", "ended")]
    assert said == ["told", "ended"], result.stderr[-1000:]
