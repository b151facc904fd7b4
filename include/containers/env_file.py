"""`.env` for the containers, written once with generated secrets: `python3 -m include.containers.env_file`.

`make up` runs it before Compose; it needs no package.
"""

import argparse
import base64
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


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

_PROFILES = "COMPOSE_PROFILES"
_SET_BY_US: Mapping[str, Callable[[], str]] = {**SECRETS, _PROFILES: lambda: "demo"}
_OF_DEMO: Mapping[str, Callable[[], str]] = {"CONTAINER_STATEMENT_FOLDER": lambda: "/var/lib/desk/statements"}
"""What a new file sets for the simulator; an older one does well without."""


def create(file: Path, example: Path) -> bool:
    """Writes the example with the simulator switched on and a generated value for each secret, mode 600.

    Returns:
        False, and nothing is written, if the file exists.
    """
    lines = []
    values = {**_SET_BY_US, **_OF_DEMO}
    for line in example.read_text(encoding="utf-8").splitlines():
        name = line.removeprefix("#").split("=", 1)[0]
        lines.append(f"{name}={values[name]()}" if name in values else line)
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return True


def missing(file: Path, environ: Mapping[str, str]) -> list[str]:
    """The names that neither the file nor the environment sets: secrets without a value, and the profiles.

    An `.env` that was written for `make run`, or by a release that derived the profiles, lacks them.
    """
    line = r"^[ \t]*(?:export[ \t]+)?([A-Z_]+)[ \t]*=[ \t]*((?:[^\s#]\S*)?)"
    values = dict(re.findall(line, _read(file), re.MULTILINE))
    there = {name for name, value in values.items() if value.strip("'\"") or name not in SECRETS}
    return [name for name in _SET_BY_US if name not in there and not environ.get(name)]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main(arguments: Sequence[str] | None = None, root: Path = _ROOT) -> int:
    """Writes the file if there is none; 2 if there is one that lacks something."""
    parser = argparse.ArgumentParser(prog="python3 -m include.containers.env_file", description=__doc__)
    parser.add_argument("--missing", action="store_true", help="print a line for .env for what it lacks")
    file = root / ".env"
    if parser.parse_args(arguments).missing:
        if file.exists() and not file.stat().st_size:
            file.chmod(0o600)  # made by the shell a moment ago, in `make secrets >> .env`
        lines = [f"{name}={_SET_BY_US[name]()}\n" for name in missing(file, os.environ)]
        if lines and _read(file)[-1:] not in ("", "\n"):
            lines.insert(0, "\n")  # its last line has no end
        print("".join(lines), end="")
    elif create(file, root / ".env.example"):
        print("wrote .env with generated secrets, readable by you only: keep a copy, it opens the databases")
    elif names := missing(file, os.environ):
        print(f".env does not set {', '.join(names)}: make secrets >> .env adds it", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
