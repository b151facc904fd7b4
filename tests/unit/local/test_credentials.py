"""The other commands find the warehouse of the running platform, or say that none runs."""

import json
import socket
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.local import credentials


@pytest.fixture(autouse=True)
def no_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)


def write(state: Path, port: int) -> str:
    url = f"postgresql://pipeline:secret@127.0.0.1:{port}/warehouse"
    airflow = {"url": "http://127.0.0.1:8080", "username": "admin", "password": "word"}
    credentials.write(state, **airflow, warehouse_url=url, analyst_url="")
    assert json.loads(credentials.path_in(state).read_text()) == {"airflow": airflow, "warehouse_url": url}
    return url


def test_the_file_is_private_and_names_the_warehouse_that_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = write(tmp_path, server.getsockname()[1])
        assert credentials.settings(tmp_path, tmp_path / ".env").warehouse_url == url
    assert credentials.path_in(tmp_path).stat().st_mode & 0o777 == 0o600


def test_without_the_file_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match=r"^make run is not up: start it"):
        credentials.settings(tmp_path, tmp_path / ".env")


def test_the_file_of_a_platform_that_was_stopped_is_not_believed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    write(tmp_path, port)
    with pytest.raises(TerminalError, match=r"^make run is not up: start it"):
        credentials.settings(tmp_path, tmp_path / ".env")


def test_a_warehouse_that_is_named_needs_no_file(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("WAREHOUSE_URL=postgresql://somebody@db.example/warehouse\n")
    assert credentials.settings(tmp_path, env).warehouse_url == "postgresql://somebody@db.example/warehouse"


def test_a_spoiled_file_is_reported(tmp_path: Path) -> None:
    credentials.path_in(tmp_path).write_text("{")
    with pytest.raises(TerminalError, match=r"credentials\.json cannot be read"):
        credentials.settings(tmp_path, tmp_path / ".env")


def test_psql_reads_as_analyst_and_writes_only_if_told_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        urls = {
            "warehouse_url": f"postgresql://pipeline@127.0.0.1:{port}/warehouse",
            "analyst_url": f"postgresql://analyst@127.0.0.1:{port}/warehouse",
        }
        credentials.write(tmp_path, url="", username="admin", password="word", **urls)
        assert credentials.analyst_url(tmp_path, tmp_path / ".env") == urls["analyst_url"]
        assert credentials.settings(tmp_path, tmp_path / ".env").warehouse_url == urls["warehouse_url"]
