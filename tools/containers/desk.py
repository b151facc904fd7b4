"""What a person would look at in a running installation: Airflow's API, the warehouse, the audit, the files."""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg2

from include.errors import TransientError
from include.local import airflow
from tools.containers.report import DrillError, expect
from tools.containers.stack import Running, Stack
from tools.database import Database

AUDIT = ("python", "-m", "include.commands.audit")
_RUN_SECONDS = 300.0


@dataclass
class Landed:
    """What one capture instance landed.

    Attributes:
        messages: Message to when it was received.
        events: Names of the journal's events, in order.
    """

    messages: dict[str, datetime] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)


class Desk:
    """Looks at a stack from outside."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._api: airflow.Api | None = None

    # --- Airflow

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API as admin; None while it does not answer, or not as asked."""
        try:
            if (api := self._api) is None:
                url = f"http://127.0.0.1:{self.stack.airflow_port}"
                api = airflow.Api(url, self.stack.secrets()["ADMIN_PASSWORD"])
                api.login()
                self._api = api
            return api.call(method, f"/api/v2/{path}", body)
        except TransientError:
            self._api = None
            return None

    def trigger(self) -> str:
        """Starts a run of refresh_pnl as soon as Airflow takes it; its id."""
        run = self.stack.report.wait_for(
            lambda: self.call("POST", "dags/refresh_pnl/dagRuns", {"logical_date": None}),
            _RUN_SECONDS,
            "Airflow to take a run",
        )
        return str(run["dag_run_id"])

    def finish(self, run: str) -> None:
        """Waits until that run has succeeded.

        Raises:
            DrillError: It failed.
        """

        def state() -> str | None:
            found = self.call("GET", f"dags/refresh_pnl/dagRuns/{run}")
            return found["state"] if found and found["state"] in ("success", "failed") else None

        ended = self.stack.report.wait_for(state, _RUN_SECONDS, f"refresh_pnl {run}")
        expect(ended == "success", f"the run {run} of refresh_pnl ended as {ended}")

    def hosts(self, run: str) -> set[str]:
        """Where the tasks of a run of refresh_pnl ran."""
        found = self.stack.report.wait_for(
            lambda: self.call("GET", f"dags/refresh_pnl/dagRuns/{run}/taskInstances"), 60, "the task instances"
        )
        return {task["hostname"] for task in found["task_instances"] if task["hostname"]}

    # --- warehouse

    @contextmanager
    def warehouse(self, role: str = "pipeline") -> Iterator[Database]:
        """The published port, as the role of the jobs or another one."""
        password = self.stack.secrets()[f"{role.upper()}_PASSWORD"]
        url = f"postgresql://{role}:{password}@127.0.0.1:{self.stack.warehouse_port}/warehouse"
        with closing(Database(url)) as database:
            yield database

    def value(self, sql: str, parameters: Any = None) -> Any:
        """One value of the warehouse; None while it cannot be asked."""
        try:
            with self.warehouse() as database:
                return database.value(sql, parameters)
        except psycopg2.Error:
            return None

    def gaps(self, since: datetime) -> int:
        """How many times no capture instance was connected, as far as is loaded."""
        found = self.value("SELECT count(*) FROM ops.capture_gaps WHERE gap_end_at > %s", (since,))
        expect(found is not None, "the warehouse cannot be asked for its gaps")
        return int(found)

    # --- nothing lost, nothing twice

    def audit(self) -> str:
        """Audits all landing files within a container, and that PnL counts each trade once; the sums in words.

        Raises:
            DrillError: Something does not add up.
        """
        printed = self.stack.run_in(self.stack.only("scheduler"), *AUDIT)
        *_, sums, verdict = printed.splitlines()
        expect(verdict == "every captured line is accounted for", printed)
        counted = (
            "SELECT (SELECT coalesce(sum(starting_trade_count), 0) FROM curated.pnl_hourly)"
            " = (SELECT count(*) FROM curated.trades)"
        )
        self.stack.report.wait_for(lambda: self.value(counted), 60, "PnL to count each trade once")
        return sums.split(" = ")[0]

    def refresh_and_audit(self) -> str:
        """A run that succeeds, then the audit."""
        self.finish(self.trigger())
        return self.audit()

    def landed(self) -> dict[tuple[str, str], Landed]:
        """What each capture instance has landed so far, by host and writer, from the files themselves."""
        holder = next(iter(self.stack.containers("capture")), None)
        if holder is None:
            raise DrillError("no capture is there")
        found: dict[tuple[str, str], Landed] = {}
        for _, content in sorted(_landed(self.stack, holder)):
            landed = Landed()
            for text in content.splitlines():
                entry = json.loads(text)
                if entry.get("event") == "opened":  # the first line of each file
                    landed = found.setdefault((entry["host"], entry["writer"]), landed)
                if "event" in entry:
                    landed.events.append(entry["event"])
                elif "raw" in entry:
                    landed.messages[entry["raw"]] = datetime.fromisoformat(entry["received_at"])
        return found


def _landed(stack: Stack, holder: Running) -> Iterator[tuple[str, bytes]]:
    """Landing files of trades: name and whole lines."""
    done = subprocess.run(
        ["docker", "exec", holder.id, "tar", "-C", "/var/lib/desk/landing", "-cf", "-", "trades"],
        env=stack.environment,
        capture_output=True,
        check=False,
    )
    expect(done.returncode in (0, 1), f"tar: {done.stderr.decode(errors='replace')}")  # 1: grew meanwhile
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            if member.name.endswith(".jsonl") and (file := archive.extractfile(member)) is not None:
                content = file.read()
                yield member.name, content[: content.rfind(b"\n") + 1]


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)
