"""Tells Airflow about our timetables."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration import timetable


class TimetablesPlugin(AirflowPlugin):
    """Registers our timetables, so that the scheduler can read them back."""

    name = "timetables"
    timetables = (
        timetable.ByHandTimetable,
        timetable.CronTimetable,
        timetable.DayTimetable,
        timetable.EndlessTimetable,
        timetable.FinalDaysTimetable,
        timetable.HourTimetable,
    )
