"""The audit from the command line: exit code 1 if a captured line is unaccounted for."""

import pytest

from include.commands import audit
from include.jobs import load_trades
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file


def test_the_command_fails_if_a_line_is_missing(
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "command_settings", lambda: settings)
    file = write_landing_file(settings.landing_root, landed([deal(id="1"), deal(id="2"), "{"]))
    load_trades.run(settings)
    assert audit.main() == 0
    sums = (
        "1 file, 3 lines = 2 trades and prices + 0 duplicates + 1 rejected + 0 events;"
        " 0 lines wait to be loaded"
    )
    assert capsys.readouterr().out.splitlines() == [sums, "every captured line is accounted for"]
    database.rows("DELETE FROM raw.trades WHERE trade_id = '1'")
    assert audit.main() == 1
    key = file.relative_to(settings.landing_root)
    problem = f"{key}: loaded_count: the ledger says 2, the tables hold 1"
    assert capsys.readouterr().out.splitlines() == [problem, sums, "1 problem"]
