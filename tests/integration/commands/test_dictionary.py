"""The command that writes the data dictionary."""

from pathlib import Path

import pytest

from include.commands import dictionary
from include.warehouse.dictionary import read_dictionary


def test_the_command_writes_the_page_of_the_warehouse_that_it_is_given(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dictionary, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(dictionary, "PAGE", tmp_path / "data_dictionary.md")
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    assert dictionary.main() == 0
    page = dictionary.page(read_dictionary(warehouse_url))
    assert (tmp_path / "data_dictionary.md").read_text(encoding="utf-8") == page
