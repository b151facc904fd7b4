"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from include.errors import TerminalError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write to, which becomes the one at the path when the block ends, and is gone if it fails.

    Two may write the same path at once: the last one stays.

    Raises:
        TerminalError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise TerminalError(f"cannot write {path}: {error.strerror}") from error
