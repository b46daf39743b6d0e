"""A worker that says what a test wants it to say, in the formats of pumpjack_core.wire."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import msgspec
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock, iso_us


def reading(name: str, value: float | None, *, at_us: int | None = None) -> wire.Reading:
    us = SystemClock().now_us() if at_us is None else at_us
    return wire.Reading(name, value, "GOOD" if value is not None else "BAD", None, iso_us(us))


class FakeWorker:
    """One connection. Losing a message is: counting it without publishing it."""

    def __init__(
        self, url: str, tenant: str = "permian", connection: str = "permian-ops/pad7"
    ) -> None:
        self._redis = redis.asyncio.from_url(url)
        self.tenant = tenant
        self.connection = connection
        self.epoch = str(uuid.uuid4())
        self.seq = 0
        self.last: dict[str, int] = {}

    async def close(self) -> None:
        await self._redis.aclose()

    def message(self, well: str, readings: Sequence[wire.Reading]) -> wire.Readings:
        """The next message of a well."""
        self.seq += 1
        prev, self.last[well] = self.last.get(well, 0), self.seq
        return wire.Readings(
            epoch=self.epoch,
            seq=self.seq,
            prev=prev,
            tenant_id=self.tenant,
            well_id=well,
            connection_id=self.connection,
            source_protocol="modbus-tcp",
            received_at=iso_us(SystemClock().now_us()),
            readings=tuple(readings),
        )

    async def publish(self, well: str, values: Mapping[str, float | None]) -> wire.Readings:
        """Publish, and keep the latest, as a worker does."""
        message = self.message(well, [reading(name, value) for name, value in values.items()])
        fields: dict[str | bytes, bytes] = {
            one.tag_name: msgspec.json.encode(one) for one in message.readings
        }
        position = wire.Position(message.epoch, message.seq)
        fields[wire.POSITION_PREFIX + self.connection] = msgspec.json.encode(position)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.publish(wire.readings_channel(self.tenant), wire.encode(message))
            pipe.hset(wire.latest_key(self.tenant, well), mapping=fields)
            await pipe.execute()
        return message

    def lose(self, well: str, values: Mapping[str, float | None]) -> wire.Readings:
        """A message that never reaches anybody."""
        return self.message(well, [reading(name, value) for name, value in values.items()])

    async def keep(self, well: str, fields: Mapping[str | bytes, bytes]) -> None:
        """Write to the latest hash, and say nothing."""
        await self._redis.hset(wire.latest_key(self.tenant, well), mapping=dict(fields))

    async def send(self, payload: bytes, channel: str | None = None) -> None:
        """Publish any bytes."""
        await self._redis.publish(channel or wire.readings_channel(self.tenant), payload)

    async def beat(
        self, *, stored: int = 0, state: wire.DeviceState = "connected", **changes: object
    ) -> wire.Heartbeat:
        """Send a heartbeat."""
        beat = wire.Heartbeat(
            epoch=self.epoch,
            tenant_id=self.tenant,
            connection_id=self.connection,
            source_protocol="modbus-tcp",
            at=iso_us(SystemClock().now_us()),
            wells=dict(self.last),
            stored_seq=stored,
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
        text = wire.encode(beat)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.publish(wire.readings_channel(self.tenant), text)
            pipe.hset(wire.heartbeat_key(self.tenant), self.connection, text)
            await pipe.execute()
        return beat
