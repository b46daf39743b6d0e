"""Hearing what workers say on the channel of alarms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio

from pumpjack_core import wire
from tests.workers.pipeline.scripted import TENANT


@asynccontextmanager
async def listening(
    client: redis.asyncio.Redis,
) -> AsyncIterator[Callable[[type], Awaitable[Any]]]:
    """From now on: a function that waits for the next message of a type."""
    async with client.pubsub() as ear:
        await ear.subscribe(wire.alarms_channel(TENANT))
        async with asyncio.timeout(15):
            while await ear.get_message(timeout=1) is None:
                pass

        async def heard(kind: type) -> Any:
            async with asyncio.timeout(30):
                while True:
                    found = await ear.get_message(ignore_subscribe_messages=True, timeout=1)
                    message = wire.decode_alarm_message(found["data"]) if found else None
                    if isinstance(message, kind):
                        return message

        yield heard
