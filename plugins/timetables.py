"""Tells Airflow about our timetables."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration.timetable import (
    ByHandTimetable,
    CronTimetable,
    DayTimetable,
    EndlessTimetable,
    FinalDaysTimetable,
    HourTimetable,
)


class TimetablesPlugin(AirflowPlugin):
    """Registers our timetables, so that the scheduler can read them back."""

    name = "timetables"
    timetables = (
        ByHandTimetable,
        CronTimetable,
        DayTimetable,
        EndlessTimetable,
        FinalDaysTimetable,
        HourTimetable,
    )
