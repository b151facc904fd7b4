"""Limits that were reached, and the positions of hours that can still be traded."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit


def texts(shown: Visit, selector: str) -> list[str]:
    return [" ".join(text.split()) for text in shown.page.locator(selector).all_inner_texts()]


def test_a_limit_is_marked_on_its_row(visit: Open) -> None:
    shown = visit(scenes.limits_reached())
    over, kept = (shown.row(hour).locator("th .limit") for hour in ("15-16", "16-17"))
    expect(over).to_contain_text("over a limit")
    expect(over).to_have_attribute(
        "title",
        "Limit: position +60.0 MWh at 13:12, limit 50;"
        " flex_trader_1: position -60.0 MWh at 13:12, limit 12.5",
    )  # fmt: skip
    expect(kept).to_contain_text("was over a limit")
    expect(shown.page.locator("#hours-table tbody .limit")).to_have_count(2)
    expect(shown.page.locator("#hours-table tfoot .limit")).to_have_count(1)  # the loss is of the whole day
    assert texts(shown, "#limits li") == [
        "▲ over a limit Day: flex_trader_1: loss 1,250.50 EUR at 13:12, limit 1,000",
        "▲ over a limit 15-16: position +60.0 MWh at 13:12, limit 50",
        "▲ over a limit 15-16: flex_trader_1: position -60.0 MWh at 13:12, limit 12.5",
        "▲ was over a limit 16-17: flex_trader_2: position +60.0 MWh at 13:12, limit 50, within it again",
    ]


def test_many_limits_leave_the_table_in_sight(visit: Open) -> None:
    scene = scenes.limits_reached()
    scene.limits = [scenes.limit("15-16", f"trader_{n}") for n in range(50)]
    shown = visit(scene)
    some, rest = shown.page.locator("#limits > li"), shown.page.locator("#limits details li")
    expect(some).to_have_count(6)
    expect(rest).to_have_count(45)
    expect(rest.last).not_to_be_visible()
    shown.page.get_by_text("45 more").click()
    expect(rest.last).to_contain_text("trader_49: position +60.0 MWh at 13:12, limit 50")
    expect(rest.last).to_be_visible()


def test_a_limit_of_many_decimals_and_the_days_of_a_banner(visit: Open) -> None:
    scene = scenes.limits_reached()
    distance = {"measure": "price_distance_eur_per_mwh", "value": "30.1250", "limit_value": "25.125000"}
    scene.limits = [scenes.limit("15-16", None, net_position_mwh=None, **distance)]
    text = (
        "1 limit reached: anna, 2026-11-28 15-16: position of -12.0 MWh, the limit is 10. In date=2026-11-28/a."
    )
    scene.status["troubles"] = [{"code": "limit_reached", "since": None, "text": text}]
    shown = visit(scene)
    assert texts(shown, "#limits li") == [
        "▲ over a limit 15-16: distance from the reference price 30.13 EUR/MWh at 13:12, limit 25.125"
    ]
    expect(shown.page.locator("#troubles")).to_contain_text(text.replace(" 2026-11-28", " Sat, 28 Nov 2026"))


def test_a_value_never_seems_to_be_within_the_limit_that_it_reached(visit: Open) -> None:
    scene = scenes.limits_reached()
    small = {"value": "0.00040", "net_position_mwh": "-0.00040", "limit_value": "0.0001"}
    loss = {"measure": "loss_eur", "value": "1000.001", "limit_value": "1000.001", "net_position_mwh": None}
    scene.limits = [scenes.limit(None, None, **loss), scenes.limit("15-16", None, **small)]
    shown = visit(scene)
    assert texts(shown, "#limits li") == [
        "▲ over a limit Day: loss 1,000.001 EUR at 13:12, limit 1,000.001",
        "▲ over a limit 15-16: position -0.0004 MWh at 13:12, limit 0.0001",
    ]


def test_without_limits_nothing_is_marked(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator(".limit")).to_have_count(0)
    expect(shown.page.locator("#limits")).to_have_count(0)


def test_time_left_to_gate_closure(visit: Open) -> None:
    shown = visit(scenes.busy_day())  # at 13:34; the gate of 13-14 closed at 12:55
    expect(shown.row("14-15").locator(".closes")).to_have_text("closes in 20 min")
    expect(shown.page.locator(".closes")).to_have_count(1)
    figure = shown.page.locator("#figures .figure", has_text="Open position")
    expect(figure).to_contain_text("next gate closure: 14-15 at 13:55, in 20 min")


def test_open_positions_of_each_trader(visit: Open) -> None:
    scene = scenes.limits_reached()
    shown = visit(scene)
    table = shown.page.locator("#open-positions")
    heads = [" ".join(text.split()) for text in table.locator("thead th").all_inner_texts()]
    assert heads == ["Delivery", "Gate closes", "Portfolio MWh", *(f"{name} MWh" for name in scenes.TRADERS)]
    hours = [f"{hour}-{hour + 1}" for hour in range(14, 24)]
    assert table.locator("tbody th").all_inner_texts() == hours
    for trader, column in (("", 1), ("flex_trader_2", 3)):
        rows = {row["delivery_hour"]: row for row in scene.rows(scenes.TODAY, trader)}
        cells = table.locator(f"tbody tr td:nth-of-type({column + 1})").all_inner_texts()
        shown_now = [float(cell.split()[-1].replace("\u2212", "-")) for cell in cells]
        assert shown_now == [float(rows[hour]["net_position_mwh"]) for hour in hours]
    row = table.locator("tbody tr", has_text="15-16")
    expect(row.locator(".limit")).to_have_count(2)


def test_positions_are_closed_with_their_gate(visit: Open) -> None:
    scene = scenes.busy_day()
    scene.now = scenes.NOW + timedelta(hours=10)  # 23:34, all gates have closed
    shown = visit(scene)
    expect(shown.row("23-24")).to_be_visible()
    expect(shown.page.locator("#open-positions")).to_have_count(0)
    expect(shown.page.locator("#figures")).not_to_contain_text("Open position")
    expect(shown.page.locator(".closes")).to_have_count(0)


def test_a_moment_of_the_past_has_no_gates(visit: Open) -> None:
    shown = visit(scenes.limits_reached(), "?as_of=2026-11-25T10:00:00Z")
    expect(shown.page.locator("#figures")).not_to_contain_text("Open position")
    expect(shown.page.locator(".closes")).to_have_count(0)


def test_a_measure_that_is_younger_than_the_page_is_told_by_its_name(visit: Open) -> None:
    scene = scenes.limits_reached()
    scene.limits = [scenes.limit("15-16", None, measure="volume_mwh", net_position_mwh=None)]
    shown = visit(scene)
    assert texts(shown, "#limits li") == ["▲ over a limit 15-16: volume_mwh 60.00 at 13:12, limit 50"]
