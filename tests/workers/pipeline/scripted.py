"""An adapter that the test drives, and a pipeline round it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import worker_config
from pumpjack_core.errors import NotConnected
from pumpjack_core.manifests.types import Journal as JournalSpec
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Adapter, Delivery
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from tests.workers.pipeline.examples import batch, table

CONNECTION = "ops/plc"
TENANT = "permian"


class Scripted(Adapter):
    """Gives what the test puts in; remembers what was acknowledged."""

    protocol = "modbus-tcp"
    has_source_time = True

    def __init__(self, tags: TagTable) -> None:
        self.tags = tags
        self.gives: asyncio.Queue[Delivery | NotConnected] = asyncio.Queue()
        self.acknowledged: list[float] = []
        self.sessions = 0
        self.closed = 0
        self.reachable = True
        self.memos: tuple[bytes, ...] = ()
        self.asked_again = 0
        self.brought_back = True

    @property
    def rejected(self) -> Mapping[int, str]:
        return {}

    @property
    def brings_back(self) -> bool:
        return self.brought_back

    async def connect(self) -> None:
        if not self.reachable:
            raise NotConnected("the device at 10.0.0.9:502 refuses connections", reason="Refused")
        self.sessions += 1

    async def read_batch(self) -> Delivery:
        given = await self.gives.get()
        if isinstance(given, NotConnected):
            raise given
        return given

    def apply_tags(self, tags: TagTable) -> None:
        self.tags = tags

    async def close(self) -> None:
        self.closed += 1

    def redeliver(self) -> None:
        self.asked_again += 1

    def give(
        self,
        content: Batch,
        quarantined: tuple[Quarantined, ...] = (),
        memo: bytes = b"",
        errors: Mapping[str, int] | None = None,
    ) -> None:
        name = float(content.value[0])

        async def ack() -> None:
            self.acknowledged.append(name)

        self.gives.put_nowait(Delivery(content, ack, quarantined, errors or {}, memo))

    def read(self, *values: float, at: int = 0) -> None:
        """One reading of the tag at this position for each value, a millisecond apart."""
        now_us = SystemClock().now_us()
        for number, value in enumerate(values):
            us = now_us + number * 1_000
            self.give(batch(self.tags, [value], index=[at], us=us, received_us=now_us))

    def lose(self) -> None:
        self.gives.put_nowait(NotConnected("the device closed the connection", reason="Closed"))


class SendsAgain(Scripted):
    """The same for a device that keeps what is not acknowledged."""

    sends_again = True


def configured(tags: TagTable, **spec: object):
    more = {"journal": JournalSpec(size="4Mi"), **spec}
    return worker_config(
        tenant_id=TENANT,
        connection_id=CONNECTION,
        spec=ScadaConnectionSpec(
            protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="10.0.0.9"), **more
        ),
        allowed_networks=("10.0.0.0/8",),
        tags=tags,
    )


class Worker:
    """A pipeline that runs, its adapter and its stores."""

    def __init__(self, pipeline: Pipeline, adapter: Scripted) -> None:
        self.pipeline = pipeline
        self.adapter = adapter
        self._task = asyncio.create_task(pipeline.run())

    async def stop(self, drain_s: float = 5.0) -> bool:
        self.pipeline.stop(drain_s)
        return await self._task

    async def ended(self) -> bool:
        """Wait until it ends by itself."""
        return await asyncio.wait_for(self._task, 60)


async def start(
    folder: Path,
    connect,
    redis_url: str,
    tags: TagTable | None = None,
    *,
    sends_again: bool = False,
    brought_back: bool = True,
    **spec: object,
) -> Worker:
    tags = tags or table("pressure", "flow")
    adapter = (SendsAgain if sends_again else Scripted)(tags)
    adapter.brought_back = brought_back

    def made(memos: tuple[bytes, ...]) -> Scripted:
        adapter.memos = memos
        return adapter

    pipeline = await Pipeline.open(
        configured(tags, **spec),
        made,
        folder,
        connect,
        redis_url=redis_url,
        clock=SystemClock(),
        metrics=Metrics(tenant_id=TENANT, protocol="modbus-tcp", connection_id=CONNECTION),
    )
    return Worker(pipeline, adapter)


async def until(condition, limit_s: float = 60.0) -> None:
    """Wait until condition() is true; a failed wait shows the condition's last answer."""
    async with asyncio.timeout(limit_s):
        while True:
            answer = condition()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(0.02)


async def listen(feed: Any) -> Any:
    """A listener of the tenant's readings, from now on."""
    listener = feed.pubsub()
    await listener.subscribe(wire.readings_channel(TENANT))
    async with asyncio.timeout(60):
        while await listener.get_message(timeout=5) is None:  # that it is subscribed
            pass
    return listener


async def next_readings(listener: Any, limit_s: float = 60.0) -> wire.Readings:
    """The next message with readings that comes."""
    async with asyncio.timeout(limit_s):
        while True:
            message = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
            found = wire.decode_message(message["data"]) if message else None
            if isinstance(found, wire.Readings):
                return found


async def stored(database, *values: float, tag_name: str = "pressure") -> None:
    async def there() -> bool:
        return await database.values(tag_name) == list(values)

    await until(there)
