"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from include.errors import TerminalError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write to, which becomes the one at the path when the block ends, and is gone if it fails.

    Two may write the same path at once: the last one stays. Of a link it is the file that it leads to.

    Raises:
        TerminalError: It cannot be written, or there is something else than a file, such as /dev/stdout.
    """
    file = path.resolve()
    part = file.with_name(f".{file.name}.{uuid4().hex}.part")
    try:
        if file.exists() and not file.is_file():
            raise TerminalError(f"cannot write {path}: it is no file")
        try:
            yield part
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise TerminalError(f"cannot write {path}: {error.strerror}") from error
