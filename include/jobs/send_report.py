"""Sends the report of a delivery day to finance, each revision once."""

from datetime import date

from include import day_report
from include.health.notices import Notice
from include.health.notify import send_once
from include.settings import Settings


def run(settings: Settings, delivery_day: date, repetition: str = "") -> dict[str, object]:
    """Sends the day's last revision through each channel of REPORT_URLS that has not taken it yet.

    Args:
        repetition: Not empty: it is sent although it was sent before, once for each value of it.

    Returns:
        The number of channels that took it now and the revision; or why nothing is sent, as `skipped`.

    Raises:
        TerminalError: REPORT_ROOT cannot be written.
        TransientError: A channel has not taken it, or the warehouse cannot be reached.
    """
    if not settings.report_urls:
        return {"skipped": "REPORT_URLS is not set: nobody gets the report by mail"}
    report = day_report.read(settings, delivery_day)
    about = f"report {report.market} {delivery_day} revision {report.revision}"
    notice = Notice(
        about=f"{about} {repetition}".strip(),
        kind="report",
        title=report.title,
        text=report.text,
        details={"market": report.market, "delivery_day": f"{delivery_day}", "revision": f"{report.revision}"},
        # written once more: the worker that wrote it may be on another host
        attachment=report.write(settings.report_root),
    )
    return {"sent": send_once(settings, notice, settings.report_urls), "revision": report.revision}
