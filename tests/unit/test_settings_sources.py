"""`.env` completes the environment; commands find the warehouse of a running `make run`, or say so."""

import json
import socket
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.settings import (
    PROJECT_ROOT,
    Settings,
    analyst_url,
    command_settings,
    credentials_file,
    every_market,
    load_environment,
)


def test_without_a_file_the_environment_is_as_it_is(tmp_path: Path) -> None:
    assert load_environment(tmp_path / ".env", {"A": "1"}) == {"A": "1"}


def test_the_environment_wins_unless_it_is_empty(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('A=file\nB="of the file"\nC=3\nD=\n')
    found = load_environment(file, {"A": "own", "C": "", "E": "5"})
    assert found == {"A": "own", "B": "of the file", "C": "3", "E": "5"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("AIRFLOW_PORT 8080\n", 1),
        ("# fine\n\nA=1\nAIRFLOW_PORT\n", 4),
        ("A=1\n\n\n  this is no setting\n", 4),
        ('A="never closed\n', 1),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / ".env"
    file.write_text(text)
    with pytest.raises(TerminalError, match=rf"\.env, line {line}: write NAME=value"):
        load_environment(file, {})


def test_a_file_that_is_no_text_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(TerminalError, match="cannot be read"):
        load_environment(file, {})


def test_the_environment_can_name_another_file_and_the_tests_read_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".env"
    own.write_text("A=of the checkout\n")
    monkeypatch.setattr("include.settings.ENV_FILE", own)
    other = tmp_path / "other.env"
    other.write_text("B=2\n")
    assert load_environment(environ={})["A"] == "of the checkout"
    assert load_environment(environ={"ENV_FILE": str(other)}) == {"ENV_FILE": str(other), "B": "2"}
    assert "A" not in load_environment()


def test_the_example_holds_every_setting_with_its_default(tmp_path: Path) -> None:
    text, _ = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8").split("# --- containers", 1)
    assert load_environment(PROJECT_ROOT / ".env.example", {}) == {}
    file = tmp_path / ".env"
    file.write_text(
        "".join(f"{line[1:]}\n" for line in text.splitlines() if line[:1] == "#" and "=" in line[:40])
    )
    environment = load_environment(file, {})
    of_a_market = {"market", "is_first_market", "provider", "own_suffix", "is_simulated", "statement_formats"}
    names = set(Settings.__dataclass_fields__) - of_a_market | {"market_timezone"}
    assert set(environment) == {name.upper() for name in names}
    assert Settings.from_environment(environment).exchange_headers == (("Authorization", "Bearer token"),)
    for name in (
        "WAREHOUSE_URL",
        "AIRFLOW_DATABASE_URL",
        "ALERT_URLS",
        "REPORT_URLS",
        "EXCHANGE_HEADERS",
        "EXCHANGE_SUBSCRIBE",
        "STATEMENT_FOLDER",
    ):
        del environment[name]  # the example shows its form; the default is none
    roots = ("LANDING_ROOT", "DATA_DOCS_ROOT", "REPORT_ROOT")
    environment |= {name: str(PROJECT_ROOT / environment[name]) for name in roots}
    assert Settings.from_environment(environment) == Settings()


@pytest.fixture
def no_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)


def write_credentials(state: Path, port: int) -> dict[str, str]:
    """As `make run` does."""
    urls = {
        "warehouse_url": f"postgresql://pipeline:secret@127.0.0.1:{port}/warehouse",
        "analyst_url": f"postgresql://analyst:secret@127.0.0.1:{port}/warehouse",
    }
    credentials_file(state).write_text(json.dumps({"airflow": {}} | urls))
    return urls


@pytest.mark.usefixtures("no_warehouse")
def test_commands_use_the_warehouse_of_make_run_while_it_listens(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match=r"^make run is not up: start it"):
        command_settings(tmp_path, tmp_path / ".env")
    with socket.create_server(("127.0.0.1", 0)) as server:
        urls = write_credentials(tmp_path, server.getsockname()[1])
        assert command_settings(tmp_path, tmp_path / ".env").warehouse_url == urls["warehouse_url"]
        assert analyst_url(tmp_path, tmp_path / ".env") == urls["analyst_url"]
    with pytest.raises(TerminalError, match=r"^make run is not up: start it"):
        command_settings(tmp_path, tmp_path / ".env")


@pytest.mark.usefixtures("no_warehouse")
def test_commands_know_the_markets_of_make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        write_credentials(tmp_path, server.getsockname()[1])
        known = json.loads(credentials_file(tmp_path).read_text())
        file = PROJECT_ROOT / "docs/examples/two-markets.toml"
        credentials_file(tmp_path).write_text(json.dumps(known | {"markets_file": str(file)}))
        markets = [settings.market.market for settings in every_market(tmp_path, tmp_path / ".env")]
        assert markets == ["DE", "FI"]
        monkeypatch.setenv("MARKET", "fi")
        assert command_settings(tmp_path, tmp_path / ".env").market.market == "FI"


@pytest.mark.usefixtures("no_warehouse")
def test_a_warehouse_that_is_named_needs_no_credentials(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("WAREHOUSE_URL=postgresql://somebody@db.example/warehouse\n")
    for url in (command_settings(tmp_path, env).warehouse_url, analyst_url(tmp_path, env)):
        assert url == "postgresql://somebody@db.example/warehouse"


@pytest.mark.usefixtures("no_warehouse")
def test_spoiled_credentials_are_reported(tmp_path: Path) -> None:
    credentials_file(tmp_path).write_text("{")
    with pytest.raises(TerminalError, match=r"credentials\.json cannot be read"):
        command_settings(tmp_path, tmp_path / ".env")
