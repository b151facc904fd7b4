"""What the tests of this folder do without."""

import pytest

from include.expectations import data_docs


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pages of validations, which take longer than these; a module that needs them has its own `pages`."""
    monkeypatch.setattr(data_docs, "publish", lambda *_: None)
