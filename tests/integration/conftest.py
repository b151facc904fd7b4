"""What the tests of this folder do without."""

import pytest


@pytest.fixture(autouse=True)
def pages(without_pages: None) -> None:
    """No pages of validations, which take longer than these; a module that needs them has its own `pages`."""
