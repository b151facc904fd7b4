"""A range of days: figures beside those of the range before, days, hours, traders, addresses, files."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Locator, expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import TODAY

NONE = "\N{EN DASH}"
"""What there is no number for; also between the ends of a range."""

MONDAY = date(2026, 11, 23)
OCTOBER = "?view=range&from=2026-10-01&to=2026-10-31"


def pnl(first: date, last: date, trader: str = "", hour: str = "") -> Decimal:
    """Of the hours with a price of the scene `ranges`, added up here."""
    rows = scenes.ranges().rows
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return sum(
        (
            Decimal(row["pnl_eur"])
            for day in days
            for row in rows(day, trader)
            if row["pnl_eur"] is not None and hour in ("", row["delivery_hour"][:5])
        ),
        Decimal(0),
    )


def euros(value: Decimal) -> str:
    cents = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{cents:+,}" if cents else "0.00"


def figure(shown: Visit, name: str) -> Locator:
    figures = shown.page.locator("#range-figures .figure")
    return figures.filter(has=shown.page.locator(f"dt:text-is('{name}')"))


def heading(shown: Visit) -> Locator:
    return shown.page.locator("#range-heading")


def column(shown: Visit, section: str, name: str) -> Locator:
    heads = shown.page.locator(f"{section} thead th").evaluate_all(
        "cells => cells.map(cell => cell.querySelector('span').textContent)"
    )
    return shown.page.locator(f"{section} tbody tr > :is(th, td):nth-child({[*heads].index(name) + 1})")


def test_the_tab_leads_to_this_week_and_says_what_is_missing(visit: Open) -> None:
    shown = visit(scenes.ranges())
    shown.page.get_by_role("tab", name="Range").click()
    expect(heading(shown)).to_contain_text("Whole portfolio · Week 48")
    expect(heading(shown)).to_contain_text("compared with the whole week before: Week 47")
    assert shown.page.url.endswith("?view=range")  # it follows the calendar
    expect(shown.page.locator("#range-unknown li")).to_have_text(
        [
            # three hours of today, all of tomorrow, and one of Monday
            "⚠ 28 of 96 hours have no price yet: their PnL is in no sum.",
            "⚠ 1 of 4 days is not complete: trades may be missing.",
        ]
    )
    so_far = figure(shown, "PnL so far")
    known = pnl(MONDAY, MONDAY + timedelta(days=6))
    expect(so_far.locator(".value")).to_have_text(euros(known))
    before = pnl(MONDAY - timedelta(days=7), MONDAY - timedelta(days=1))
    expect(so_far.locator(".before")).to_have_text(f"week before: {euros(before)}")
    expect(so_far.locator(".more")).to_have_text(f"difference {euros(known - before)}")
    expect(figure(shown, "How are we doing")).to_contain_text("when all have a price")
    expect(figure(shown, "Days with trades")).to_contain_text("4 of 7")
    month = pnl(date(2026, 11, 1), TODAY)
    expect(figure(shown, "Month to date, so far").locator(".value")).to_have_text(euros(month))


def test_names_of_traders_side_by_side_are_not_cut_off(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range")
    names = shown.page.locator(".multiples .name")
    expect(names).to_have_count(3)
    names.evaluate_all("all => all.forEach(name => (name.nextElementSibling.textContent = '-1,234,567'))")
    assert names.evaluate_all("all => all.map(name => name.scrollWidth <= name.clientWidth)") == [True] * 3


def test_one_day_of_trades_is_neither_best_nor_worst(visit: Open) -> None:
    scene, only = scenes.ranges(), TODAY - timedelta(days=1)
    every = scene.rows
    scene.rows = lambda day, trader: every(day, trader) if day == only else []
    shown = visit(scene, "?view=range")
    for chart in ("pnl", "sum"):
        expect(shown.page.locator(f"#picture-range-{chart}-sentence")).to_have_text(
            f"Tue, 24 Nov 2026: {euros(pnl(only, only))} EUR."
        )


def test_the_month_to_date_is_the_same_whichever_of_its_days_are_chosen(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range&from=2026-11-02&to=2026-11-08")
    month = pnl(date(2026, 11, 1), TODAY)
    expect(figure(shown, "Month to date, so far").locator(".value")).to_have_text(euros(month))
    own = pnl(date(2026, 11, 2), date(2026, 11, 8))
    expect(figure(shown, "PnL").locator(".value")).to_have_text(euros(own))


def test_days_are_added_up_and_lead_to_their_table(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range")
    days = [MONDAY + timedelta(days=number) for number in range(4)]
    sums = [pnl(MONDAY, day) for day in days]
    expect(column(shown, "#range-steps", "PnL")).to_have_text(
        [
            f"{euros(pnl(days[0], days[0]))} so far",
            euros(pnl(days[1], days[1])),
            f"{euros(pnl(days[2], days[2]))} so far",
            NONE,
        ]
    )
    expect(column(shown, "#range-steps", "Cumulative")).to_have_text([f"{euros(each)} so far" for each in sums])
    expect(column(shown, "#range-steps", "Prices missing")).to_have_text(["1", "", "3", "24"])
    sentence = shown.page.locator("#picture-range-sum-sentence")
    expect(sentence).to_contain_text(f"{euros(sums[-1])} EUR so far, without 28 hours whose prices are missing")
    expect(shown.page.locator("#picture-range-pnl .key")).to_have_text(
        ["gain", "loss", "so far: prices are missing"]
    )
    shown.page.get_by_role("link", name="Tue, 24 Nov 2026", exact=True).click()
    expect(shown.page.locator("#heading")).to_contain_text("Yesterday, Tue, 24 Nov 2026")
    assert shown.page.url.endswith("?day=2026-11-24")
    shown.page.go_back()
    expect(heading(shown)).to_contain_text("Week 48")


def test_one_hour_without_a_price_is_one_hour(visit: Open) -> None:
    sentence = "#picture-range-sum-sentence"
    shown = visit(scenes.ranges(), "?view=range&from=2026-11-22&to=2026-11-23")
    expect(shown.page.locator(sentence)).to_contain_text("EUR so far, without 1 hour whose price is missing;")
    german = visit(scenes.ranges(), "?view=range&from=2026-11-22&to=2026-11-23", locale="de-DE")
    expect(german.page.locator(sentence)).to_contain_text("EUR bisher, ohne 1 Stunde, deren Preis fehlt;")


def test_kinds_keys_and_the_browsers_history(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range")
    expect(heading(shown)).to_contain_text("Week 48")
    shown.page.keyboard.press("ArrowLeft")
    expect(heading(shown)).to_contain_text("Week 47")
    assert "view=range&from=2026-11-16&to=2026-11-22" in shown.page.url
    expect(figure(shown, "PnL").locator(".value")).to_have_text(
        euros(pnl(MONDAY - timedelta(days=7), MONDAY - timedelta(days=1)))
    )
    shown.page.get_by_role("button", name="Month", exact=True).press("Enter")
    expect(heading(shown)).to_contain_text("November 2026")
    expect(shown.page.get_by_role("button", name="Month", exact=True)).to_have_attribute("aria-pressed", "true")
    shown.page.get_by_role("button", name="Range before").click()
    expect(heading(shown)).to_contain_text("October 2026")
    expect(heading(shown)).to_contain_text("compared with the month before: September 2026")
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowRight")
    expect(heading(shown)).to_contain_text("December 2026")
    shown.page.get_by_role("button", name="This month").click()
    expect(heading(shown)).to_contain_text("November 2026")
    shown.page.go_back()
    expect(heading(shown)).to_contain_text("December 2026")
    shown.page.get_by_role("combobox", name="Trader").focus()
    shown.page.keyboard.press("ArrowLeft")
    expect(heading(shown)).to_contain_text("December 2026")


def test_any_days_in_their_fields(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range")
    expect(heading(shown)).to_contain_text("Week 48")
    shown.page.locator("#range-from").fill("2026-11-14")
    expect(heading(shown)).to_contain_text(f"14 {NONE} 29 Nov 2026")
    shown.page.locator("#range-to").fill("2026-11-20")
    expect(heading(shown)).to_contain_text(f"14 {NONE} 20 Nov 2026")
    expect(heading(shown)).to_contain_text(f"compared with the 7 days before: 7 {NONE} 13 Nov 2026")
    assert "from=2026-11-14&to=2026-11-20" in shown.page.url
    shown.page.locator("#range-to").fill("2026-11-10")  # before the first day: a day alone
    expect(heading(shown)).to_contain_text("Tue, 10 Nov 2026")
    shown.page.locator("#range-from").fill("2025-01-01")  # 366 days at most
    expect(shown.page.locator("#range-to")).to_have_value("2026-01-01")
    assert "from=2025-01-01&to=2026-01-01" in shown.page.url


@pytest.mark.parametrize(
    "path",
    ["?view=range&from=2026-11-16", "?view=range&from=2026-11-17&to=2026-11-16", "?view=range&from=x&to=y"],
)
def test_an_address_that_is_no_range_is_this_week(visit: Open, path: str) -> None:
    shown = visit(scenes.ranges(), path)
    expect(heading(shown)).to_contain_text("Week 48")


def test_a_deep_link_with_a_trader_a_moment_and_an_order(visit: Open) -> None:
    path = f"{OCTOBER}&trader=flex_trader_2&as_of=2026-11-20T10:00:00Z&sort.range_steps=-pnl_eur"
    shown = visit(scenes.ranges(), path)
    expect(heading(shown)).to_contain_text("flex_trader_2 · October 2026")
    expect(shown.page.locator("#as-of").nth(-1)).to_contain_text("The page as of 20 Nov, 11:00:00")
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    expect(figure(shown, "PnL").locator(".value")).to_have_text(euros(pnl(first, last, "flex_trader_2")))
    days = [first + timedelta(days=number) for number in range(31)]
    best = max(pnl(day, day, "flex_trader_2") for day in days)
    expect(column(shown, "#range-steps", "PnL").first).to_have_text(euros(best))
    expect(shown.page.locator("#range-traders")).to_have_count(0)
    asked = [call for call in shown.desk.asked if call.startswith("range")]
    assert asked == ["range?from=2026-10-01&to=2026-10-31&trader=flex_trader_2&as_of=2026-11-20T10%3A00%3A00Z"]


def test_traders_are_sorted_and_chosen(visit: Open) -> None:
    shown = visit(scenes.ranges(), OCTOBER)
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    of = {trader: pnl(first, last, trader) for trader in scenes.TRADERS[:3]}
    multiples = shown.page.locator(".multiples li")
    expect(multiples).to_have_count(3)
    expect(multiples.nth(1)).to_contain_text(f"{of['flex_trader_2']:+,.0f}")
    head = shown.page.locator("#range-traders").get_by_role("columnheader", name="PnL EUR", exact=True)
    head.get_by_role("button").press("Enter")
    assert "sort.range_traders=-pnl_eur" in shown.page.url
    expect(column(shown, "#range-traders", "Trader")).to_have_text(sorted(of, key=lambda name: -of[name]))
    expect(figure(shown, "Month to 31 Oct").locator(".value")).to_have_text(euros(pnl(first, last)))
    expect(column(shown, "#range-traders", "Month to 31 Oct").first).to_have_text(euros(max(of.values())))
    before = pnl(date(2026, 9, 1), date(2026, 9, 30), max(of, key=lambda name: of[name]))
    expect(column(shown, "#range-traders", "Difference").first).to_have_text(euros(max(of.values()) - before))
    multiples.nth(1).get_by_role("link").press("Enter")
    expect(heading(shown)).to_contain_text("flex_trader_2 · October 2026")
    shown.page.go_back()
    shown.page.locator("#range-traders").get_by_role("button", name="flex_trader_3").click()
    expect(heading(shown)).to_contain_text("flex_trader_3 · October 2026")


def test_best_and_worst_hours_lead_to_their_trades(visit: Open) -> None:
    shown = visit(scenes.ranges(), OCTOBER)
    hours = [
        (Decimal(row["pnl_eur"]), day, row["delivery_hour"])
        for day in (date(2026, 10, 1) + timedelta(days=number) for number in range(31))
        for row in scenes.ranges().rows(day, "")
    ]
    expect(column(shown, "#range-best", "PnL")).to_have_text([euros(each[0]) for each in sorted(hours)[:-6:-1]])
    expect(column(shown, "#range-worst", "PnL")).to_have_text([euros(each[0]) for each in sorted(hours)[:5]])
    link = shown.page.locator("#range-worst tbody a").first
    day = link.get_attribute("href")
    assert day is not None
    link.press("Enter")
    expect(shown.page.get_by_role("dialog")).to_be_visible()
    worst = {(each[1].isoformat(), each[2]) for each in hours if each[0] == min(hours)[0]}
    assert any(f"day={when}" in shown.page.url and f"hour={hour}" in shown.page.url for when, hour in worst)


def test_hours_of_the_day_when_the_clocks_go_back(visit: Open) -> None:
    shown = visit(scenes.ranges(), OCTOBER)
    expect(shown.page.locator("#range-doubled")).to_have_text(
        "02-03 happens twice on Sun, 25 Oct 2026: both are in the hour 02-03."
    )
    shown.page.locator("#picture-range-hours summary").click()
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    labels = [f"{hour:02}-{hour + 1:02}" for hour in range(24)]
    sums = [pnl(first, last, "", label) for label in labels]
    expect(column(shown, "#picture-range-hours", "Hour")).to_have_text(labels)
    expect(column(shown, "#picture-range-hours", "PnL")).to_have_text([euros(each) for each in sums])
    means = [euros(each / 31) for each in sums]
    expect(column(shown, "#picture-range-hours", "Mean of a day")).to_have_text(means)


def test_a_long_range_is_told_by_months_that_lead_on(visit: Open) -> None:
    scene = scenes.ranges(scenes.TRADERS[:1])
    rows = scene.rows
    scene.rows = lambda day, trader: rows(day, trader)[:2]
    shown = visit(scene, "?view=range&from=2026-03-15&to=2026-11-30")
    expect(shown.page.locator("#range-steps h2")).to_have_text("PnL by month", timeout=60_000)
    months = column(shown, "#range-steps", "Month")
    expect(months.first).to_have_text(f"15 {NONE} 31 Mar 2026")
    expect(months.last).to_contain_text("November 2026")
    shown.page.get_by_role("link", name="June 2026").click()
    expect(heading(shown)).to_contain_text("Whole portfolio · June 2026")


def test_files_of_the_range(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range&from=2026-09-01&to=2026-10-31")
    files = shown.page.locator("#range-downloads")
    links = files.get_by_role("link")
    expect(links).to_have_count(14)  # hours of each trader are too many
    expect(files).to_contain_text("for 31 days at most")
    days = files.get_by_role("link", name="XLSX Days, Each trader")
    expect(days).to_have_attribute(
        "href", "api/v1/pnl_daily?from=2026-09-01&to=2026-10-31&trader=*&format=xlsx"
    )
    with shown.page.expect_download() as download:
        days.click()
    assert download.value.suggested_filename == "pnl_daily-2026-09-01.xlsx"


def test_a_range_without_trades(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range&from=2025-01-06&to=2025-01-12")
    expect(shown.page.locator("#range-empty")).to_contain_text(
        "No trades for delivery in this range are known."
    )
    expect(shown.page.locator("#range-empty")).to_contain_text("from Sun, 1 Mar 2026 to Thu, 26 Nov 2026")
    expect(shown.page.locator("#range-figures")).to_have_count(0)
    shown.page.get_by_role("link", name="Show Thu, 26 Nov 2026").click()
    expect(heading(shown)).to_contain_text("Thu, 26 Nov 2026")
    expect(figure(shown, "PnL")).to_contain_text(NONE)  # no hour has a price: never 0


def test_new_numbers_come_by_themselves_and_a_failure_keeps_what_is_shown(visit: Open) -> None:
    shown = visit(scenes.ranges(), "?view=range")
    expect(figure(shown, "Trades").locator(".value")).to_have_text("920")
    rows = shown.desk.scene.rows
    shown.desk.scene.rows = lambda day, trader: rows(day, trader)[:20]
    shown.desk.tell()
    expect(figure(shown, "Trades").locator(".value")).not_to_have_text("920")
    shown.desk.scene.failure, shown.desk.scene.failing = (503, "The database takes too long."), ("range",)
    shown.desk.tell()
    expect(shown.page.get_by_role("alert")).to_contain_text("The database takes too long.")
    expect(heading(shown)).to_contain_text("Week 48")
    shown.page.keyboard.press("ArrowLeft")
    expect(heading(shown)).to_have_count(0)  # numbers of another week would be wrong
    shown.desk.scene.failure = None
    expect(heading(shown)).to_contain_text("Week 47")


def test_the_title_is_the_pnl_of_the_range(visit: Open) -> None:
    shown = visit(scenes.ranges(), OCTOBER)
    expect(shown.page).to_have_title(f"{pnl(date(2026, 10, 1), date(2026, 10, 31)):+,.0f} EUR · Trading desk")
    assert TODAY.isoformat() not in shown.page.url
