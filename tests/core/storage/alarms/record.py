"""The alarms of the tests, and what is on record of them."""

from __future__ import annotations

from typing import Any

from pumpjack_core.tags import Alarm
from tests.core.storage.database import Database
from tests.core.storage.desk import ALARMS, EVENTS

HI = Alarm("hi", limit=5.0, priority=2, message="pressure high", response="open the choke")
LATCHED = Alarm("lo", limit=1.0, latch=True)


async def state(database: Database, alarm: str) -> Any:
    return (await database.read(ALARMS, alarm))[0][0]


async def kinds(database: Database) -> list[tuple[Any, ...]]:
    return [(kind, after) for _, kind, after in await database.read(EVENTS)]
