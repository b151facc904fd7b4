"""What the drill decides without an engine: which steps, what is copied, when it is skipped."""

from pathlib import Path

import pytest

from tools.containers import __main__ as drill
from tools.containers import isolation, scenarios
from tools.containers.report import DrillError, Report, expect


def test_all_steps_are_chosen_or_those_that_are_named_with_what_they_need() -> None:
    assert scenarios.chosen([]) == {name: list(steps) for name, steps in scenarios.STEPS.items()}
    assert scenarios.chosen(["celery:kill", "local:down"]) == {
        "local": ["start", "down"],
        "celery": ["start", "kill"],
    }
    assert list(scenarios.chosen(["celery", "files:secret"])) == ["files", "celery"]
    with pytest.raises(ValueError, match="no such step: local:fly"):
        scenarios.chosen(["local:fly"])


def test_without_an_engine_it_is_skipped_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert drill.main([]) == 0
    assert capsys.readouterr().out.startswith("skipped: Docker with Compose v2 is missing")


def test_the_copy_holds_neither_secrets_nor_data_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    isolation.copy_checkout(checkout)
    (checkout / ".env").write_text("ADMIN_PASSWORD=mine\n")
    (checkout / ".local").mkdir()
    monkeypatch.setattr(isolation, "PROJECT_ROOT", checkout)
    isolation.copy_checkout(tmp_path / "copy")
    assert not {".env", ".local"} & {path.name for path in (tmp_path / "copy").iterdir()}
    assert (tmp_path / "copy" / "docker-compose.yaml").is_file()


def test_no_setting_of_the_shell_reaches_the_installations(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE_URL", "POSTGRES_PASSWORD", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME", "IMAGE"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("DOCKER_HOST", "unix:///engine")
    monkeypatch.setenv("POSTGRES_IMAGE", "registry/postgres")
    found = isolation.clean_environment()
    assert "mine" not in found.values()
    assert found["DOCKER_HOST"] == "unix:///engine"
    assert found["POSTGRES_IMAGE"] == "registry/postgres"  # what can be had is a matter of the engine


def test_what_is_wrong_is_in_the_table_and_decides() -> None:
    report = Report(step="local:kill")
    report.add("kill -9 capture", "healthy again", 10.61)
    assert report.is_right
    report.add("kill -9 redis", "not within 240 s", is_right=False)
    assert not report.is_right
    assert report.table().splitlines()[2:] == [
        "| local:kill | kill -9 capture | 10.6    | healthy again           |",
        "| local:kill | kill -9 redis   |         | WRONG: not within 240 s |",
    ]


def test_a_failed_expectation_says_its_sentence() -> None:
    expect([1], "never said")
    with pytest.raises(DrillError, match="capture was interrupted"):
        expect([], "capture was interrupted")
    with pytest.raises(DrillError, match="not within 0 s: the end of time"):
        Report().wait_for(lambda: None, 0, "the end of time")
