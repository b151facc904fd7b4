"""`.env` is written once, complete and private; one that exists is never touched."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from include.containers import env_file
from include.containers.env_file import SECRETS
from include.settings import PROJECT_ROOT, Settings, load_environment

EXAMPLE = PROJECT_ROOT / ".env.example"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without `.env`, and an environment that sets nothing of it."""
    (tmp_path / ".env.example").write_text(EXAMPLE.read_text(encoding="utf-8"))
    for name in (*SECRETS, "COMPOSE_PROFILES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_new_file_holds_every_secret_is_private_and_differs_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert env_file.create(first, EXAMPLE)
    assert env_file.create(second, EXAMPLE)
    assert first.stat().st_mode & 0o777 == 0o600
    values, others = load_environment(first, {}), load_environment(second, {})
    assert values.pop("COMPOSE_PROFILES") == others.pop("COMPOSE_PROFILES") == "demo"
    folders = {found.pop("CONTAINER_STATEMENT_FOLDER") for found in (values, others)}
    assert folders == {"/var/lib/desk/statements"}
    assert set(values) == set(SECRETS)
    assert not set(values.values()) & set(others.values())
    assert len(base64.urlsafe_b64decode(values["AIRFLOW_FERNET_KEY"])) == 32
    assert all(len(values[name]) >= 64 for name in ("AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET"))
    assert Settings.from_environment(values) == Settings()  # nothing changes for make run


def test_an_existing_file_is_never_changed_and_what_it_lacks_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / ".env"
    before = "".join(f"{name}=long-enough\n" for name in SECRETS if name != "ADMIN_PASSWORD")
    file.write_text(before.replace("REDIS_PASSWORD=long-enough", " export REDIS_PASSWORD = "))
    file.chmod(0o644)
    unchanged = file.read_text()
    assert env_file.main([], root) == 2
    told = ".env does not set REDIS_PASSWORD, ADMIN_PASSWORD, COMPOSE_PROFILES: make secrets >> .env adds it\n"
    assert capsys.readouterr().err == told
    assert file.read_text() == unchanged
    assert file.stat().st_mode & 0o777 == 0o644

    assert env_file.main(["--missing"], root) == 0
    file.write_text(unchanged + capsys.readouterr().out)
    assert env_file.main([], root) == 0
    assert set(load_environment(file, {})) == {*SECRETS, "COMPOSE_PROFILES"}


@pytest.mark.parametrize(
    "line",
    ["REDIS_PASSWORD=''", 'REDIS_PASSWORD=""', "REDIS_PASSWORD= # later", "REDIS_PASSWORD=x\nREDIS_PASSWORD="],
)
def test_what_compose_reads_as_no_value_is_missing(root: Path, line: str) -> None:
    (root / ".env").write_text(line + "\n")
    assert env_file.missing(
        root / ".env", dict.fromkeys(set(SECRETS) - {"REDIS_PASSWORD"}, "of the shell")
    ) == [
        "REDIS_PASSWORD",
        "COMPOSE_PROFILES",
    ]


def test_a_last_line_without_an_end_stays_a_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root / ".env"
    file.write_text("EXCHANGE_URL=wss://exchange.example")
    assert env_file.main(["--missing"], root) == 0
    file.write_text(file.read_text() + capsys.readouterr().out)
    assert load_environment(file, {})["EXCHANGE_URL"] == "wss://exchange.example"
    assert env_file.missing(file, {}) == []


def test_a_file_that_only_the_shell_has_made_becomes_private(root: Path) -> None:
    """As in `make secrets >> .env` before the first `make up`, which every command of Compose advises."""
    file = root / ".env"
    file.touch(0o644)
    assert env_file.main(["--missing"], root) == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_profile_is_a_choice_and_the_environment_counts(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert env_file.main([], root) == 0
    assert capsys.readouterr().out.startswith("wrote .env with generated secrets")
    file = root / ".env"
    file.write_text(file.read_text().replace("COMPOSE_PROFILES=demo", "COMPOSE_PROFILES="))
    assert env_file.missing(file, {}) == []
    file.write_text("COMPOSE_PROFILES=demo\n")
    assert env_file.missing(file, dict.fromkeys(SECRETS, "of the shell")) == []


def test_it_needs_no_package_beside_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(PROJECT_ROOT)!r});"
         "import include.containers.env_file; print('fine')"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "fine\n", done.stderr
