"""A field whose worker says of its alarms what a test wants, to a real database and Redis."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.alarms import Transition, alarm_id
from pumpjack_core.clock import SystemClock, iso_us
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Alarm, Tag
from tests.gateway.databases import Database

WELL, TAG = "pad7-3", "tubing_pressure"
S = 1_000_000
HIHI = Alarm("hihi", 2400.0, priority=1, message="Tubing pressure very high", response="Open it")
HI = Alarm("hi", 2000.0, priority=2, message="Tubing pressure high", consequence="The valve lifts")
LATCHED = Alarm("state", states=(0,), priority=3, latch=True, message="Pump stopped")


def now_us() -> int:
    return SystemClock().now_us()


class Field:
    """One connection of a tenant of its own. Nothing is published unless a test says so."""

    def __init__(self, database: Database, redis_url: str, connection: str = "ops/pad7") -> None:
        self.database = database
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.connection = connection
        self.tags: list[Tag] = []
        self.epoch = uuid.uuid4()
        self.seq = 0
        self._stored = 0
        self._ids: dict[tuple[str, str], int] = {}
        self._redis = redis.asyncio.from_url(redis_url)

    async def open(self, *tags: Tag, tenant: str | None = None) -> None:
        """Set the tenant up and declare the tags; by default one with three alarms."""
        if tenant is not None:
            self.tenant = tenant
        self.tags = list(tags) or [
            Tag(WELL, TAG, "a", "float32", 1.0, unit="psi", alarms=(HIHI, HI, LATCHED))
        ]
        await self.database.add(self.tenant)
        self._ingest = await Ingest.connect(self.database.writer_url(self.tenant))
        fence = await self._ingest.take_fence(self.connection, "modbus-tcp")
        await self._ingest.open_journal(self.epoch, self.connection)
        ids = await self._ingest.register_series(self.connection, self.tags)
        self._ids = {(tag.well_id, tag.name): one for tag, one in zip(self.tags, ids, strict=True)}
        await self._ingest.declare_tags(self.connection, fence, self.tags, writes=False)

    async def close(self) -> None:
        await self._ingest.close()
        await self._redis.aclose()

    def id(self, condition: str, well: str = WELL, tag: str = TAG) -> str:
        return alarm_id(self.tenant, self.connection, well, tag, condition)

    async def store(self, *seen: tuple[str, str, Transition]) -> None:
        """Commit transitions of (well, tag), as one batch. Nothing is published."""
        self.seq += 1
        empty: Any = np.empty(0, np.int64)
        written = await self._ingest.write_batch(
            self.epoch,
            self._stored,
            self.seq,
            empty,
            empty.astype(np.int32),
            empty.astype(np.int16),
            empty.astype(np.float64),
            transitions=[(self._ids[well, tag], transition) for well, tag, transition in seen],
        )
        assert written.applied
        self._stored = self.seq

    async def set(
        self,
        active: bool,
        condition: str = "hi",
        *,
        us: int | None = None,
        value: float | None = 2100.0,
        suppressed: bool = False,
        well: str = WELL,
        tag: str = TAG,
    ) -> str:
        """Commit one transition and wake the gateways; the alarm's id."""
        at = now_us() if us is None else us
        await self.store((well, tag, Transition(0, condition, active, at, value, suppressed)))
        await self.wake()
        return self.id(condition, well, tag)

    async def wake(self) -> None:
        """Say that something was stored."""
        await self.publish(
            {
                "type": "alarms-stored",
                "tenantId": self.tenant,
                "connectionId": self.connection,
            }
        )

    async def tell(
        self,
        active: bool,
        condition: str = "hi",
        *,
        seq: int | None = None,
        us: int | None = None,
        well: str = WELL,
        tag: str = TAG,
        **changes: object,
    ) -> str:
        """Publish a condition that the database does not have yet; the alarm's id."""
        message: dict[str, object] = {
            "type": "condition",
            "tenantId": self.tenant,
            "connectionId": self.connection,
            "epoch": str(self.epoch),
            "seq": self.seq + 1 if seq is None else seq,
            "wellId": well,
            "tagName": tag,
            "condition": condition,
            "alarmId": self.id(condition, well, tag),
            "active": active,
            "suppressed": False,
            "at": iso_us(now_us() if us is None else us),
            "value": 2100.0,
            "limit": 2000.0,
            "priority": 2,
            "message": "Tubing pressure high",
            "stored": False,
        }
        await self.publish(message | changes)
        return self.id(condition, well, tag)

    async def publish(self, message: object, channel: str | None = None) -> None:
        text = message if isinstance(message, bytes) else msgspec.json.encode(message)
        await self._redis.publish(channel or wire.alarms_channel(self.tenant), text)

    async def beat(self, *, state: wire.DeviceState = "connected", **changes: object) -> None:
        """A heartbeat."""
        beat = wire.Heartbeat(
            epoch=str(self.epoch),
            tenant_id=self.tenant,
            connection_id=self.connection,
            source_protocol="modbus-tcp",
            at=iso_us(now_us()),
            wells={},
            stored_seq=self._stored,
            state=state,
            reason=None,
            message=None,
            journal_batches=0,
            journal_bytes=0,
            journal_oldest_s=0.0,
            rejected_tags=0,
            config_hash="c" * 64,
        )
        beat = msgspec.structs.replace(beat, **changes)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.publish(wire.readings_channel(self.tenant), wire.encode(beat))
            pipe.hset(wire.heartbeat_key(self.tenant), self.connection, wire.encode(beat))
            await pipe.execute()


def many_tags(wells: Sequence[str], names: Sequence[str], *alarms: Alarm) -> list[Tag]:
    """Each of the names on each of the wells, with these alarms."""
    return [
        Tag(well, name, f"{well}:{name}", "float32", 1.0, alarms=alarms)
        for well in wells
        for name in names
    ]
