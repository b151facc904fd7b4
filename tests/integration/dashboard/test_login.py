"""Strangers get nothing but 401: not the page, not its files, not the description of the API."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from include.dashboard.app import create_app
from include.settings import Settings
from tests.integration.dashboard.conftest import Client, login


def routes() -> list[str]:
    app = create_app(Settings, login)
    paths = {route.path for route in app.routes}  # type: ignore[attr-defined]
    return sorted(path.replace("{path:path}", "index.html") for path in paths)


def test_the_list_of_routes_is_whole() -> None:
    assert {"/", "/static/index.html", "/openapi.json", "/api/v1/desk", "/data-docs/index.html"} <= set(
        routes()
    )


@pytest.mark.parametrize("path", [*routes(), "/api/v1/", "/nowhere", "/docs", "/redoc"])
def test_a_stranger_is_refused(stranger: Client, path: str) -> None:
    reply = stranger.get(path.lstrip("/"))
    assert reply.status_code == 401
    assert reply.json() == {"error": "Log in to Airflow to see the trading desk."}


def test_a_person_is_refused_with_a_way_to_the_login(url: str) -> None:
    person = Client(url, {"Accept": "text/html,*/*;q=0.8"})
    reply = person.get('?trader=a%22b&day=2026-03-01"')
    assert reply.status_code == 401
    assert "Log in to Airflow to see the trading desk." in reply.text
    (link,) = re.findall(r'href="([^"]*)"', reply.text)
    (way_back,) = parse_qs(urlsplit(unescape(link)).query)["next"]
    assert way_back == urlsplit(reply.url).path + "?" + urlsplit(reply.url).query
    assert person.get("static/js/main.js").json() == {"error": "Log in to Airflow to see the trading desk."}


def test_a_token_that_is_no_longer_good_is_refused_likewise(url: str) -> None:
    client = Client(url, {"Authorization": "Bearer of yesterday"})
    assert client.get("api/v1/desk").status_code == 401


def test_who_is_logged_in_gets_the_description_of_the_api(client: Client) -> None:
    description = client.get("openapi.json").json()
    paths = description["paths"]
    assert set(paths) == {path for path in routes() if path.startswith("/api/")}
    assert all(call["get"]["summary"] and call["get"]["description"] for call in paths.values())
    assert {p["name"] for p in paths["/api/v1/pnl_hourly"]["get"]["parameters"]} == {
        *("from", "to", "trader", "as_of", "format", "decimal")
    }


def test_what_is_not_there_is_a_sentence(client: Client) -> None:
    for path in ("nowhere", "api/v1/nothing", "static/nothing.js", "static/../app.py", "data-docs/.source/x"):
        reply = client.get(path)
        assert (reply.status_code, reply.json()) == (
            404,
            {"error": "There is no such thing on the trading desk."},
        )
