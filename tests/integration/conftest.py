"""What the tests of this folder do without, and the servers of others that several of them talk to."""

from collections.abc import Iterator

import pytest

from tests.integration.health.receivers import WebhookReceiver, webhook_receiver
from tests.integration.pull.server import ScriptedProvider, scripted_provider


@pytest.fixture(autouse=True)
def pages(without_pages: None) -> None:
    """No pages of validations, which take longer than these; a module that needs them has its own `pages`."""


@pytest.fixture
def webhook() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as running:
        yield running
