"""A worker whose first tag has two alarms, and people who see to them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.storage.alarms.record import HI, LATCHED
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import Desk, declare, tag


@pytest.fixture
async def worker(database: Database) -> Worker:
    worker = await database.worker()
    await declare(worker, tag(0, HI, LATCHED), tag(1))
    return worker


@pytest.fixture
async def desk(database: Database, worker: Worker) -> AsyncIterator[Desk]:
    async with Desk.open(database) as desk:
        yield desk
