"""The audit finds whatever does not add up, and nothing else."""

from include.jobs import load_trades
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file


def problems(settings: Settings) -> list[str]:
    return [problem for file in audit.run(settings) for problem in file.problems]


def test_lines_that_wait_are_no_problem(settings: Settings) -> None:
    path = write_landing_file(settings.landing_root, landed([deal()]))
    (before,) = audit.run(settings)
    assert (before.line_count, before.waiting_lines, before.problems) == (0, 1, ())
    load_trades.run(settings)
    with path.open("ab") as file:
        file.write(landed([deal(id="2"), deal(id="3")]))
    (after,) = audit.run(settings)
    assert (after.line_count, after.loaded_count, after.waiting_lines, after.problems) == (1, 1, 2, ())


def test_a_lost_row_a_lost_line_and_a_lost_file(settings: Settings, database: Database) -> None:
    path = write_landing_file(settings.landing_root, landed([deal(id="1"), deal(id="2"), "{"]))
    load_trades.run(settings)
    assert problems(settings) == []
    database.rows("DELETE FROM raw.trades WHERE trade_id = '1'")
    assert problems(settings) == ["loaded_count: the ledger says 2, the tables hold 1"]
    path.write_bytes(path.read_bytes().replace(b"\n", b" ", 1))
    assert "2 lines up to the offset, the ledger says 3" in problems(settings)
    path.unlink()
    assert problems(settings) == ["the file is gone; restore it from a backup"]
