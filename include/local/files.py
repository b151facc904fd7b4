"""Private files and folders: small files that survive restarts are written whole or not at all."""

import json
import os
import secrets
from pathlib import Path

from include.errors import TerminalError


def write_private(path: Path, text: str) -> None:
    """Replaces the file at once; mode 600."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def private_folder(path: Path, is_searched: bool = False) -> Path:
    """Makes the folder, or takes back what others may do in it; mode 700.

    Args:
        path: With its parents.
        is_searched: Another account has to reach something in it whose name it knows; mode 711.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o711 if is_searched else 0o700)
    return path


def make_private(folder: Path) -> None:
    """Takes back what others may do with our files and folders that lie in the folder itself."""
    for entry in folder.iterdir():
        if not entry.is_symlink() and entry.stat().st_uid == os.geteuid():
            entry.chmod(0o700 if entry.is_dir() else 0o600)


class Secrets:
    """Generated passwords and keys, by name; each is made when first asked for and kept.

    Args:
        path: The JSON file that keeps them.
        size: Random bytes in each.
    """

    def __init__(self, path: Path, size: int = 24) -> None:
        self._path = path
        self._size = size
        try:
            self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        except ValueError as error:
            raise TerminalError(f"{path} is damaged: restore it, or remove {path.parent}") from error

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = secrets.token_urlsafe(self._size)
            write_private(self._path, json.dumps(self._values, indent=1) + "\n")
        return self._values[name]
