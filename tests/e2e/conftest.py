"""The browser for the tests that look at the real thing."""

from tests.browser import browser as browser
from tests.browser import chromium as chromium
