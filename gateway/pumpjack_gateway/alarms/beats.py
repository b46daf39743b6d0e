"""The last heartbeats of connections, from their hash in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import hiredis
import msgspec

from pumpjack_core import wire

HEARTBEAT_MAX_BYTES = 1 << 18
"""One of 2,000 wells with long names has less."""


class Caller(Protocol):
    """Who asks Redis (live.link.Link)."""

    async def call(self, *words: str | bytes, limit_s: float = 2.0) -> Any:
        """Raises OSError, ReplyError."""
        ...


class HeartbeatStore:
    """Reads them on the gateway's link."""

    def __init__(self, redis: Caller) -> None:
        self._redis = redis

    async def of(self, tenant_id: str, connections: Sequence[str]) -> list[wire.Heartbeat]:
        """Those that can be had; none while Redis is away."""
        try:
            return await self.read(tenant_id, connections)
        except (OSError, hiredis.ReplyError):
            return []

    async def read(self, tenant_id: str, connections: Sequence[str]) -> list[wire.Heartbeat]:
        """The same. Raises OSError, ReplyError while Redis cannot be asked.

        By name, never the whole hash: the tenant's workers write it, and could fill it.
        """
        if not connections:
            return []
        kept = await self._redis.call("HMGET", wire.heartbeat_key(tenant_id), *connections)
        return heartbeats(tenant_id, kept)


def heartbeats(tenant_id: str, texts: Sequence[bytes | None]) -> list[wire.Heartbeat]:
    """What is a heartbeat of this tenant; anything else is left out."""
    found = []
    for text in texts:
        if text is None or len(text) > HEARTBEAT_MAX_BYTES:
            continue
        try:
            beat = wire.decode_message(text)
        except msgspec.MsgspecError:
            continue
        if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant_id:
            found.append(beat)
    return found
