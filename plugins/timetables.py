"""Tells Airflow about the timetable of the hour windows."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration.timetable import DayTimetable, HourTimetable


class TimetablesPlugin(AirflowPlugin):
    """Registers our timetables, so that the scheduler can read them back."""

    name = "timetables"
    timetables = (HourTimetable, DayTimetable)
