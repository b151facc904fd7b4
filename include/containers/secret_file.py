"""`.env` for the containers: written once with generated secrets, never changed afterwards."""

import base64
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from include.errors import TerminalError


def _password() -> str:
    """192 random bits of characters that need no quoting in a URL, a shell or YAML."""
    return secrets.token_urlsafe(24)


def _key() -> str:
    return secrets.token_urlsafe(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


SECRETS: Mapping[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": _password,
    "AIRFLOW_DB_PASSWORD": _password,
    "PIPELINE_PASSWORD": _password,
    "ANALYST_PASSWORD": _password,
    "REDIS_PASSWORD": _password,
    "ADMIN_PASSWORD": _password,
    "VIEWER_PASSWORD": _password,
    "AIRFLOW_SECRET_KEY": _key,
    "AIRFLOW_JWT_SECRET": _key,
    "AIRFLOW_FERNET_KEY": _fernet_key,
}
"""What the compose file cannot do without, and how each is made."""

_SAFE = re.compile(r"[A-Za-z0-9._~-]+=?")
_SHORTEST = 8


def read(file: Path) -> dict[str, str]:
    """The variables of a file of lines NAME=value, as compose reads them; empty without a file.

    Raises:
        TerminalError: The file cannot be read, or a line is neither empty, nor a comment, nor NAME=value.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalError(f"{file} cannot be read ({error}): mend it or move it away") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", line)
        if match is None:
            raise TerminalError(f"{file}, line {number}: write NAME=value or put a # before it")
        name, value = match.groups()
        if quoted := re.fullmatch(r"(['\"])(.*)\1", value):
            value = quoted[2]
        else:
            value = re.split(r"\s+#", value, maxsplit=1)[0]
        found[name] = value
    return found


def create(file: Path, example: Path) -> bool:
    """Writes the example with a generated value for each secret, mode 600; whether there was none yet."""
    lines = []
    for line in example.read_text(encoding="utf-8").splitlines():
        name = line.removeprefix("#").split("=", 1)[0]
        lines.append(f"{name}={SECRETS[name]()}" if name in SECRETS else line)
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return True


def missing(values: Mapping[str, str]) -> list[str]:
    """The secrets that have no value."""
    return [name for name in SECRETS if not values.get(name)]


def generated(names: list[str]) -> str:
    """Lines for `.env` with new values for these secrets."""
    return "".join(f"{name}={SECRETS[name]()}\n" for name in names)


def require(values: Mapping[str, str]) -> None:
    """Checks that every secret is there and can stand in a URL as it is.

    Raises:
        TerminalError: One is not; the message names it and says what to do, and shows no value.
    """
    if names := missing(values):
        raise TerminalError(
            f".env does not set {', '.join(names)}. It is yours and is not changed; this adds new values: "
            "python3 -m include.containers secrets >> .env"
        )
    for name in SECRETS:
        if not _SAFE.fullmatch(values[name]) or len(values[name]) < _SHORTEST:
            raise TerminalError(
                f"{name} must be {_SHORTEST} or more letters, digits and . _ ~ - only: it becomes part of URLs"
            )
