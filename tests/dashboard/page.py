"""Finds its way on the trading desk's page, in a tab of its own or in a frame."""

from playwright.sync_api import Frame, Locator, Page


def row(view: Page | Frame, hour: str) -> Locator:
    """The line of a delivery hour."""
    return view.locator("#hours-table tbody tr").filter(has=view.locator(f"th time:text-is('{hour}')"))


def cell(view: Page | Frame, hour: str, heading: str) -> Locator:
    """What a line has below a heading."""
    return row(view, hour).locator("th, td").nth(headings(view).index(heading))


def cells(view: Page | Frame, hour: str) -> dict[str, str]:
    """What a line shows, by the heading of each column."""
    texts = row(view, hour).locator("th, td").all_inner_texts()
    return dict(zip(headings(view), (text.strip() for text in texts), strict=True))


def headings(view: Page | Frame) -> list[str]:
    """Of the columns, those that are hidden included; without their units."""
    found = view.locator("#hours-table thead th").evaluate_all(
        "cells => cells.map(cell => (cell.querySelector('span') ?? cell).textContent)"
    )
    return [str(heading) for heading in found]
