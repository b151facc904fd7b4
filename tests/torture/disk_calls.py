"""The calls with which the landing store changes the disk: recorded, refused, or the last ones."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from include import landing, landing_writer

Intercept = Callable[..., Any]
"""Called as intercept(name, real, *arguments); makes the call or does not."""

CALLS = ("mkdir", "open", "flock", "write", "fdatasync", "rename", "fsync", "close", "unlink")


class _Module:
    """A module with some functions passed through `intercept`."""

    def __init__(self, module: Any, names: tuple[str, ...], intercept: Intercept) -> None:
        self._module = module
        for name in names:
            setattr(self, name, self._wrapped(name, getattr(module, name), intercept))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    @staticmethod
    def _wrapped(name: str, real: Callable[..., Any], intercept: Intercept) -> Callable[..., Any]:
        return lambda *arguments: intercept(name, real, *arguments)


@contextmanager
def intercepted(root: Path, intercept: Intercept) -> Iterator[None]:
    """Passes each call of the landing store in this process that may change what lies below the root.

    Opening and locking a file to read it are passed as well.
    """

    def method(name: str) -> Callable[..., Any]:
        real = getattr(Path, name)

        def wrapped(self: Path, *arguments: Any, **options: Any) -> Any:
            if root not in self.parents and self != root:
                return real(self, *arguments, **options)
            return intercept(name, lambda *paths: real(*paths, **options), self, *arguments)

        return wrapped

    system = _Module(os, ("open", "write", "fdatasync", "fsync", "close"), intercept)
    locks = _Module(landing.fcntl, ("flock",), intercept)
    paths = {name: method(name) for name in ("mkdir", "rename", "unlink")}
    with (
        patch.object(landing, "os", system),
        patch.object(landing_writer, "os", system),
        patch.object(landing, "fcntl", locks),
        patch.object(landing_writer, "fcntl", locks),
        patch.multiple(Path, **paths),
    ):
        yield


def visible_files(root: Path) -> list[Path]:
    """All files below the root, those without their final name included."""
    return sorted(path for path in root.rglob("*") if path.is_file())
