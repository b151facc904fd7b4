"""`.env` is written once, complete and private; one that exists is never touched."""

import base64
from pathlib import Path

import pytest

from include.containers import secret_file
from include.containers.secret_file import SECRETS
from include.errors import TerminalError
from include.local.environment import load_environment
from include.settings import PROJECT_ROOT, Settings

EXAMPLE = PROJECT_ROOT / ".env.example"


def test_a_new_file_holds_every_secret_is_private_and_differs_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert secret_file.create(first, EXAMPLE)
    assert secret_file.create(second, EXAMPLE)
    assert first.stat().st_mode & 0o777 == 0o600
    values = secret_file.read(first)
    assert set(values) == set(SECRETS)
    secret_file.require(values)
    assert not set(values.values()) & set(secret_file.read(second).values())
    assert len(base64.urlsafe_b64decode(values["AIRFLOW_FERNET_KEY"])) == 32
    assert all(len(values[name]) >= 64 for name in ("AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET"))


def test_an_existing_file_is_never_changed(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("EXCHANGE_URL=ws://exchange:5050\n")
    file.chmod(0o644)
    assert not secret_file.create(file, EXAMPLE)
    assert file.read_text() == "EXCHANGE_URL=ws://exchange:5050\n"
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_generated_file_changes_nothing_for_make_run(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    secret_file.create(file, EXAMPLE)
    environment = load_environment(file, {})
    assert set(environment) == set(SECRETS)
    assert Settings.from_environment(environment) == Settings()


def test_missing_secrets_are_named_with_what_adds_them() -> None:
    values = dict.fromkeys(SECRETS, "long-enough") | {"REDIS_PASSWORD": ""}
    del values["ADMIN_PASSWORD"]
    with pytest.raises(
        TerminalError, match=r"does not set REDIS_PASSWORD, ADMIN_PASSWORD\. .*secrets >> \.env"
    ):
        secret_file.require(values)
    lines = secret_file.generated(secret_file.missing(values)).splitlines()
    assert [line.split("=")[0] for line in lines] == ["REDIS_PASSWORD", "ADMIN_PASSWORD"]


@pytest.mark.parametrize(
    "password", ["short", "with space in it", "p@ssword-with-at", "per%cent-sign", "sl/ash-slash"]
)
def test_a_password_that_would_break_a_url_is_refused_without_showing_it(password: str) -> None:
    values = dict.fromkeys(SECRETS, "long-enough") | {"PIPELINE_PASSWORD": password}
    with pytest.raises(TerminalError, match="PIPELINE_PASSWORD must be") as refused:
        secret_file.require(values)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("  export A = spaced ", "spaced"),
        ("A='quoted # kept'", "quoted # kept"),
        ('A="quoted"', "quoted"),
        ("A=value # comment", "value"),
        ("A=with#hash", "with#hash"),
        ("A=", ""),
        ("A=base64==", "base64=="),
    ],
)
def test_lines_are_read_as_compose_reads_them(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# a comment\n\n{line}\n")
    assert secret_file.read(file) == {"A": value}


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(TerminalError, match=r"\.env, line 2: write NAME=value"):
        secret_file.read(file)


def test_no_file_is_no_variables(tmp_path: Path) -> None:
    assert secret_file.read(tmp_path / ".env") == {}
