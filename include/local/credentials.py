"""`.local/credentials.json`: how to reach what `make run` runs, for people, scripts and the other commands."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from include.errors import TerminalError
from include.local.environment import load_environment
from include.local.files import write_private
from include.settings import LOCAL_ROOT, Settings

_NOT_UP = "make run is not up: start it in another terminal, or set WAREHOUSE_URL"


def path_in(state: Path) -> Path:
    """The file of this state folder."""
    return state / "credentials.json"


def write(state: Path, *, url: str, username: str, password: str, warehouse_url: str, analyst_url: str) -> None:
    """Writes the file; mode 600.

    Args:
        state: The state folder of `make run`.
        url: Of Airflow's UI.
        username: Of its administrator.
        password: Of the same.
        warehouse_url: With the password of a role that may write.
        analyst_url: The same for the role that may read only; empty when the warehouse is not ours.
    """
    known: dict[str, object] = {
        "airflow": {"url": url, "username": username, "password": password},
        "warehouse_url": warehouse_url,
    }
    if analyst_url:
        known["analyst_url"] = analyst_url
    write_private(path_in(state), json.dumps(known, indent=2) + "\n")


def settings(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> Settings:
    """The settings for a command beside a running `make run`: its warehouse unless WAREHOUSE_URL names another.

    Raises:
        TerminalError: A setting is wrong, or no warehouse is named and none runs here.
    """
    found = Settings.from_environment(load_environment(env_file))
    if found.warehouse_url:
        return found
    return replace(found, warehouse_url=_running(state, "warehouse_url"))


def analyst_url(state: Path = LOCAL_ROOT, env_file: Path | None = None) -> str:
    """The warehouse of a running `make run` for the role that may read only.

    Where WAREHOUSE_URL names another warehouse, that is the one: its roles are not ours to know.

    Raises:
        TerminalError: As for `settings`.
    """
    return Settings.from_environment(load_environment(env_file)).warehouse_url or _running(state, "analyst_url")


def _running(state: Path, name: str) -> str:
    """A URL of a database that `make run` has written down, and that listens."""
    try:
        url = str(json.loads(path_in(state).read_text(encoding="utf-8"))[name])
    except FileNotFoundError as error:
        raise TerminalError(_NOT_UP) from error
    except (OSError, ValueError, KeyError) as error:
        raise TerminalError(f"{path_in(state)} cannot be read: stop make run and start it again") from error
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 5432), timeout=5).close()
    except OSError as error:
        raise TerminalError(_NOT_UP) from error
    return url
