"""Waits for the exchange's end-of-day file in the triggerer, without a worker slot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings
from include.orchestration.outcomes import recorded
from include.orchestration.windows import resolve_statement
from include.settings import Settings
from include.statement_files import look_for, named_statement, statement_due_at

_LOOKS_EVERY_SECONDS = 10.0
_TRIGGERER_IS_DOWN = timedelta(minutes=10)
"""So long after the deadline Airflow itself ends the wait."""
_GRACE = timedelta(minutes=2)
"""For a file that is still being written when a run begins after the deadline."""


class StatementSensor(BaseSensorOperator):
    """Succeeds when the file of the run's day is in STATEMENT_FOLDER; skips the run if no folder is set.

    It looks once, and if there is no file it defers. At 08:00 market time of the next day it fails without a
    retry: the file is missing. A run that is later than that looks once. The schedule's first run, for a day
    before the platform first ran, is skipped.
    """

    def execute(self, context: Any) -> dict[str, str]:
        return self._outcome(context, has_waited=False)

    def resume(self, context: Any, event: Any = None) -> dict[str, str]:
        """What comes after the wait."""
        return self._outcome(context, has_waited=True)

    def _outcome(self, context: Any, *, has_waited: bool) -> dict[str, str]:
        """Records how it ends in ops.task_runs; the wait itself is no try."""
        settings = airflow_settings(context["dag"].dag_id)
        try:
            summary = self._look(context, settings, has_waited)
        except TerminalError as error:
            with recorded(context, settings):
                raise AirflowFailException(str(error)) from error
        with recorded(context, settings) as outcome:
            outcome.summary = summary
        if "skipped" in summary:
            raise AirflowSkipException(summary["skipped"])
        return summary

    def _look(  # noqa: RET503 - defer() does not return
        self, context: Any, settings: Settings, has_waited: bool
    ) -> dict[str, str]:
        folder = settings.statement_folder
        if folder is None:
            return {"skipped": "STATEMENT_FOLDER is not set: there are no end-of-day files to wait for"}
        day, name = resolve_statement(context, settings.market.timezone)
        if name is not None:
            return {"day": f"{day}", "file": named_statement(folder, name).name}
        now = datetime.now(UTC)
        file, is_whole = look_for(folder, day, now)
        if file is not None and is_whole:
            return {"day": f"{day}", "file": file.name}
        until = statement_due_at(day, settings.market.timezone)
        if file is not None and not has_waited:
            until = max(until, now + _GRACE)
        if until <= now:
            from include.jobs.load_statement import has_run_by

            if context["dag_run"].run_type == "scheduled" and not has_run_by(settings, day):
                return {"skipped": f"the platform first ran after {day}: it has captured nothing of that day"}
            raise TerminalError(
                f"no file with {day:%Y%m%d} or {day} in its name was in STATEMENT_FOLDER ({folder}) at"
                f" {until:%Y-%m-%d %H:%M} UTC: get the end-of-day file from the exchange, and clear this task"
            )
        self.log.info("waiting in %s for the file of %s until %s", folder, day, until)
        self.defer(
            trigger=StatementTrigger(str(folder), f"{day}", until.isoformat()),
            method_name="resume",
            timeout=until - now + _TRIGGERER_IS_DOWN,
        )


class StatementTrigger(BaseTrigger):
    """Fires when the file of a day is there and no longer changes, or when the time is up.

    Args:
        folder: Where it will appear.
        day: `YYYY-MM-DD`.
        until: ISO 8601 with its zone.
    """

    def __init__(self, folder: str, day: str, until: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder, self.day, self.until = folder, day, until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes it again."""
        kwargs = {"folder": self.folder, "day": self.day, "until": self.until}
        return f"{__name__}.StatementTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: whether the file is there."""
        folder, day, until = Path(self.folder), date.fromisoformat(self.day), datetime.fromisoformat(self.until)
        while True:
            now = datetime.now(UTC)
            _, is_whole = await asyncio.to_thread(look_for, folder, day, now)
            if is_whole or now >= until:
                break
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)
        yield TriggerEvent(is_whole)  # type: ignore[no-untyped-call]
