"""Texts from outside: what hides in them is seen, and the text beside them keeps its order."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open
from tests.dashboard.scenes import TODAY, Payload, Scene, stamp

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
SPOOF = f"evil{OVERRIDE}redart\N{POP DIRECTIONAL ISOLATE}"
SHOWN = "evil[U+202E]redart[U+2069]"
HEBREW = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}\N{HEBREW LETTER GIMEL}"
FSI, PDI = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"

UNSEEN = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200E, 0x200F, 0x061C]
UNSEEN += [0x0000, 0x001B, 0x007F, 0x0085, 0x00AD, 0x2028, 0x2029, 0xFEFF, 0xE0041]


def scene_of(text: str) -> Scene:
    """Wherever a text can come from outside, it is this one."""
    rows = scenes.traders_dashboard()
    rows[1] |= {"is_complete": False, "incomplete_because": [text]}

    def of(day: date, trader: str) -> list[Payload]:
        return rows if day == TODAY else []

    scene = Scene(rows=of, traders=[text])
    scene.status["troubles"] = [{"code": "x", "since": stamp(scenes.NOW), "text": text}]
    scene.history = [{"at": stamp(scenes.NOW), "pnl_eur": "1", "priced_pnl_eur": "1", "cause": text}]
    scene.health["rejects"][0] |= {"detail": text, "raw": text, "reason_code": text}
    scene.health["runs"][0] |= {"error": text, "state": text, "dag_id": text}
    scene.health["lines"][0] |= {"name": text, "host": text}
    odd = scenes.trade(
        text, trader_id=text, expectation=text, review_command=text, cancelled_at=stamp(scenes.NOW)
    )
    reject = {"reason": text, "detail": text, "raw": text, "review_command": text, "delivery_hours": None}
    scene.lists = {name: [odd] for name in ("trades", "cancelled", "quarantined")}
    scene.lists["rejected"] = [reject | {"received_at": stamp(scenes.NOW)}]
    scene.health["alarms"] = [{"alarm": text, "since_at": stamp(scenes.NOW), "raised_at": None, "detail": text}]
    return scene


def order(page: Page, selector: str, text: str) -> list[float]:
    """Where each character of a text is drawn, from the left, px."""
    places: list[float] = page.locator(selector).first.evaluate(
        """(element, text) => {
            const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const start = node.data.indexOf(text);
                if (start < 0) continue;
                return [...text].map((_, i) => {
                    const range = document.createRange();
                    range.setStart(node, start + i);
                    range.setEnd(node, start + i + 1);
                    return range.getBoundingClientRect().left;
                });
            }
            throw new Error(`${text} is not in ${element.textContent}`);
        }""",
        text,
    )
    return places


def texts_of(page: Page) -> list[str]:
    """All texts and what is said on hover, of what is hidden too."""
    found: list[str] = page.evaluate(
        """() => {
            const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const texts = [];
            while (nodes.nextNode()) texts.push(nodes.currentNode.data);
            for (const each of document.querySelectorAll('[title], [aria-label]'))
                texts.push(each.title, each.getAttribute('aria-label') ?? '');
            return texts;
        }"""
    )
    return found


@pytest.mark.parametrize("text", [SPOOF, f"{HEBREW} 12 (3)"], ids=["override", "hebrew"])
def test_text_beside_it_keeps_its_order(visit: Open, text: str) -> None:
    shown = visit(scene_of(text))
    page = shown.page
    page.get_by_role("combobox", name="Trader").select_option(text)  # by its value, which is the id itself
    heading = page.locator("#heading bdi")
    expect(heading).to_have_text(SHOWN if text == SPOOF else text)
    neighbours = {
        "#heading": " \N{MIDDLE DOT} Today, Wed, 25 Nov 2026",
        "#troubles time": "since 13:34",
        ".reasons li": "13-14 incomplete: ",
    }
    for selector, neighbour in neighbours.items():
        places = order(page, selector, neighbour.strip())
        assert places == sorted(places), (selector, places)
    # what follows is on its right
    name, beside = heading.bounding_box(), order(page, "#heading", "Today")[0]
    assert name is not None
    assert name["x"] + name["width"] <= beside


def test_no_mark_of_direction_is_left_open(visit: Open) -> None:
    shown = visit(scene_of(SPOOF), "?view=health")
    expect(shown.page.locator("#health-rejects .raw")).to_have_text(SHOWN)
    found = texts_of(shown.page)
    assert sum(SHOWN in text for text in found) >= 12
    for text in found:
        assert OVERRIDE not in text
        assert text.count(FSI) == text.count(PDI)


def test_an_hour_shows_what_hides_in_its_messages(visit: Open) -> None:
    shown = visit(scene_of(SPOOF), "?hour=12-13")
    expect(shown.page.get_by_role("dialog").locator(".raw")).to_have_text(SHOWN)
    found = texts_of(shown.page)
    assert sum(SHOWN in text for text in found) >= 20
    assert [text for text in found if OVERRIDE in text] == []


@pytest.mark.parametrize("text", [SPOOF, f"{HEBREW} 12"], ids=["override", "hebrew"])
def test_options_and_hovers_isolate_without_elements(visit: Open, text: str) -> None:
    shown = visit(scene_of(text))
    plain = SHOWN if text == SPOOF else f"{FSI}{text}{PDI}"  # ASCII has no direction but its own
    option = shown.page.locator("#trader option").nth(1)
    assert option.evaluate("option => [option.textContent, option.value]") == [plain, text]
    expect(shown.row("13-14").locator(".warn")).to_have_attribute("title", f"Incomplete: {plain}")
    expect(shown.row("13-14").locator("td.note span")).to_have_attribute("title", plain)


def test_readouts_and_sentences_isolate(visit: Open) -> None:
    shown = visit(scene_of(f"{HEBREW} 12"))
    shown.page.locator("#picture-history .u-over").hover(position={"x": 40, "y": 40})
    readout = shown.page.locator("#picture-history .readout")
    expect(readout).to_have_text(f"13:34: +1.00 EUR, {FSI}{HEBREW} 12{PDI}")
    places = order(shown.page, "#picture-history .readout", "13:34: +1.00 EUR, ")
    assert places == sorted(places)
    empty = visit(scene_of(HEBREW), f"?trader={HEBREW}&day=2026-11-01")
    expect(empty.page.locator("#empty h3")).to_have_text(
        f"{FSI}{HEBREW}{PDI} did not trade for delivery on Sun, 1 Nov 2026."
    )
    places = order(empty.page, "#empty h3", "did not trade for delivery on Sun, 1 Nov 2026.")
    assert places == sorted(places)


def test_every_character_without_a_shape_is_shown(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    found: Any = shown.page.evaluate(
        """async (codes) => {
            const { visible, visibleOutside, isolated } = await import("./static/js/outside.js");
            const texts = codes.map((code) => `a${String.fromCodePoint(code)}b`);
            const others = [visible("a\\tb\\nc"), visible("\\u202e"), visibleOutside("\\ud800")];
            return [texts.map(visibleOutside), texts.map(isolated), visibleOutside("a\\tb\\nc"), ...others];
        }""",
        UNSEEN,
    )
    expected = [f"a[U+{code:04X}]b" for code in UNSEEN]
    assert found == [
        expected,
        expected,
        "a\N{RIGHTWARDS ARROW TO BAR}b\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}c",
        "a\tb\nc",
        "[U+202E]",
        "[U+D800]",
    ]


def test_an_error_from_outside_is_isolated(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.failure = (503, f"{HEBREW} {SPOOF}")
    shown = visit(scene, ready=False)
    expect(shown.page.get_by_role("alert").locator("bdi")).to_have_text(f"{HEBREW} {SHOWN}")
    places = order(shown.page, "#error .banner", "The page tries again by itself")
    assert places == sorted(places)


@pytest.mark.parametrize("locale", ["he-IL", "ar-EG", "fa-IR"])
def test_numbers_in_a_language_that_runs_from_the_right_have_no_codes(visit: Open, locale: str) -> None:
    shown = visit(scenes.busy_day(), locale=locale)
    assert [text for text in texts_of(shown.page) if "[U+" in text] == []


def test_a_file_is_named_without_marks(visit: Open) -> None:
    shown = visit(scene_of(SPOOF))
    shown.page.get_by_role("combobox", name="Trader").select_option(SPOOF)
    with shown.page.expect_download() as download:
        shown.page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "pnl-2026-11-25.csv"
