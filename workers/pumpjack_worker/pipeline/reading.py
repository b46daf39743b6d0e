"""The device's side of the pipeline: sessions, what each brings, the marks of what none brought."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from pumpjack_core import wire
from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import DeviceError
from pumpjack_core.log import get_logger
from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.readings import Batch, in_table
from pumpjack_core.tags import TagTable
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.contract import Adapter, Delivery
from pumpjack_worker.pipeline.alarms.desk import AlarmDesk
from pumpjack_worker.pipeline.gap import Gap, marks
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.staleness import Staleness
from pumpjack_worker.pipeline.storing import Storing
from pumpjack_worker.pipeline.validate import Validator

DEFAULT_MAX_AGE_S = 90 * 86_400.0
"""The store keeps raw readings this long unless it is told otherwise (design, section 6)."""
_log = get_logger("worker")


class Reader:
    """Reads one device as long as this worker may, and has what it says judged and stored."""

    def __init__(
        self,
        config: WorkerConfig,
        adapter: Adapter,
        alarms: AlarmDesk,
        storing: Storing,
        *,
        read_until_us: int | None,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """read_until_us: the last batch of the process before, None where there was none."""
        self._config = config
        self._adapter = adapter
        self._alarms = alarms
        self._storing = storing
        self._clock = clock
        self._metrics = metrics
        self._validator = self._validator_of(config.tags, None)
        self._staleness = Staleness(config.tags, clock)
        self._gap = Gap(read_until_us)
        self.state: wire.DeviceState = "connecting"
        self.trouble: DeviceError | None = None
        """Why it is not connected."""
        self.read_us: int | None = None
        """When the device last said anything."""
        self.clock_offset_s: float | None = None
        """How far ahead the device's clock is, where it is not believed."""
        self.on_batch: Callable[[Batch], None] | None = None
        """Called with each batch as the device gave it."""

    def apply(self, config: WorkerConfig) -> None:
        """Read other tags from now on."""
        self._config = config
        self._validator = self._validator_of(config.tags, self._validator)
        self._staleness = Staleness(config.tags, self._clock, self._staleness)
        self._adapter.apply_tags(config.tags)

    async def read_until(self, fenced: asyncio.Event, silence: Callable[[], None]) -> None:
        """Read until another worker has taken over; not at all while suspended.

        silence: called as soon as it has: of the device it speaks now.
        """
        if self._config.connection.spec.suspend:
            self.state = "suspended"
            self._metrics.suspended.set(1)
            return
        reader = asyncio.create_task(self._read_forever(), name="device")
        replaced = asyncio.create_task(fenced.wait(), name="fence")
        try:
            await asyncio.wait((reader, replaced), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
            self.state = "fenced"
            self._metrics.active.set(0)
            silence()
        finally:
            for task in (reader, replaced):
                task.cancel()
            await asyncio.gather(reader, replaced, return_exceptions=True)
        await self._adapter.close()

    async def follow(self, until_us: int | None) -> None:
        """Mark what lies between this worker and one whose journal is not here.

        until_us: until when that one has read [µs], 0: there is none; None: nobody knows yet.
        """
        over = None if until_us is None else self._gap.follows(until_us)
        batch = None if over is None else marks(self._config.tags, over, self._clock.now_us())
        if batch is not None:
            await self._storing.store(batch)

    async def mark_stale(self) -> None:
        """Mark the tags that are late by now."""
        if self.state != "connected":
            return
        stale = self._staleness.newly_stale()
        if stale is not None:
            self._metrics.errors({"stale": len(stale)})
            await self._storing.store(stale, transitions=self._alarms.judge(stale))

    async def _read_forever(self) -> None:
        pause = Backoff(first_s=0.5, most_s=30.0)
        while True:
            try:
                if self.state != "disconnected":
                    self.state = "connecting"
                self._gap.tries(self._clock.now_us())
                await self._adapter.connect()
                self._came_up()
                while True:
                    delivery = await self._adapter.read_batch()
                    if _answered(delivery.batch):
                        await self._answers()
                        pause.reset()
                    await self._take(delivery)
            except DeviceError as error:
                await self._went_down(error)
            await asyncio.sleep(pause.next_s())

    def _came_up(self) -> None:
        _log.info("connected", connection=self._config.connection.connection_id)
        self.state, self.trouble = "connected", None
        self._storing.session_began()
        self._metrics.reconnects.inc()
        self._metrics.active.set(1)

    async def _went_down(self, error: DeviceError) -> None:
        """Mark every tag once an outage: nothing stays on a screen as if it were current."""
        self._metrics.active.set(0)
        if self.state != "disconnected":
            _log.warning(str(error), reason=error.reason)
        if self._gap.begins(self._clock.now_us()):
            batch = self._staleness.all_tags(BAD_COMM_FAILURE)
            await self._storing.store(batch, transitions=self._alarms.judge(batch))
        self.state, self.trouble = "disconnected", error

    async def _answers(self) -> None:
        """Mark the end of an outage, and what no process was there to mark."""
        self.read_us = self._clock.now_us()
        over = self._gap.answered(brought_back=self._adapter.brings_back)
        batch = None if over is None else marks(self._config.tags, over, self.read_us)
        if batch is not None:
            await self._storing.store(batch)

    async def _take(self, delivery: Delivery) -> None:
        batch, kept_out = delivery.batch, delivery.quarantined
        if batch.tags is not self._validator.tags:
            kept_out = in_table(kept_out, batch.tags, self._validator.tags)
            batch = batch.in_table(self._validator.tags)
        if self.on_batch is not None:
            self.on_batch(batch)
        judged = self._validator.judge(batch)
        self.clock_offset_s = judged.clock_offset_s
        self._metrics.errors(judged.errors)
        self._metrics.errors(delivery.errors)
        self._metrics.errors(Counter(item.reason for item in kept_out))
        self._staleness.saw(batch)
        kept_out = (*kept_out, *judged.quarantined)
        seen = self._alarms.judge(judged.batch)
        await self._storing.store(judged.batch, kept_out, delivery.ack, delivery.memo, seen)

    def _validator_of(self, tags: TagTable, before: Validator | None) -> Validator:
        clock = self._config.connection.spec.clock
        return Validator(
            tags,
            max_future_s=seconds(clock.max_future),
            max_age_s=seconds(clock.max_age) if clock.max_age else DEFAULT_MAX_AGE_S,
            before=before,
        )


def _answered(batch: Batch) -> bool:
    """Whether the device said anything: a session that only fails deserves a longer pause."""
    return bool((batch.quality != BAD_COMM_FAILURE).any())
