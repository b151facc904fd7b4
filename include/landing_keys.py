"""Keys of landing files: their paths below LANDING_ROOT as texts that can be stored, each of one path only.

Bytes that are not UTF-8 are written like `\\xff`. So is a backslash, `\\x5c`, before what would be read as such
a byte. All other paths are their own keys.
"""

import os
import re
from pathlib import Path

_ESCAPE = re.compile(rb"\\x(5c|[89a-f][0-9a-f])")


def landing_key(root: Path, path: Path) -> str:
    """The key of a file or folder below LANDING_ROOT."""
    return escaped_name(os.fsencode(path.relative_to(root)))


def escaped_name(name: bytes) -> str:
    """A name of a file or folder, as it is in a key."""
    return _ESCAPE.sub(rb"\\x5cx\1", name).decode("utf-8", "backslashreplace")


def landing_path(root: Path, key: str) -> Path:
    """The path of the file or folder with this key below LANDING_ROOT."""
    return root / os.fsdecode(_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), key.encode()))
