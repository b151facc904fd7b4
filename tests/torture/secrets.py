"""What a platform must tell nobody, and all places in which others could read it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import psutil
import requests

from include.local import leftovers
from tests.e2e.platform import Platform

PRIVATE = ("credentials.json", "secrets.json", "airflow/passwords.json", "postgres/passwords.json")
"""What keeps secrets below the folder of state: mode 600."""

_ANOTHER_USER = 54_321


@dataclass
class Found:
    """Where a secret was found, and where it was looked for."""

    leaks: list[str] = field(default_factory=list)
    files: int = 0
    processes: int = 0
    environments: int = 0
    pages: int = 0


class Secrets:
    """Secrets by what they are: some for the outside, and those that `make run` generates."""

    def __init__(self) -> None:
        self._texts = {name: token_hex(12) for name in ("header", "subscription", "key", "webhook")}

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __len__(self) -> int:
        return len(self._texts)

    def take_those_of(self, state: Path) -> None:
        """The generated ones too."""
        for name in PRIVATE[1:]:
            path = state / name
            assert path.stat().st_mode & 0o077 == 0, name
            self._texts |= {f"{name}: {key}": value for key, value in json.loads(path.read_text()).items()}

    def search(self, platform: Platform) -> Found:
        """Everywhere."""
        found = Found()
        for place, text in self._places(platform, found):
            found.leaks += [f"{name} in {place}" for name in self._within(text)]
        found.leaks += [f"{path} can be read" for path in _readable(platform.state)]
        return found

    def _within(self, text: bytes) -> list[str]:
        return [name for name, secret in self._texts.items() if secret.encode() in text]

    def _places(self, platform: Platform, found: Found) -> Iterator[tuple[str, bytes]]:
        for path in platform.state.rglob("*"):
            if path.is_file() and str(path.relative_to(platform.state)) not in PRIVATE:
                found.files += 1
                try:
                    yield str(path), path.read_bytes()
                except FileNotFoundError:
                    continue
        for process in psutil.process_iter():
            try:
                yield f"the command line of {process.name()}", " ".join(process.cmdline()).encode()
                found.processes += 1
            except psutil.Error:
                continue
        for process in _family(platform):
            try:
                if process.uids().real != os.geteuid():
                    found.environments += 1
                    yield f"the environment of {process.name()}", repr(process.environ()).encode()
            except psutil.Error:
                continue
        for path, answer in _answers(platform):
            found.pages += 1
            yield path, answer


def _family(platform: Platform) -> Iterator[psutil.Process]:
    for process in leftovers.find(platform.state):
        yield process
        yield from process.children()


def _readable(state: Path) -> list[str]:
    """What another user of the machine can read below the folder."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return [str(path) for path in [state, *state.iterdir()] if path.stat().st_mode & 0o066]
    user = (f"--reuid={_ANOTHER_USER}", f"--regid={_ANOTHER_USER}", "--clear-groups")
    names = [str(path) for path in state.rglob("*")]  # as if it knew all names
    test = 'while IFS= read -r -d "" name; do [ -r "$name" ] && [ -f "$name" ] && echo "$name"; done; :'
    done = subprocess.run(
        [setpriv, *user, "--", "sh", "-c", f"bash -c '{test}'"],
        input="\0".join([*names, ""]),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return done.stdout.splitlines()


def _answers(platform: Platform) -> Iterator[tuple[str, bytes]]:
    """Of the desk and of Airflow's API, to its administrator."""
    found = platform.wait_for(platform.credentials, 60)["airflow"]
    url = found["url"].rstrip("/")
    login = {"username": found["username"], "password": found["password"]}
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = (
        "Bearer " + session.post(f"{url}/auth/token", json=login, timeout=30).json()["access_token"]
    )
    paths = [f"trading-desk/{path}" for path in ("", "openapi.json", "data-docs/index.html")]
    described: dict[str, Any] = session.get(f"{url}/trading-desk/openapi.json", timeout=30).json()
    paths += [f"trading-desk{path}" for path in described["paths"] if not path.endswith("/events")]
    described = session.get(f"{url}/openapi.json", timeout=30).json()
    paths += [
        path.lstrip("/")
        for path, calls in described["paths"].items()
        if "get" in calls and "{" not in path and "logout" not in path and path.startswith("/api/v2")
    ]
    for path in paths:
        yield path, session.get(f"{url}/{path}", timeout=60).content
    session.close()
