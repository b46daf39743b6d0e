"""The demo, once a session, and a browser for each test that looks at it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.screens.chromium import Screens, chromium, program
from tests.screens.field import Field


@pytest.fixture(scope="session")
def field() -> Iterator[Field]:
    """Five wells of two tenants, read by real workers; the gateway serves the built screens."""
    program()
    with tempfile.TemporaryDirectory(prefix="pj-screens-", ignore_cleanup_errors=True) as folder:
        with Field(Path(folder)) as running:
            yield running


@pytest.fixture
async def screens() -> AsyncIterator[Screens]:
    """A browser."""
    async with chromium() as browser:
        yield browser
