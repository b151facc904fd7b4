"""The recipes name files that exist: what is moved is moved there as well."""

import re

from include.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
NAMED = {name for name in re.findall(r"`([\w.-]+/[\w./-]+)`", PAGE) if "NNNN" not in name}


def test_every_file_of_a_recipe_is_there() -> None:
    assert len(NAMED) > 15
    assert [name for name in sorted(NAMED) if not (PROJECT_ROOT / name).exists()] == []
