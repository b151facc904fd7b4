"""A file appears whole or not at all, and never in place of what is no file."""

import os
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.whole_file import whole_file


def write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text)


def test_the_file_is_replaced_and_one_that_fails_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, "one")
    write(path, "two")
    with pytest.raises(TypeError), whole_file(path) as part:
        part.write_text(3)  # type: ignore[arg-type]
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "a.csv"
    link.symlink_to(path)
    write(link, "text")
    assert link.is_symlink()
    assert path.read_text() == "text"


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_device_stays_one(tmp_path: Path, is_linked: bool) -> None:
    """Root may replace /dev/null, and /dev/stdout is a link to a pipe."""
    pipe, path = tmp_path / "pipe", tmp_path / ("link" if is_linked else "pipe")
    os.mkfifo(pipe)
    if is_linked:
        path.symlink_to(pipe)
    with pytest.raises(TerminalError, match=f"cannot write {path}: it is no file"):
        write(path, "text")
    assert pipe.is_fifo()
    assert path.is_symlink() == is_linked
