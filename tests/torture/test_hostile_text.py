"""Texts from outside that want to be markup, in a real browser, wherever they are shown."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from include.settings import Settings
from tests.browser import listen
from tests.factories import NOW, Database
from tests.integration.dashboard.conftest import DAY, LOGIN
from tests.messages import deal, landed, write_landing_file
from tests.passes import take_in
from tests.torture.conftest import Torture

RECEIVED_AT = datetime(2023, 2, 6, 10, 15, tzinfo=UTC)
ELSEWHERE = "//pwned.invalid"
MARKUP = [
    "<script>pwned = 1</script>", "<img src=x onerror='pwned = 1'>", "<svg/onload=pwned=1>",
    "{{constructor}}", f"\"><script src={ELSEWHERE}/x.js></script>", "'><body onload=pwned=1>",
    "javascript:pwned=1", f"<style>@import '{ELSEWHERE}/x.css'</style>", f"<base href={ELSEWHERE}>",
    "</title><script>pwned=1</script>", f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    f"<iframe src={ELSEWHERE}></iframe>", "${pwned=1}", "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "</script><script>pwned=1</script>", "$pwned", "%s{0}{pwned}", "<a href='javascript:pwned=1'>x</a>",
    "<!--", "-->", "]]>", "&lt;script&gt;pwned=1&lt;/script&gt;", "\\u003cscript>",
    f"<link rel=stylesheet href={ELSEWHERE}/x.css>", f"<img src={ELSEWHERE}/x.png>",
    "<details open ontoggle=pwned=1>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=pwned=1&gt;'>",
    "\u202eevil\u2066", "\u2028pwned=1", "\ufeff", "\U000e0041", "a\x1bb", "=cmd|' /C calc'!A0",
    "<p style=x:expression(1)>", f"<form action={ELSEWHERE}><button autofocus onfocus=pwned=1>",
    "<input autofocus onfocus=pwned=1>", f"<object data={ELSEWHERE}>", f"<embed src={ELSEWHERE}>",
    "<noscript><p title='</noscript><img src=x onerror=pwned=1>'>",
]  # fmt: skip
VIEWS = (
    f"?day={DAY}", f"?day={DAY}&hour=12-13", "?view=health", f"?view=range&from={DAY}&to={DAY}",
    f"?day={DAY}&hour=12-13&message=trades/date=2023-02-06/hour=10/hostile.jsonl:",
)  # fmt: skip


def fill(settings: Settings, database: Database, texts: list[str]) -> int:
    """Each text in every place of a message that is shown somewhere, through the pipeline; the lines."""
    key = {"delivery_day": str(DAY), "delivery_hour": "12-13"}
    messages = []
    for text in texts:
        sound = {"trader_id": text, **key}
        messages += [
            deal(id=text, **sound),
            deal(id=f"bad {text}", price=99_999, **sound),  # quarantined
            deal(id=f"x {text}", **sound | {text: text}),  # a field that nobody knows
            deal(id=f"r {text}", **sound | {"currency": text}),  # rejected, and told of the hour
            deal(id=f"d {text}", **sound | {"direction": text}),
            deal(id=f"h {text}", trader_id=text, delivery_day=str(DAY), delivery_hour=text),
            json.dumps({"deal_cancellation": {"id": f"x {text}", text: text}}),
            json.dumps({"type": text, "time": text}),
            json.dumps({text: {"id": text}}),
            text,
        ]
    write_landing_file(settings.landing_root, landed(messages, RECEIVED_AT), "hostile", RECEIVED_AT)
    take_in(settings)
    for text in texts:
        clean = text.replace("\0", "")
        database.insert("ops.alarms", alarm=clean, detail=clean, market="DE")
        database.insert(
            "ops.task_runs",
            dag_id=clean,
            run_id=clean,
            state="failed",
            error=clean,
            started_at=NOW,
            ended_at=NOW,
        )
    return len(messages)


class Watched:
    """A browser that notes what a page does besides showing something."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context.set_extra_http_headers(LOGIN)
        context.route("**/*", self._route)

    def _route(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        if f"{address.scheme}://{address.netloc}" == self.origin or address.scheme in ("data", "blob"):
            route.continue_()
        else:
            self.elsewhere.append(route.request.url)
            route.abort()

    def look(self, path: str, ready: str) -> str:
        """Opens a page, which may do nothing but show itself; its text."""
        page = self.context.new_page()
        listen(page, self.complaints, ("Failed to load resource",))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.goto(f"{self.origin}/{path}")
        page.locator(ready).first.wait_for(state="attached")
        page.wait_for_timeout(200)  # for what starts by itself
        assert page.evaluate("typeof window.pwned") == "undefined", path
        assert (
            page.evaluate("document.querySelectorAll('iframe, object, embed, base, form[action]').length") == 0
        )
        assert page.url.startswith(self.origin), path
        text = page.locator("body").inner_text()
        page.close()
        return text


@pytest.mark.timeout(300)
def test_a_text_stays_a_text(
    settings: Settings, database: Database, url: str, browser: Browser, torture: Torture
) -> None:
    texts = torture.random.sample(MARKUP, torture.count(8, len(MARKUP)))
    lines = fill(settings, database, texts)
    context = browser.new_context(locale="en-GB", viewport={"width": 1360, "height": 900})
    desk, pages = Watched(context, url), 0
    for number, text in enumerate(texts):
        for view in VIEWS if torture.is_long else (VIEWS[number % len(VIEWS)],):
            query = view + str(torture.random.randrange(1, lines + 1)) if view.endswith(":") else view
            trader = "" if "health" in view else "&" + urlencode({"trader": text})
            shown = desk.look(query + trader, "#view-desk, #view-health, #view-range")
            pages += 1
            assert shown
        if number and not torture.is_long:
            continue
        desk.look("?" + urlencode({"day": text, "hour": text, "message": text, "view": text}), "#page > *")
        pages += 1
    assert desk.complaints == []
    assert desk.elsewhere == []
    context.close()

    docs = sorted(path.relative_to(settings.data_docs_root) for path in settings.data_docs_root.rglob("*.html"))
    assert any("validations" in str(path) for path in docs)
    for has_policy in (True, False):  # they are safe by themselves, too
        context = browser.new_context(bypass_csp=not has_policy)
        watched = Watched(context, url)
        for path in docs:
            watched.look(f"data-docs/{path}", "body *")
            pages += 1
        assert [address for address in watched.elsewhere if ELSEWHERE in address] == []
        if has_policy:
            assert watched.elsewhere == []
        context.close()
    for path in settings.data_docs_root.rglob("*.*"):
        if path.is_file():
            assert "pwned" not in path.read_text(errors="replace"), path
    torture.report(
        "a text from outside is shown as a text",
        f"{len(texts)} texts with HTML, scripts, directions of writing and control characters in every field of"
        f" {lines:,} messages; {pages} pages of desk, hour, message, range, health and data docs in Chromium",
        "no script ran, nothing was fetched from elsewhere, no frame or form appeared; also with the browser's"
        " policy switched off in the data docs, which quote no foreign text",
    )
