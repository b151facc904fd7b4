"""Secrets survive, and only their owner reads them and the folders they lie in."""

from pathlib import Path

from include.local.files import Secrets, make_private, private_folder, write_private


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


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_is_private_even_if_it_was_not(tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o777)
    open_folder.chmod(0o777)
    assert mode(private_folder(open_folder)) == 0o700
    assert mode(private_folder(tmp_path / "a" / "new")) == 0o700
    assert mode(private_folder(open_folder, is_searched=True)) == 0o711


def test_what_an_earlier_release_left_open_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir(mode=0o755)
    (tmp_path / "run.lock").touch(mode=0o644)
    outside = tmp_path / "landing" / "elsewhere"
    outside.touch(mode=0o644)
    (tmp_path / "link").symlink_to(outside)
    make_private(tmp_path)
    assert (mode(tmp_path / "landing"), mode(tmp_path / "run.lock"), mode(outside)) == (0o700, 0o600, 0o644)
