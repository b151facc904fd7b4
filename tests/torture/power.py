"""What a disk holds after a power cut: a model of a file system that is sure to keep only what was synced."""

import itertools
import os
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

PAGE = 4096


@dataclass
class Recording:
    """The calls of one or several threads, in the order in which they took effect.

    A write counts from its end, a sync covers what was written before its start and counts from its end: so
    the disk of the model never holds more for certain than a real one.
    """

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[int, Any] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def intercept(self, name: str, real: Callable[..., Any], *arguments: Any) -> Any:
        """Makes the call and records it."""
        if name in ("fdatasync", "fsync"):
            number = next(self._numbers)
            with self._lock:
                synced = self._open.get(arguments[0])
                self.calls.append(("sync", number, synced))
            real(*arguments)
            with self._lock:
                self.calls.append(("synced", number))
            return None
        with self._lock:
            result = real(*arguments)
            self._record(name, arguments, result)
        return result

    def _record(self, name: str, arguments: tuple[Any, ...], result: Any) -> None:
        if name == "open":
            path, flags = arguments[0], arguments[1]
            if flags & os.O_CREAT:
                self._open[result] = next(self._numbers)
                self.calls.append(("create", path, self._open[result]))
            else:
                self._open[result] = path  # a folder
        elif name == "write":
            fd, data = arguments
            self.calls.append(("write", self._open[fd], bytes(data[:result])))
        elif name in ("rename", "unlink", "mkdir"):
            self.calls.append((name, *arguments[: 2 if name == "rename" else 1]))


class Disk:
    """The disk after some of the calls.

    Args:
        root: The only folder that is there before the first call.
    """

    def __init__(self, root: Path, calls: list[tuple[Any, ...]]) -> None:
        self.root = root
        self.written: dict[int, bytearray] = defaultdict(bytearray)
        self.synced: dict[int, int] = defaultdict(int)
        self._names: dict[Path, list[tuple[Any, ...]]] = defaultdict(list)
        self._synced_names: dict[Path, int] = defaultdict(int)
        under_way: dict[int, tuple[Any, int]] = {}
        for call in calls:
            match call:
                case "create" | "mkdir" | "unlink" as name, path, *file:
                    self._names[path.parent].append((name, path, *file))
                case "rename", old, new:
                    self._names[old.parent].append(("rename", old, new))
                case "write", file, data:
                    self.written[file] += data
                case "sync", number, Path() as folder:
                    under_way[number] = (folder, len(self._names[folder]))
                case "sync", number, file:
                    under_way[number] = (file, len(self.written[file]))
                case "synced", number:
                    synced, extent = under_way.pop(number)
                    lengths = self._synced_names if isinstance(synced, Path) else self.synced
                    lengths[synced] = max(lengths[synced], extent)

    def files(self, random: Random | None) -> dict[Path, bytes]:
        """The files that a reader sees now or, given chance, that are left after a power cut.

        Of what was not synced any part is left: changes of a folder in their order, the content of a file up
        to some length, and pages of it as zeros.
        """
        return {path: self._content(file, random) for path, file in self._entries(self.root, random).items()}

    def _entries(self, folder: Path, random: Random | None) -> dict[Path, int]:
        changes = self._names[folder]
        kept = len(changes) if random is None else random.randint(self._synced_names[folder], len(changes))
        files: dict[Path, int] = {}
        folders = []
        for name, path, *rest in changes[:kept]:
            if name == "create":
                files[path] = rest[0]
            elif name == "rename":
                files[rest[0]] = files.pop(path)
            elif name == "unlink":
                files.pop(path, None)
            else:
                folders.append(path)
        for path in folders:
            files |= self._entries(path, random)
        return files

    def _content(self, file: int, random: Random | None) -> bytes:
        content, synced = self.written[file], self.synced[file]
        if random is None:
            return bytes(content)
        kept = bytearray(content[: random.randint(synced, len(content))])
        if random.random() < 0.3:
            for start in range(synced, len(kept), PAGE):
                if random.random() < 0.5:
                    end = min(start + PAGE, len(kept))
                    kept[start:end] = bytes(end - start)
        return bytes(kept)
