"""Nothing of ours touches a private part of somebody else's software: the next release may not have it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

INSIDES = {"__self__", "__closure__", "__globals__", "middleware_stack"}
"""Ways to an object that its owner does not hand out."""

ALLOWED = {"os._exit"}
"""Documented under this name."""

FILES = sorted(
    file for folder in ("include", "plugins", "dags") for file in (PROJECT_ROOT / folder).rglob("*.py")
)


def private_parts(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            is_private = node.attr.startswith("_") and not node.attr.startswith("__")
            if (is_private and not is_own) or node.attr in INSIDES:
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if any(name.startswith("_") and not name.startswith("__") for name in names):
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and node.value in INSIDES:
            yield str(node.value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT_ROOT)))
def test_private_parts_are_left_alone(file: Path) -> None:
    assert set(private_parts(file.read_text("utf-8"))) - ALLOWED == set()
