"""Every command ends with a line and a code, never with a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.commands.ending import INTERRUPTED
from include.settings import PROJECT_ROOT

COMMANDS = sorted(
    path for path in (PROJECT_ROOT / "include" / "commands").glob("*.py") if "def main(" in path.read_text()
)


def ended(body: str, stdout: str = "", encoding: str = "utf-8") -> tuple[int, str, str]:
    """Exit code, output and errors of a command whose main has this body."""
    code = (
        f"import os\nfrom include.commands.ending import end\ndef main():\n    {body}\n    return 0\nend(main)"
    )
    with Path(stdout or "/dev/null").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT_ROOT,
            env={"PYTHONIOENCODING": encoding},
            stdout=file if stdout else subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
    return done.returncode, (done.stdout or b"").decode(encoding), done.stderr.decode()


@pytest.mark.parametrize(
    ("body", "code", "error"),
    [
        ("pass", 0, ""),
        ("return 3", 3, ""),
        ("raise PermissionError(13, 'Permission denied', 'a.csv')", 1, "[Errno 13] Permission denied: 'a.csv'"),
        ("'\\udcff'.encode()", 1, "an argument holds characters that cannot be stored: '\\udcff'"),
        ("raise BrokenPipeError", 1, ""),
        ("from include.errors import TerminalError; raise TerminalError('no warehouse')", 1, "no warehouse"),
        ("from include.errors import TransientError; raise TransientError('away')", 1, "away"),
        ("raise KeyboardInterrupt", INTERRUPTED, "interrupted; repeat the command"),
    ],
)
def test_the_code_and_the_line(body: str, code: int, error: str) -> None:
    assert ended(body) == (code, "", f"-c: {error}\n" if error else "")


@pytest.mark.parametrize("body", ["print('x')", "print('x' * 10_000_000)"])
def test_an_output_that_cannot_be_written(body: str) -> None:
    code, _, error = ended(body, stdout="/dev/full")
    assert (code, error) == (1, "-c: [Errno 28] No space left on device\n")


def test_a_reader_that_has_seen_enough() -> None:
    body = "r, w = os.pipe(); os.dup2(w, 1); os.close(r); os.close(w); print('x')"
    assert ended(body) == (1, "", "")


def test_a_character_that_the_terminal_does_not_know() -> None:
    assert ended("print('Jörg \\u0639')", encoding="latin-1") == (0, "Jörg \\u0639\n", "")


@pytest.mark.parametrize("command", ["audit", "dictionary", "freshness"])
def test_one_that_takes_no_arguments_says_so(command: str) -> None:
    arguments = [sys.executable, "-m", f"include.commands.{command}", "MARKET=FI"]
    done = subprocess.run(arguments, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"{command}: takes no arguments, not 'MARKET=FI'\n")


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_each_command_ends_so(path: Path) -> None:
    assert path.read_text().endswith('\n\nif __name__ == "__main__":\n    end(main)\n')
