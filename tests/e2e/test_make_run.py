"""What `make run` starts, on free ports: trades and prices to PnL, compared with the specification."""

import json
from collections.abc import Iterator
from datetime import date

import pytest

from include.load import audit
from include.local import leftovers
from tests.e2e.platform import LONGEST_STOP_SECONDS, Platform, running_platform
from tests.e2e.specification import assert_built_as_specified
from tests.factories import Database

_LONGEST_START_SECONDS = 300.0
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("run") / "state") as platform:
        yield platform


def test_priced_pnl_without_a_click(platform: Platform, database: Database) -> None:
    priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
    assert platform.wait_for(lambda: database.value(priced), _LONGEST_START_SECONDS) > 0


def test_credentials_are_private_and_log_in(platform: Platform) -> None:
    assert (platform.state / "credentials.json").stat().st_mode & 0o777 == 0o600
    mine = [platform.state, *platform.state.iterdir()]
    assert [path.name for path in mine if path.stat().st_mode & 0o066] == []  # root's may be searched
    for dag in ("refresh_pnl", "reconcile_trades"):
        runs = platform.call("GET", f"dags/{dag}/dagRuns")["dag_runs"]
        assert runs
        assert all(run["state"] != "failed" for run in runs)


def test_every_column_equals_the_specification(platform: Platform) -> None:
    assert assert_built_as_specified(platform) > 0


def test_both_lines_capture(platform: Platform, database: Database) -> None:
    def both() -> bool | None:
        files = [path.name for path in (platform.settings().landing_root / "trades").rglob("*.jsonl")]
        lines = {name.split("-")[0] for name in files}
        return lines >= {"standalone", "airflow"} or None

    assert platform.wait_for(both, 120)


def test_every_line_is_accounted_for(platform: Platform) -> None:
    assert not [problem for file in audit.run(platform.settings()) for problem in file.problems]


def test_the_report_says_the_same(platform: Platform, database: Database) -> None:
    from include import report

    day: date = database.value("SELECT min(delivery_day) FROM curated.pnl_hourly")
    text = report.to_text(report.run(platform.settings(), day))
    for (label,) in database.rows(
        "SELECT delivery_hour FROM curated.pnl_hourly WHERE delivery_day = %s", (day,)
    ):
        assert f"{day} {label}" in text


def test_sigterm_ends_everything_and_a_restart_goes_on(platform: Platform) -> None:
    """The last test of the module: it stops the platform."""
    landed = platform.state / "landing" / "trades"
    assert platform.stop() < LONGEST_STOP_SECONDS
    assert leftovers.find(platform.state) == []
    last = max(landed.rglob("standalone-*.jsonl"), key=lambda path: path.stat().st_mtime)
    assert json.loads(last.read_bytes().splitlines()[-1])["event"] == "closed"
    platform.start()
    with platform.database() as database:
        assert database.value("SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL") > 0
        platform.wait_for(lambda: len(list(landed.rglob("standalone-*.jsonl"))) > 1, 60)
