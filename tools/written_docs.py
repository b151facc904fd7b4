"""Pages of docs of which a command writes a part, between two marks."""

import subprocess
from pathlib import Path

from include.settings import PROJECT_ROOT


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replaces what stands between two marks of a page."""
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + text + end + rest.split(end)[1])


def short_commit() -> str:
    """The commit that is checked out, as a page names it."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout.strip()
