"""The environment that `make run` and its tools work with: the process's own, completed from `.env`."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from include.errors import TerminalError
from include.settings import PROJECT_ROOT

ENV_FILE = PROJECT_ROOT / ".env"


def load_environment(file: Path | None = None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment plus what only the file says; a variable that is set and not empty wins over the file.

    Args:
        file: Instead of the one that ENV_FILE names, or `.env` of the checkout.
        environ: Instead of the process's own.

    Raises:
        TerminalError: A line of the file is no `NAME=value`; the message names file and line.
    """
    own = dict(os.environ if environ is None else environ)
    file = file or Path(own.get("ENV_FILE") or ENV_FILE)
    if not file.exists():
        return own
    try:
        with file.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                if binding.error or (binding.key is not None and binding.value is None):
                    # A statement begins with the blank lines before it.
                    text = binding.original.string
                    blank = text[: len(text) - len(text.lstrip())]
                    line = binding.original.line + blank.count("\n")
                    raise TerminalError(f"{file}, line {line}: write NAME=value or put a # before it")
        found = {name: value for name, value in dotenv_values(file, encoding="utf-8").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalError(f"{file} cannot be read ({error}): mend it or remove it") from error
    return own | {name: value for name, value in found.items() if not own.get(name)}
