"""The stream by which a gateway says that there may be a command, and what we say to gateways.

Redis carries no command: it only wakes. What was missed is found when the loop looks by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pumpjack_core import wire
from pumpjack_core.backoff import Backoff
from pumpjack_core.log import get_logger

BLOCK_S = 10.0
CALL_TIMEOUT_S = 2.0
_log = get_logger("worker.commands")


class Wake:
    """One connection's stream. on_wake is called whenever there may be a command."""

    def __init__(
        self, url: str, tenant_id: str, connection_id: str, on_wake: Callable[[], None]
    ) -> None:
        self._redis = redis.asyncio.from_url(
            url,
            socket_timeout=BLOCK_S + CALL_TIMEOUT_S,
            socket_connect_timeout=CALL_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._stream = wire.commands_stream(tenant_id, connection_id)
        self._channel = wire.alarms_channel(tenant_id)
        self._stored = msgspec.json.encode(
            {"type": "commands-stored", "tenantId": tenant_id, "connectionId": connection_id}
        )
        self._on_wake = on_wake

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = Backoff(first_s=0.2, most_s=10.0)
        away = False
        while True:
            try:
                last = await self._newest()
                if away:
                    _log.info("Redis wakes for commands again")
                away = False
                self._on_wake()  # for what came before we listened
                pause.reset()
                while True:
                    found = await self._redis.xread({self._stream: last}, block=int(BLOCK_S * 1000))
                    if found:
                        last = _last_of(found)
                        self._on_wake()
            except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
                if not away:
                    _log.warning(f"Redis does not wake for commands ({error}); they take longer")
                away = True
                await asyncio.sleep(pause.next_s())

    async def tell_gateways(self) -> None:
        """Say that something was told of a command. Lossy: who missed it reads the rows later."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._redis.publish(self._channel, self._stored)
        except (redis.exceptions.RedisError, OSError, TimeoutError):
            return

    async def close(self) -> None:
        """End the connections."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._redis.aclose()
        except (redis.exceptions.RedisError, OSError, TimeoutError):
            return

    async def _newest(self) -> str:
        """What the stream ended with before we listened."""
        found = await self._redis.xread({self._stream: "0"})
        return _last_of(found) if found else "0"


def _last_of(found: Any) -> str:
    """The id of the last entry. RESP2 answers with a list of streams, RESP3 with a dict of them."""
    entries = next(iter(found.values()))[0] if isinstance(found, dict) else found[0][1]
    number = entries[-1][0]
    return number.decode() if isinstance(number, bytes) else str(number)
