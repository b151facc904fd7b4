"""The axes of the charts follow what is shown: another trader, another day, a day that grows, another size."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import MARCH_CHANGE, MARKET, NOW, OCTOBER_CHANGE, TODAY, Payload, Scene, stamp

RECORD = """
const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    this.canvas.drawn = [];
    return clearRect.apply(this, box);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
    this.canvas.drawn.push({ text, x: x / devicePixelRatio, y: y / devicePixelRatio, align: this.textAlign });
    return fillText.call(this, text, x, y, ...more);
};
"""
"""Notes the texts that a canvas shows: the labels of the axes are among them, and where they stand."""

TOP, BOTTOM = 8, 168 - 24
"""Of a drawing, between its padding and the labels of the time axis, px."""

SMALL, LARGE = "flex_trader_1", "flex_trader_2"


def labels(page: Page, chart: str, align: str) -> list[dict[str, Any]]:
    drawn = page.locator(f"#picture-{chart} canvas").evaluate("canvas => canvas.drawn ?? []")
    return [each for each in drawn if each["align"] == align]


def number(label: str) -> float:
    """A label as the axis writes it: `-1,250` or `-12.5k`."""
    return float(label.replace(",", "").removesuffix("k")) * (1000 if label.endswith("k") else 1)


def value_range(page: Page, chart: str) -> tuple[float, float]:
    """The values at the lower and the upper edge of a drawing, by the labels of its axis."""
    ticks = [(each["y"], number(each["text"])) for each in labels(page, chart, "right")]
    (y_low, low), (y_high, high) = max(ticks), min(ticks)
    per_pixel = (high - low) / (y_low - y_high)
    return low - (BOTTOM - y_low) * per_pixel, high + (y_high - TOP) * per_pixel


def times(page: Page, chart: str) -> list[str]:
    return [each["text"] for each in labels(page, chart, "center")]


def is_fitted(page: Page, chart: str, values: list[float]) -> bool:
    """Whether all values lie in the drawing and use most of its height."""
    low, high = value_range(page, chart)
    room = (high - low) * 0.01
    used = max(values) - min(values)
    return low - room <= min(values) and max(values) <= high + room and used >= 0.5 * (high - low)


def wait_fitted(page: Page, chart: str, values: list[float]) -> None:
    for _ in range(50):
        if labels(page, chart, "right") and is_fitted(page, chart, values):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{chart}: {min(values)} to {max(values)} is drawn on {value_range(page, chart)}")


NAMES = {
    "pnl": "pnl_eur",
    "day": "",
    "prices": "average_price_eur_per_mwh",
    "position": "net_position_mwh",
    "history": "",
}


def values_of(rows: list[Payload], history: list[Payload]) -> dict[str, list[float]]:
    """What each chart draws."""
    result = {
        chart: [float(row[name]) for row in rows if row[name] is not None]
        for chart, name in NAMES.items()
        if name
    }
    for chart in ("pnl", "position"):
        result[chart].append(0)  # bars stand on zero
    result["day"] = [sum(result["pnl"][: i + 1]) for i in range(len(result["pnl"]) - 1)]
    result["history"] = [float(point["priced_pnl_eur"]) for point in history]
    return result


def scaled(rows: list[Payload], factor: int) -> list[Payload]:
    names = (
        "pnl_eur",
        "net_position_mwh",
        "average_price_eur_per_mwh",
        "reference_price_eur_per_mwh",
        "priced_pnl_eur",
    )
    return [
        row
        | {name: f"{Decimal(row[name]) * factor:f}" for name in names if name in row and row[name] is not None}
        for row in rows
    ]


def large_and_small() -> Scene:
    """A trader whose numbers are a thousand times those of another one."""
    return scenes.busy_day(
        rows=lambda day, trader: scaled(scenes.whole_day(day, SMALL), 1 if trader == SMALL else 1000)
    )


def recorded(visit: Open, scene: Scene, path: str = "", **options: Any) -> Visit:
    return visit(scene, path, script=RECORD, **options)


def choose(shown: Visit, trader: str) -> None:
    scene = shown.desk.scene
    scene.history = scenes.history_of(scene.rows(TODAY, trader))
    shown.page.get_by_role("combobox", name="Trader").select_option(trader)
    expect(shown.page.locator("#heading")).to_contain_text(trader)


def expect_fitted(shown: Visit, rows: list[Payload], history: list[Payload]) -> None:
    for chart, values in values_of(rows, history).items():
        wait_fitted(shown.page, chart, values)


def test_axes_follow_the_trader(visit: Open) -> None:
    shown = recorded(visit, large_and_small())
    for trader in (LARGE, SMALL, LARGE):
        choose(shown, trader)
        expect_fitted(shown, shown.desk.scene.rows(TODAY, trader), shown.desk.scene.history)


def test_axes_grow_with_the_day(visit: Open) -> None:
    scene = scenes.busy_day()
    rows = scenes.whole_day(TODAY)
    small = scaled(rows[:3], 1)
    scene.rows = lambda day, trader: small
    start = NOW - timedelta(hours=6)
    scene.now = start
    scene.history = [point for point in scenes.history_of(rows) if point["at"] < stamp(start)]
    shown = recorded(visit, scene)
    assert times(shown.page, "history")[-1] < "08:00"
    scene.now = NOW
    whole = scaled(rows, 50)
    scene.rows = lambda day, trader: whole
    scene.history = scaled(scenes.history_of(rows), 50)
    shown.desk.tell()
    expect_fitted(shown, whole, scene.history)
    assert times(shown.page, "history")[-1] >= "12:00"


def test_axes_follow_the_day(visit: Open) -> None:
    shown = recorded(visit, large_and_small(), f"?trader={SMALL}")
    assert times(shown.page, "pnl") == [f"{hour:02}" for hour in range(0, 24, 3)]
    for day, hours in ((MARCH_CHANGE, 23), (OCTOBER_CHANGE, 24), (MARCH_CHANGE, 23), (TODAY, 24)):
        shown.page.locator("#day").fill(day.isoformat())
        expect(shown.page.locator("#hours-table tbody tr")).to_have_count(hours)
        for chart, values in values_of(shown.desk.scene.rows(day, SMALL), []).items():
            if values:
                wait_fitted(shown.page, chart, values)
        # no place of an hour is empty, none is outside: as many as there are hours fill the width
        drawn = labels(shown.page, "position", "center")
        hours_of_day = [period.delivery_hour[:2] for period in MARKET.hours_of(day)]
        step = hours_of_day.index(drawn[1]["text"])
        width = shown.page.locator("#picture-position .u-over").evaluate("over => over.clientWidth")
        assert (drawn[1]["x"] - drawn[0]["x"]) / step * (hours + 0.2) == pytest.approx(width, abs=4)


def test_a_day_that_was_empty_gets_its_axes(visit: Open) -> None:
    scene = large_and_small()
    rows = scene.rows
    scene.rows = lambda day, trader: [] if day == TODAY else rows(day, LARGE)
    shown = recorded(visit, scene, f"?day={TODAY - timedelta(days=1)}")
    shown.page.get_by_role("button", name="Day after").click()
    expect(shown.page.locator("#empty")).to_be_visible()
    scene.rows = lambda day, trader: rows(day, SMALL)
    scene.history = scenes.history_of(rows(TODAY, SMALL))
    shown.desk.tell()
    expect(shown.row("12-13")).to_be_visible()
    expect_fitted(shown, rows(TODAY, SMALL), scene.history)


def test_axes_follow_a_moment_of_the_past_and_back(visit: Open) -> None:
    scene = large_and_small()
    shown = recorded(visit, scene, "?as_of=2026-11-25T10:00:00Z")
    rows = scene.rows
    small = rows(TODAY, SMALL)
    scene.rows = lambda day, trader: small
    scene.history = scenes.history_of(small)
    shown.page.get_by_role("button", name="Back to now").click()
    expect(shown.page.locator("#as-of")).to_be_hidden()
    expect_fitted(shown, small, scene.history)


def test_charts_that_changed_while_another_view_was_open_are_right_after(visit: Open) -> None:
    scene = large_and_small()
    shown = recorded(visit, scene)
    small = scene.rows(TODAY, SMALL)
    shown.page.get_by_role("tab", name="Health").click()
    expect(shown.page.locator("#health-lines")).to_contain_text("capture-service")
    scene.rows = lambda day, trader: small
    scene.history = scenes.history_of(small)
    shown.page.set_viewport_size({"width": 800, "height": 900})
    shown.desk.tell()
    shown.page.get_by_role("tab", name="Desk").click()
    expect_fitted(shown, small, scene.history)
    for drawing in shown.page.locator(".drawing").all():
        width = drawing.evaluate("each => each.clientWidth")
        expect(drawing.locator(".uplot")).to_have_css("width", f"{width}px")


def test_charts_follow_the_width(visit: Open) -> None:
    shown = recorded(visit, scenes.busy_day())
    for width in (700, 1900, 390):
        shown.page.set_viewport_size({"width": width, "height": 900})
        for drawing in shown.page.locator(".drawing").all():
            expected = drawing.evaluate("each => each.clientWidth")
            expect(drawing.locator(".uplot")).to_have_css("width", f"{expected}px")


def test_no_scale_of_one_unit_stands_beside_another(visit: Open) -> None:
    shown = recorded(visit, scenes.busy_day())
    expect(shown.page.locator(".picture")).to_have_count(5)
    for chart in NAMES:
        assert labels(shown.page, chart, "left") == []  # an axis on the right
        assert labels(shown.page, chart, "right") != []
    expect(shown.page.locator("#picture-day-sentence")).to_contain_text("-40.10 EUR after 20-21")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        # the clocks go forward at 02:00 on 29 March, back at 03:00 on 25 October
        ("2026-03-28T14:00:00Z", "2026-03-29T19:30:00Z", ["18:00", "29 Mar", "06:00", "12:00", "18:00"]),
        ("2026-10-24T14:00:00Z", "2026-10-25T19:30:00Z", ["18:00", "25 Oct", "06:00", "12:00", "18:00"]),
        ("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z", ["02:00", "02:00", "03:00"]),
        ("2026-11-20T14:00:00Z", "2026-11-25T10:00:00Z", ["21 Nov", "22 Nov", "23 Nov", "24 Nov", "25 Nov"]),
    ],
)
def test_times_are_round_in_market_time(visit: Open, first: str, last: str, expected: list[str]) -> None:
    scene = scenes.busy_day()
    scene.history = [
        {"at": at, "pnl_eur": pnl, "priced_pnl_eur": pnl, "cause": "new trades"}
        for at, pnl in ((first, "1"), (last, "2"))
    ]
    scene.now = datetime.fromisoformat(last)
    shown = recorded(visit, scene, "?day=2026-03-29")
    assert times(shown.page, "history") == expected
