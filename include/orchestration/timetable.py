"""Airflow's timetables, with runs by hand that do at once what their date says, or are refused."""

from typing import Any

from airflow.serialization.encoders import ensure_serialized_asset
from airflow.timetables.base import DataInterval, Timetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.simple import ContinuousTimetable, NullTimetable, PartitionedAssetTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.utils.types import DagRunType
from pendulum import DateTime, now

from include.orchestration.assets import pnl_daily
from include.orchestration.windows import CLOCKS_AGREE_TO, START_AT
from include.settings import Settings


class _AtOnce(Timetable):
    """Refuses a run by hand that would do nothing although Airflow shows it as running, or as green.

    Until its date has come such a run starts no task, takes one of the places of runs that are under way (the
    only one of capture_trades) and that of the scheduled run with its date, which would then never come. Before
    START_AT it has no tasks at all, and Airflow calls that a success.
    """

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """The moment of the date.

        Raises:
            ValueError: It is such a date. REST answers 400 with this text, and the trigger form shows it.
        """
        present = now("UTC")
        is_whole_minute = run_after.second == run_after.microsecond == 0
        if run_after > present + CLOCKS_AGREE_TO or (run_after > present and is_whole_minute):
            raise ValueError(
                f"The logical date {run_after:%Y-%m-%dT%H:%M:%SZ} lies in the future: the run would do nothing"
                " until then, and keep others from running. Trigger it when the time has come, with the date as"
                " it is (now) or none at all."
            )
        _require_begun(run_after)
        return DataInterval.exact(run_after)


class CronTimetable(_AtOnce, CronTriggerTimetable):
    """Runs at the moments of a cron expression."""


class EndlessTimetable(_AtOnce, ContinuousTimetable):
    """`@continuous`: as soon as a run has ended, the next one begins."""


class ByHandTimetable(_AtOnce, NullTimetable):
    """Never by itself."""


class FinalDaysTimetable(_AtOnce, PartitionedAssetTimetable):
    """A run for each event of an asset; its partition key is the day."""


class _IntervalTimetable(CronDataIntervalTimetable):
    """Runs for the interval that has just ended; catches up by backfill, not by itself.

    Differs from its parent in manual runs: a run with logical date 05:00 is about 05:00-06:00, as a
    scheduled or backfilled run of that logical date would be, and not about the hour before, which would
    silently take the place of 05:00. A date within the hour that is under way ("now", as the trigger form
    fills it in) means the last hour that has ended.
    """

    unit: str
    """What a run stands for."""

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """The hour that a manual run with this logical date is about.

        Raises:
            ValueError: The date is in the future, or it is the start of the hour that is under way: that is
                the place of this hour's scheduled run, which would then never come. Or it is before START_AT.
                REST answers 400 with this text, and the trigger form shows it.
        """
        _require_begun(run_after)
        present = now("UTC")
        start = self._align_to_prev(run_after)
        end = self._get_next(start)
        if end <= present:
            return DataInterval(start=start, end=end)
        if run_after == start or run_after > present + CLOCKS_AGREE_TO:
            raise ValueError(
                f"The {self.unit} {start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC has not ended. The"
                f" schedule runs it at {end:%H:%M}; a run with the logical date {run_after:%Y-%m-%dT%H:%M:%SZ}"
                f" would take its place. Give a date in one that has ended, or none at all for the"
                f" last complete {self.unit}."
            )
        end = self._align_to_prev(present)
        return DataInterval(start=self._get_prev(end), end=end)


class HourTimetable(_IntervalTimetable):
    """Runs at each full hour for the hour that has just ended."""

    unit = "hour"

    def __init__(self, cron: str = "0 * * * *", timezone: str = "UTC") -> None:
        super().__init__(cron, timezone=timezone)

    def generate_run_id(
        self, *, run_type: DagRunType, run_after: DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Names a manual run after its hour and the moment of the trigger; other runs as Airflow does.

        A run without a logical date keeps Airflow's name: its param `hour`, which is not known here, may say
        what it is about.
        """
        if run_type != DagRunType.MANUAL or data_interval is None:
            return super().generate_run_id(
                run_type=run_type, run_after=run_after, data_interval=data_interval, **extra
            )
        start, end = data_interval.start.in_timezone("UTC"), data_interval.end.in_timezone("UTC")
        return run_type.generate_run_id(
            suffix=f"{start:%Y-%m-%dT%H:%M}Z--{end:%H:%M}Z__{run_after.isoformat()}"
        )


class DayTimetable(_IntervalTimetable):
    """Runs at 00:15 market time for the day that has just ended; its logical date is 00:15 of that day.

    Airflow names its runs: the params of a manual run, which are not known here, may say another day.
    """

    unit = "day"

    def __init__(self, cron: str = "15 0 * * *", timezone: str = "UTC") -> None:
        super().__init__(cron, timezone=timezone)


def days_of_market(settings: Settings) -> DayTimetable:
    """The timetable in the market's zone."""
    return DayTimetable(timezone=settings.market.timezone.key)


def final_days_of_market(settings: Settings) -> FinalDaysTimetable:
    """A run for each delivery day of the market that is announced as final."""
    return FinalDaysTimetable(assets=ensure_serialized_asset(pnl_daily(settings)))


def _require_begun(date: DateTime) -> None:
    if date < START_AT:
        raise ValueError(
            f"The logical date {date:%Y-%m-%d} is before {START_AT:%Y-%m-%d}: give a later one or none."
        )
