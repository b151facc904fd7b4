"""The page and its files: served to who is logged in, asked for again only when they changed."""

import re
from pathlib import Path

import pytest

from include.dashboard import app as module
from include.dashboard.app import create_app
from include.settings import Settings
from tests.integration.dashboard.conftest import LOGIN, Client, login, served


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of two files."""
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text('<h1>Trading desk</h1><script src="static/js/main.js"></script>')
    (tmp_path / "js" / "main.js").write_text("export {};")
    monkeypatch.setattr(module, "PAGE", tmp_path)
    return tmp_path


def address_of_script(client: Client) -> str:
    """Where the page says it is."""
    (address,) = re.findall('src="([^"]+)"', client.get("").text)
    return str(address)


def test_a_file_is_asked_for_once_a_release(page: Path) -> None:
    addresses = []
    for text in ("export {};", "export const changed = 1;"):
        (page / "js" / "main.js").write_text(text)
        with served(create_app(lambda: [Settings()], login)) as url:
            client = Client(url, LOGIN)
            addresses.append(address_of_script(client))
            script = client.get(addresses[-1])
            assert (script.status_code, script.text) == (200, text)
            assert "javascript" in script.headers["Content-Type"]
            assert "immutable" in script.headers["Cache-Control"]
            assert [client.get(address).status_code for address in addresses[:-1]] == [404] * (
                len(addresses) - 1
            )
            client.session.close()
    assert addresses[0] != addresses[1]


def test_the_page_and_files_without_a_version_are_asked_for_each_time(page: Path) -> None:
    with served(create_app(lambda: [Settings()], login)) as url:
        client = Client(url, LOGIN)
        for path in ("", "static/js/main.js"):
            first = client.get(path)
            assert first.headers["Cache-Control"] == "private, no-cache"
            client.session.headers["If-None-Match"] = first.headers["ETag"]
            assert client.get(path).status_code == 304
        assert client.get("static/js/").status_code == 404
        client.session.close()


def test_the_trading_desk_without_a_warehouse_is_a_sentence() -> None:
    with served(create_app(lambda: [Settings()], login)) as url:
        client = Client(url, LOGIN)
        reply = client.get("api/v1/desk")
        assert reply.status_code == 503
        assert reply.json() == {"error": "The trading desk is not set up yet; its log says what is missing."}
        client.session.close()
