"""What keeps the drill away from the checkout, the settings and the containers of its user."""

import os
import re
import shutil
import time
from pathlib import Path

from include.containers.engine import Engine
from include.settings import PROJECT_ROOT

_COPIED = (
    "Makefile",
    "Dockerfile",
    ".dockerignore",
    ".env.example",
    "docker-compose.yaml",
    "requirements.txt",
    "requirements-image.txt",
    "dags",
    "include",
    "plugins",
)
_REMOVALS = 5


def copy_checkout(target: Path) -> None:
    """Copies what the platform is made of, and no `.env`."""
    target.mkdir()
    for name in _COPIED:
        source = PROJECT_ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)


def clean_environment() -> dict[str, str]:
    """The shell's environment without any setting of the platform or of compose."""
    text = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    ours = {*re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE), "ENV_FILE", "STACK", "VOLUMES", "RENEW_CAPTURE"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("COMPOSE", "AIRFLOW", "MAKE", "MFLAGS"))
    }


def remove_project(engine: Engine) -> None:
    """Removes all containers, volumes and networks of a project, by its label, without compose."""
    label = f"label=com.docker.compose.project={engine.project}"
    for listing, removal in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
        (("network", "ls", "--quiet"), ("network", "rm")),
    ):
        for _ in range(_REMOVALS):  # the engine may be busy with what it was told before an interruption
            if not (found := engine.docker(*listing, "--filter", label).stdout.split()):
                break
            engine.docker(*removal, *found)
            time.sleep(0.5)
