"""The page and its files: served to who is logged in, asked for again only when they changed."""

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
    (tmp_path / "index.html").write_text("<h1>Trading desk</h1>")
    (tmp_path / "js" / "main.js").write_text("export {};")
    monkeypatch.setattr(module, "PAGE", tmp_path)
    return tmp_path


def test_the_page_needs_no_warehouse_and_its_files_are_kept_until_they_change(page: Path) -> None:
    with served(create_app(Settings, login)) as url:
        client = Client(url, LOGIN)
        assert client.get("").text == "<h1>Trading desk</h1>"
        script = client.get("static/js/main.js")
        assert (script.text, script.headers["X-Content-Type-Options"]) == ("export {};", "nosniff")
        assert "javascript" in script.headers["Content-Type"]
        client.session.headers["If-None-Match"] = script.headers["ETag"]
        assert client.get("static/js/main.js").status_code == 304
        (page / "js" / "main.js").write_text("export const changed = 1;")
        assert client.get("static/js/main.js").status_code == 200
        assert client.get("static/js/").status_code == 404
        client.session.close()


def test_the_trading_desk_without_a_warehouse_is_a_sentence() -> None:
    with served(create_app(Settings, login)) as url:
        client = Client(url, LOGIN)
        reply = client.get("api/v1/desk")
        assert reply.status_code == 503
        assert reply.json() == {"error": "The trading desk is not set up yet; its log says what is missing."}
        client.session.close()
