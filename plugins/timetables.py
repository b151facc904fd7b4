"""Tells Airflow about the timetable of the hour windows."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration.timetable import HourTimetable


class TimetablesPlugin(AirflowPlugin):
    """Registers HourTimetable, so that the scheduler can read it back."""

    name = "timetables"
    timetables = (HourTimetable,)
