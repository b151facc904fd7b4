"""The states in which the page is tested and photographed: a scene, an address, how a browser shows it."""

from collections.abc import Callable
from typing import Any

from tests.dashboard import scenes
from tests.dashboard.scenes import MARCH_CHANGE, OCTOBER_CHANGE, Scene

DARK: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}

MESSAGE = f"?hour=15-16&message={scenes.LANDING_FILE}:118"

STATES: dict[str, tuple[Callable[[], Scene], str, dict[str, Any]]] = {
    "light": (scenes.busy_day, "", {}),
    "dark": (scenes.busy_day, "", DARK),
    "phone": (scenes.incomplete_hours, "", PHONE),
    "one-trader": (scenes.two_rows, "?trader=flex_trader_1", {}),
    "empty": (scenes.nothing_yet, "", {}),
    "not-captured": (scenes.not_captured, "?day=2026-11-24", {}),
    "provider-down": (scenes.provider_down, "", {}),
    "incomplete-hours": (scenes.incomplete_hours, "", {}),
    "fifteen-traders": (
        lambda: scenes.busy_day(scenes.FIFTEEN_TRADERS),
        "",
        {"viewport": {"width": 1360, "height": 1480}},
    ),
    "march-change": (scenes.busy_day, f"?day={MARCH_CHANGE}", {}),
    "october-change": (scenes.busy_day, f"?day={OCTOBER_CHANGE}", {}),
    "one-reason": (scenes.one_reason_for_many_hours, "", {}),
    "hour": (scenes.lively_hour, "?hour=15-16", {"viewport": {"width": 1360, "height": 1100}}),
    "hour-dark": (scenes.lively_hour, "?hour=15-16", DARK | {"viewport": {"width": 1360, "height": 1100}}),
    "hour-phone": (scenes.lively_hour, "?hour=15-16", PHONE),
    "hour-without-trades": (scenes.lively_hour, "", {}),
    "sorted": (scenes.busy_day, "?sort.hours=-pnl_eur&filter.hours=final&sort.traders=pnl_eur", {}),
    "limits": (scenes.limits_reached, "", {"viewport": {"width": 1360, "height": 1600}}),
    "limits-dark": (scenes.limits_reached, "", DARK | {"viewport": {"width": 1360, "height": 1600}}),
    "limits-phone": (scenes.limits_reached, "", PHONE | {"viewport": {"width": 390, "height": 2400}}),
    "message": (scenes.lively_hour, MESSAGE, {}),
    "message-phone": (scenes.lively_hour, MESSAGE, PHONE),
    "statements": (scenes.reconciled_day, "", {"viewport": {"width": 1360, "height": 1900}}),
    "statements-dark": (scenes.reconciled_day, "", DARK | {"viewport": {"width": 1360, "height": 1900}}),
    "statements-phone": (scenes.reconciled_day, "", PHONE | {"viewport": {"width": 390, "height": 2600}}),
    "statements-hour": (scenes.reconciled_day, "?hour=15-16", {}),
    "moment-of-the-past": (scenes.provider_down, "?as_of=2026-11-25T10:00:00Z", {}),
    "server-error": (scenes.busy_day, "", {}),
    "large-numbers": (scenes.large_numbers, "", {}),
    "large-numbers-hour": (scenes.large_numbers, "?hour=15-16", {}),
    "large-numbers-range": (scenes.large_numbers, "?view=range&from=2026-11-16&to=2026-11-24", {}),
    "range": (scenes.ranges, "?view=range", {"viewport": {"width": 1440, "height": 1500}}),
    "range-dark": (scenes.ranges, "?view=range", DARK | {"viewport": {"width": 1440, "height": 1500}}),
    "range-phone": (scenes.ranges, "?view=range", PHONE),
    "range-month": (
        scenes.ranges,
        "?view=range&from=2026-10-01&to=2026-10-31",
        {"viewport": {"width": 1440, "height": 1600}},
    ),
    "range-trader": (scenes.ranges, "?view=range&trader=flex_trader_2", {}),
    "range-empty": (scenes.nothing_yet, "?view=range", {}),
    "health": (scenes.busy_day, "?view=health", {"viewport": {"width": 1360, "height": 1600}}),
    "health-phone": (scenes.busy_day, "?view=health", PHONE),
}

SHOWN = {(make, path): name for name, (make, path, _) in reversed(STATES.items())}
CONTENTS = {name: STATES[name] for name in STATES if name in SHOWN.values()}
"""The states that differ in what they show, not only in how a browser shows it."""
