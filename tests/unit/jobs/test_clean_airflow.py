"""The process that cleans up Airflow: found, and its failures told apart."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from include.errors import TerminalError, TransientError
from include.jobs import clean_airflow
from include.settings import Settings

SETTINGS = replace(Settings(), airflow_database_url="postgresql+psycopg2://airflow@db/airflow")


def ends(monkeypatch: pytest.MonkeyPatch, code: int, stdout: str, stderr: str) -> list[Any]:
    """The process will end like this; the command lines that were run."""
    lines: list[Any] = []

    def run(line: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        lines.append(line)
        return subprocess.CompletedProcess(line, code, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return lines


def test_the_counts_are_the_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ends(monkeypatch, 0, 'a warning\n{"runs": 3, "log_files": 5}\n', "Checking table log\n")
    assert clean_airflow.run(SETTINGS) == {"runs": 3, "log_files": 5}
    assert lines == [[sys.executable, *clean_airflow.COMMAND]]
    assert importlib.util.find_spec(clean_airflow.COMMAND[-1]) is not None


@pytest.mark.parametrize(("stderr", "why"), [("Traceback\nOperationalError: gone\n", "gone"), ("", "nothing")])
def test_a_failure_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch, stderr: str, why: str) -> None:
    ends(monkeypatch, 1, "", stderr)
    with pytest.raises(TransientError, match=why):
        clean_airflow.run(SETTINGS)


def test_without_the_address_of_airflows_database_nothing_can_be_done() -> None:
    with pytest.raises(TerminalError, match="AIRFLOW_DATABASE_URL is not set"):
        clean_airflow.run(Settings())
