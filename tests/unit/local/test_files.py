"""Secrets survive, and only their owner reads them."""

from pathlib import Path

from include.local.files import Secrets, write_private


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = Secrets(path)["admin"]
    assert len(first) >= 24
    assert Secrets(path)["admin"] == first
    assert Secrets(path)["other"] != first


def test_the_file_is_private_even_if_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
