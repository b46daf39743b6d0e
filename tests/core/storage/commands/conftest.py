"""A worker whose tags may be written, and people who ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.storage.commands.hand import SPEED, Hand
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import Desk, declare, tag


@pytest.fixture
async def worker(database: Database) -> Worker:
    worker = await database.worker()
    await declare(worker, tag(0, write=SPEED), tag(1, write=SPEED), tag(2))
    return worker


@pytest.fixture
async def hand(worker: Worker) -> Hand:
    return Hand(worker)


@pytest.fixture
async def desk(database: Database, worker: Worker) -> AsyncIterator[Desk]:
    async with Desk.open(database) as desk:
        yield desk
