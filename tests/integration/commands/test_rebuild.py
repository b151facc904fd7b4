"""A rebuild from the command line."""

from typing import Any

import pytest

from include.commands import rebuild
from include.errors import TerminalError
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file
from tests.passes import validate_landed


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """The command against this test's warehouse."""
    monkeypatch.setattr(rebuild, "command_settings", lambda: settings)
    return lambda *arguments: rebuild.main(arguments)


def test_the_command_rebuilds_the_days_and_says_what_changed(
    settings: Settings, database: Database, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write_landing_file(settings.landing_root, landed([deal(id="1"), deal(id="2", delivery_day="2026-03-03")]))
    validate_landed(settings)
    assert command("--from", "2026-03-01", "--to", "2026-03-02", "--reload") == 0
    assert capsys.readouterr().out == "2 delivery days: 1 row built, 1 changed\n"
    assert database.rows("SELECT delivery_day::text FROM curated.pnl_hourly") == [("2026-03-02",)]
    assert database.value("SELECT rebuild_id FROM ops.rebuilds") == "make rebuild 2026-03-01 2026-03-02 reload"


def test_a_mistake_is_one_line(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TerminalError) as error:
        command("--from", "2026-03-03", "--to", "2026-03-02")
    assert capsys.readouterr() == ("", "")
    assert str(error.value) == "from 2026-03-03 is after to 2026-03-02: the first delivery day comes first"
