"""Fixtures of other folders that the commands are tested with."""

from tests.integration.expectations.conftest import warehouse

__all__ = ["warehouse"]
