"""What is answered to whom: who is refused on which route is tried in tests/torture/test_access.py."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, expect

from include.dashboard.app import NOT_PERMITTED, create_app
from include.dashboard.security import HEADERS
from include.dashboard.service import Service
from include.settings import Settings
from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.integration.dashboard.conftest import LOGIN, Client, login, served


def routes() -> list[str]:
    app = create_app(lambda: [Settings()], login)
    paths = {route.path for route in app.routes}  # type: ignore[attr-defined]
    return sorted(path.replace("{path:path}", "index.html") for path in paths)


def test_the_list_of_routes_is_whole() -> None:
    assert {"/", "/static/index.html", "/openapi.json", "/api/v1/desk", "/data-docs/index.html"} <= set(
        routes()
    )


def test_a_person_is_refused_with_a_way_to_the_login(url: str) -> None:
    person = Client(url, {"Accept": "text/html,*/*;q=0.8"})
    reply = person.get('?trader=a%22b&day=2026-03-01"')
    assert reply.status_code == 401
    assert "Log in to Airflow to see the trading desk." in reply.text
    (link,) = re.findall(r'href="([^"]*)"', reply.text)
    (way_back,) = parse_qs(urlsplit(unescape(link)).query)["next"]
    assert way_back == urlsplit(reply.url).path + "?" + urlsplit(reply.url).query
    assert person.get("static/js/main.js").json() == {"error": "Log in to Airflow to see the trading desk."}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("locale", "heading", "log_in"),
    [("en-GB", "Trading desk", "Log in"), ("de-DE", "Trading Desk", "Anmelden")],
)
def test_who_is_refused_sees_a_page_in_the_colours_of_the_desk(
    url: str, browser: Browser, locale: str, heading: str, log_in: str, scheme: Any
) -> None:
    context = browser.new_context(locale=locale, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{url}/?day=2026-11-28")
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    link = page.get_by_role("link", name=log_in, exact=True)
    expect(link).to_have_attribute("href", re.compile("auth/login.next=.*2026-11-28"))
    ground, accent = {
        "light": ("rgb(243, 245, 247)", "rgb(27, 92, 184)"),
        "dark": ("rgb(15, 19, 24)", "rgb(116, 174, 252)"),
    }[scheme]
    expect(page.locator("body")).to_have_css("background-color", ground)
    expect(link).to_have_css("color", accent)
    assert [each for each in complaints if "401" not in each] == []
    context.close()


def test_a_token_that_is_no_longer_good_is_refused_likewise(url: str) -> None:
    client = Client(url, {"Authorization": "Bearer of yesterday"})
    assert client.get("api/v1/desk").status_code == 401


def test_a_person_without_the_right_gets_a_sentence_and_no_way_to_the_login(url: str) -> None:
    headers = {"Authorization": "Bearer without-a-role", "Accept": "text/html"}
    reply = Client(url, headers).get("?trader=<script>alert(1)</script>")
    assert reply.status_code == 403
    assert NOT_PERMITTED in reply.text
    assert not re.search("href|alert", reply.text)


def answers(client: Client) -> list[requests.Response]:
    return [
        client.get(path.lstrip("/"))
        for path in [*routes(), "/nowhere", "/static/js/main.js"]
        if "events" not in path
    ]


@pytest.mark.parametrize(
    "authorization", [LOGIN["Authorization"], "Bearer without-a-role", "Bearer forged", ""]
)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_no_answer_runs_a_script_or_is_framed_by_others(
    url: str, authorization: str, accept: str, settings: Settings
) -> None:
    settings.data_docs_root.mkdir(exist_ok=True)
    (settings.data_docs_root / "index.html").write_text("<script>alert(1)</script>")
    client = Client(url, {"Authorization": authorization, "Accept": accept})
    for reply in [
        *answers(client),
        client.get("api/v1/desk?day=x"),
        client.get("api/v1/pnl_hourly?format=csv"),
    ]:
        policy = dict(part.split(" ", 1) for part in reply.headers["Content-Security-Policy"].split("; "))
        is_page = reply.url == f"{url}/" and reply.status_code == 200
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'self'"
        assert policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy.get("script-src") == ("'self'" if is_page else None)
        style = policy.get("style-src", "'self'")
        assert style == "'self'" or style.startswith("'sha256-") or "/data-docs/" in reply.url
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_an_answer_to_a_defect_is_no_exception(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service, "state", fail)
    with served(create_app(lambda: [Settings()], lambda: None, service=service)) as url:
        reply = requests.get(f"{url}/api/v1/version", timeout=20)
    assert reply.status_code == 500
    assert {name: reply.headers.get(name) for name in HEADERS} == HEADERS


def test_a_login_that_cannot_be_checked_is_an_outage_and_no_defect(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def is_away() -> None:
        raise ConnectionRefusedError("connection refused\nand a long story")

    app = create_app(lambda: [Settings()], is_away, service=service, login_is_away=[ConnectionError])
    with served(app) as url:
        for path in ("", "static/js/main.js", "api/v1/page", "api/v1/events"):
            reply = requests.get(f"{url}/{path}", timeout=20)
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")
            assert reply.json()["error"].startswith("The database does not answer.")
    assert [(r.getMessage(), r.exc_info) for r in caplog.records if r.levelname != "INFO"] == [
        ("the trading desk cannot check a login: connection refused", None)
    ] * 4


def test_who_is_logged_in_gets_the_description_of_the_api(client: Client) -> None:
    description = client.get("openapi.json").json()
    paths = description["paths"]
    assert set(paths) == {path for path in routes() if path.startswith("/api/")}
    assert all(call["get"]["summary"] and call["get"]["description"] for call in paths.values())
    assert {p["name"] for p in paths["/api/v1/pnl_hourly"]["get"]["parameters"]} == {
        *("from", "to", "trader", "as_of", "format", "decimal", "market")
    }


def test_what_is_not_there_is_a_sentence(client: Client) -> None:
    for path in ("nowhere", "api/v1/nothing", "static/nothing.js", "static/../app.py", "data-docs/.source/x"):
        reply = client.get(path)
        assert (reply.status_code, reply.json()) == (
            404,
            {"error": "There is no such thing on the trading desk."},
        )
