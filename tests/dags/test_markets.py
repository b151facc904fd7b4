"""A set of DAGs a market, and the market that follows from a DAG."""

from pathlib import Path

import pytest

from include.errors import TerminalError
from include.orchestration.markets import settings_of
from include.settings import PROJECT_ROOT
from tests.dags.test_policy import DAGS, load

OF_A_MARKET = ("capture_trades", "hourly_pnl", "rebuild_pnl", "reconcile_trades", "refresh_pnl", "report_pnl")


@pytest.fixture
def two_markets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MARKETS_FILE", str(PROJECT_ROOT / "docs" / "examples" / "two-markets.toml"))
    monkeypatch.setenv("LANDING_ROOT", str(tmp_path))


@pytest.mark.usefixtures("two_markets")
@pytest.mark.parametrize("name", OF_A_MARKET)
def test_the_first_market_keeps_the_plain_name(name: str) -> None:
    german, finnish = getattr(load(DAGS / f"{name}.py"), name)()
    assert (german.dag_id, finnish.dag_id) == (name, f"{name}__fi")
    assert german.task_ids == finnish.task_ids
    assert german.doc_md == finnish.doc_md
    assert (german.fileloc, finnish.fileloc) == (str(DAGS / f"{name}.py"),) * 2
    assert set(finnish.tags) - set(german.tags) == {"FI"}
    assert settings_of(german.dag_id).market.market == "DE"
    assert settings_of(finnish.dag_id).market.market == "FI"


@pytest.mark.parametrize("name", OF_A_MARKET)
def test_one_market_has_no_more_than_the_plain_names(name: str) -> None:
    (only,) = getattr(load(DAGS / f"{name}.py"), name)()
    assert only.dag_id == name
    assert "DE" not in only.tags


@pytest.mark.usefixtures("two_markets")
def test_a_dag_without_a_market_any_more_says_so() -> None:
    assert settings_of("clean_up").market.market == "DE"
    assert settings_of("").market.market == "DE"
    with pytest.raises(TerminalError, match="the market of the DAG hourly_pnl__at is not in MARKETS_FILE"):
        settings_of("hourly_pnl__at")


@pytest.mark.usefixtures("two_markets")
def test_each_market_announces_its_own_days_to_its_own_report() -> None:
    names = []
    for refresh, report in zip(*(getattr(load(DAGS / f"{n}.py"), n)() for n in OF_A_MARKET[-2:]), strict=True):
        (outlet,) = refresh.get_task("announce_final_days").outlets
        assert report.schedule.asset_condition.name == outlet.name
        names.append(outlet.name)
    assert names == ["curated.pnl_daily", "curated.pnl_daily__fi"]
