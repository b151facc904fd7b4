"""How a command ends: with an exit code and at most a line, whatever it meets on the way."""

import io
import os
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import NoReturn

from include.errors import TerminalError, TransientError

INTERRUPTED = 130
"""As a shell says that Ctrl-C ended it."""


def end(main: Callable[[], int]) -> NoReturn:
    """Runs a command and ends the process with its exit code: 2 for arguments to one that takes none.

    1 after an error of ours, if a file or its output cannot be read or written, or if an argument is no text; a
    reader that closes the pipe has seen enough. A character that the terminal does not know is written as its
    escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        if sys.argv[1:] and not signature(main).parameters:
            code, line = 2, f"takes no arguments, not {sys.argv[1]!r}"
        else:
            code, line = main(), ""
        sys.stdout.flush()
    except BrokenPipeError:
        code, line = 1, ""
    except UnicodeEncodeError as error:
        code, line = 1, f"an argument holds characters that cannot be stored: {error.object!r}"
    except (OSError, TerminalError, TransientError) as error:
        code, line = 1, str(error)
    except KeyboardInterrupt:
        code, line = INTERRUPTED, "interrupted; repeat the command"
    if line:
        sys.stderr.write(f"{Path(sys.argv[0]).stem}: {line}\n")
    if code:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what could not be written is not tried again
    sys.exit(code)
