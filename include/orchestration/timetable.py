"""The hour timetable: every run, scheduled or by hand, stands for one whole UTC hour that has ended."""

from airflow.timetables.base import DataInterval
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum import DateTime, now


class HourTimetable(CronDataIntervalTimetable):
    """Runs at each full hour for the hour that has just ended; catches up by backfill, not by itself.

    Differs from its parent in manual runs: a run with logical date 05:00 is about 05:00-06:00, as a
    scheduled or backfilled run of that logical date would be, and not about the hour before, which would
    silently take the slot of 05:00. When that hour has not ended, it is about the last one that has.
    """

    def __init__(self, cron: str = "0 * * * *", timezone: str = "UTC") -> None:
        super().__init__(cron, timezone=timezone)

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        start = self._align_to_prev(run_after)
        end = self._get_next(start)
        if end > now("UTC"):
            start, end = self._get_prev(start), start
        return DataInterval(start=start, end=end)
