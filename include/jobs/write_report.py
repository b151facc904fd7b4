"""Writes the report of a delivery day to finance as a spreadsheet."""

from datetime import date

from include import day_report
from include.settings import Settings


def run(settings: Settings, delivery_day: date) -> dict[str, object]:
    """Writes the file of the day's last revision below REPORT_ROOT; again the same.

    Returns:
        The file, the revision (0: preliminary) and the number of open points.

    Raises:
        TerminalError: The folder cannot be written.
        TransientError: The warehouse cannot be reached.
    """
    report = day_report.read(settings, delivery_day)
    path = report.write(settings.report_root)
    return {"file": str(path), "revision": report.revision, "open_points": report.open_count}
