"""What keeps the drill away from the checkout, the settings and the containers of its user."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from include.settings import PROJECT_ROOT
from tools.containers.report import expect

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
_OF_THE_ENGINE = {"BASE_IMAGE", "POSTGRES_IMAGE", "REDIS_IMAGE"}
"""Which images can be had is a matter of the engine, so the shell decides."""
_OURS = "label=org.opencontainers.image.title=power-desk-pnl"
_REMOVALS = 5


def docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a docker command; what it said."""
    return subprocess.run(
        ["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


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
    named = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    ours = {*named, "ENV_FILE", "STACK", "VOLUMES", "RENEW_CAPTURE", "REVISION"} - _OF_THE_ENGINE
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("COMPOSE", "AIRFLOW", "MAKE", "MFLAGS"))
    }


def remove_images() -> None:
    """Removes every image of ours from the engine, so that none of an earlier build hides a fault.

    Raises:
        DrillError: A container uses one.
    """
    if found := docker("image", "ls", "--quiet", "--filter", _OURS).stdout.split():
        said = docker("image", "rm", "--force", *dict.fromkeys(found)).stderr
        left = docker("image", "ls", "--quiet", "--filter", _OURS).stdout.split()
        expect(not left, f"images of the platform are in use, make down ends what uses them: {said.strip()}")


def remove_project(project: str) -> None:
    """Removes all containers, volumes and networks of a project, by its label, without compose."""
    label = f"label=com.docker.compose.project={project}"
    for listing, removal in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
        (("network", "ls", "--quiet"), ("network", "rm")),
    ):
        for _ in range(_REMOVALS):  # the engine may be busy with what it was told before an interruption
            if not (found := docker(*listing, "--filter", label).stdout.split()):
                break
            docker(*removal, *found)
            time.sleep(0.5)
