"""The commands of make say in a sentence what is missing, and serve both ways of running."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from include.containers import __main__ as command
from include.containers.engine import Engine, placeholders
from include.containers.secret_file import SECRETS
from include.errors import TerminalError
from include.settings import PROJECT_ROOT

FAKE = """#!/bin/sh
case "$*" in
  version*) exit ${ENGINE_CODE:-0} ;;
  "compose version") exit ${V2_CODE:-0} ;;
  ps*) [ -z "$RUNNING" ] || printf 'desk-postgres-1\\tpostgres\\tUp 2 minutes (healthy)\\n' ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a docker of the test's own, and a checkout where nothing runs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "docker-compose"):
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(command, "LOCAL_ROOT", tmp_path / ".local")
    for name in ("COMPOSE", "STACK", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".local").mkdir()
    return folder


def engine(programs: Path, **environment: str) -> Engine:
    return Engine(PROJECT_ROOT, {"PATH": f"{programs}:/usr/bin:/bin", **environment})


def test_either_version_of_compose_is_used_the_newer_one_first(programs: Path) -> None:
    assert engine(programs).compose(())[:2] == ["docker", "compose"]
    assert engine(programs, V2_CODE="1").compose(())[0] == "docker-compose"
    assert engine(programs, COMPOSE="docker-compose").compose(())[0] == "docker-compose"


def test_a_missing_engine_is_a_sentence(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TerminalError, match=r"no Docker engine answers .*or use make run"):
        engine(programs, ENGINE_CODE="1")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(TerminalError, match=r"Docker is missing: install it .*or use make run"):
        Engine(PROJECT_ROOT, {})


def test_the_stack_is_the_one_that_runs(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not command._is_in_containers({}, "psql")
    monkeypatch.setenv("RUNNING", "1")
    assert command._is_in_containers({}, "psql")
    with (command.LOCAL_ROOT / "run.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not command._is_in_containers({}, "psql")
        assert "both up: this is make run; make psql STACK=containers" in capsys.readouterr().err
        assert command._is_in_containers({"STACK": "containers"}, "psql")
        monkeypatch.delenv("RUNNING")
        assert not command._is_in_containers({}, "psql")
    assert not command._is_in_containers({"STACK": "run"}, "psql")
    with pytest.raises(TerminalError, match="STACK must be run or containers"):
        command._is_in_containers({"STACK": "other"}, "psql")


def test_logs_of_make_run_are_its_files(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TerminalError, match="nothing runs: make run or make up starts it"):
        command._logs({}, "")
    (command.LOCAL_ROOT / "logs").mkdir()
    (command.LOCAL_ROOT / "logs" / "capture.log").write_text("a line\n")
    (programs / "tail").write_text('#!/bin/sh\necho "$@"\n')
    (programs / "tail").chmod(0o755)
    assert command._logs({}, "capture") == 0
    assert capfd.readouterr().out.strip().endswith("-F " + str(command.LOCAL_ROOT / "logs" / "capture.log"))
    with pytest.raises(TerminalError, match="no part of make run is called nonsense"):
        command._logs({}, "nonsense")


def test_stopping_needs_no_secrets() -> None:
    assert set(placeholders({})) == set(SECRETS)
    assert placeholders(dict.fromkeys(SECRETS, "there")) == {}


def test_it_needs_no_package_beside_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(PROJECT_ROOT)!r});"
         "import include.containers.__main__; print('fine')"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "fine\n", done.stderr
