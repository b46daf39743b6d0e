"""One connection's pipeline: device, validation, journal, writer, publisher, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from pumpjack_core import wire
from pumpjack_core.alarms import Transition
from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import DeviceError, JournalError, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_core.quality import BAD_COMM_FAILURE, LEVEL_MASK
from pumpjack_core.readings import Batch, Quarantined, in_table, no_readings
from pumpjack_core.tags import TagTable
from pumpjack_core.units import seconds, size_bytes
from pumpjack_worker.adapters.contract import Ack, Adapter, Delivery, no_ack
from pumpjack_worker.commands.loop import Commands
from pumpjack_worker.commands.standing import ConnectOrders, Standing
from pumpjack_worker.pipeline.alarms.desk import AlarmDesk
from pumpjack_worker.pipeline.alarms.messages import Messages
from pumpjack_worker.pipeline.beginning import Beginning
from pumpjack_worker.pipeline.feed import Feed
from pumpjack_worker.pipeline.gap import Gap, marks
from pumpjack_worker.pipeline.hole_file import HoleFile
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher
from pumpjack_worker.pipeline.rate import Rate
from pumpjack_worker.pipeline.staleness import Staleness
from pumpjack_worker.pipeline.status import Status, describe
from pumpjack_worker.pipeline.unstored import Unstored
from pumpjack_worker.pipeline.validate import Validator
from pumpjack_worker.pipeline.writer import Connect, Writer

DEFAULT_MAX_AGE_S = 90 * 86_400.0
"""The store keeps raw readings this long unless it is told otherwise (design, section 6)."""
ACKS_WAITING = 1_000
"""Deliveries that may wait for the journal; then reading waits too."""
WATCH_S = 1.0
ASK_AGAIN_S = 10.0
"""A disk that was full is tried again after so long."""
_log = get_logger("worker")


class Owed(NamedTuple):
    """Since when readings are left with the device [s], and what then waited in the journal."""

    since_s: float
    waiting_bytes: int


class Pipeline:
    """Everything between one adapter and the stores."""

    def __init__(
        self,
        config: WorkerConfig,
        adapter: Adapter,
        journal: Journal,
        connect: Connect,
        unstored: Unstored,
        *,
        redis_url: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._adapter = adapter
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        connection = config.connection
        names = {"tenant_id": connection.tenant_id, "connection_id": connection.connection_id}
        feed = Feed(
            epoch=journal.journal_id,
            follows=journal.follows,
            protocol=connection.spec.protocol,
            **names,
        )
        self._publisher = Publisher(
            redis_url, feed, heartbeat=self._heartbeat, clock=clock, metrics=metrics, **names
        )
        self._beginning = Beginning(
            connect,
            connection_id=connection.connection_id,
            protocol=connection.spec.protocol,
            journal_id=journal.journal_id,
            suspended=connection.spec.suspend,
            clock=clock,
        )
        self.writer = Writer(
            journal,
            self._beginning,
            connection_id=connection.connection_id,
            protocol=connection.spec.protocol,
            clock=clock,
            metrics=metrics,
            on_alarms=self._alarms_stored,
        )
        self.writer.declare(config.tags, writes=connection.writes)
        self._alarms = AlarmDesk(
            config.tags,
            journal,
            self._publisher,
            Messages(epoch=str(journal.journal_id), **names),
            clock=clock,
            metrics=metrics,
        )
        self._validator = self._validator_of(config.tags, None)
        self._staleness = Staleness(config.tags, clock)
        self._acks: asyncio.Queue[tuple[asyncio.Future[None], Ack, Batch]] = asyncio.Queue(
            ACKS_WAITING
        )
        self._stopping = asyncio.Event()
        self._drain_s = 0.0
        self._state: wire.DeviceState = "connecting"
        self._trouble: DeviceError | None = None
        self._gap = Gap(journal.read_until_us)
        self._unstored = unstored
        self._owed: Owed | None = None
        self._clock_offset_s: float | None = None
        self._readings = 0
        self._read_us: int | None = None
        self._rate = Rate(clock)
        self._commands: Commands | None = None

    @classmethod
    async def open(
        cls,
        config: WorkerConfig,
        adapter: Callable[[tuple[bytes, ...]], Adapter],
        folder: Path,
        connect: Connect,
        *,
        redis_url: str,
        clock: Clock,
        metrics: Metrics,
    ) -> Self:
        """Open the journal in folder and put the pipeline together. Raises JournalError.

        adapter makes it from the memos that the journal has (Surroundings.memos).
        """
        journal = await Journal.open(
            folder,
            config.connection.connection_id,
            size_bytes=size_bytes(config.connection.spec.journal.size),
            clock=clock,
        )
        holes = await asyncio.to_thread(HoleFile, folder)
        left = await asyncio.to_thread(holes.read)
        return cls(
            config,
            adapter(await journal.memos()),
            journal,
            connect,
            Unstored(journal, holes, left, clock, metrics),
            redis_url=redis_url,
            clock=clock,
            metrics=metrics,
        )

    async def run(self) -> bool:
        """Read, store and publish until stop(). Returns whether everything read is stored.

        What is not stored waits in the journal, also when this is cancelled.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(self._read_while_allowed(), name="reader")
                others = [
                    tasks.create_task(self.writer.run(), name="writer"),
                    tasks.create_task(self._publisher.run(), name="publisher"),
                    tasks.create_task(self._acknowledge(), name="acknowledge"),
                    tasks.create_task(self._watch(), name="watch"),
                ]
                if self._commands is not None:
                    others.append(tasks.create_task(self._commands.run(), name="commands"))
                await self._stopping.wait()
                await self._finish_commands()
                reader.cancel()
                await asyncio.wait((reader,))
                self._alarms.pay()
                await self._drain()
                self._unstored.record(self._config.tags)
                for task in others:
                    task.cancel()
        finally:
            self._state = "stopped"
            await self._adapter.close()
            await self._publisher.close()
            await self._journal.close()
            await self._unstored.keep()
        return self._journal.waiting.batches == 0

    def take_commands(self, connect: ConnectOrders, redis_url: str) -> None:
        """Carry out commands, from the next run() on."""
        self._commands = Commands(
            self._adapter, self.standing, connect, redis_url=redis_url, clock=self._clock
        )

    def standing(self) -> Standing:
        """What decides whether a command may be written now."""
        return Standing(self._config, self._state, self._trouble, self.writer.fence)

    def stop(self, drain_s: float) -> None:
        """Read no more, store what waits for at most drain_s, and end run()."""
        self._drain_s = drain_s
        self._stopping.set()

    async def _finish_commands(self) -> None:
        if self._commands is None:
            return
        began_s = self._clock.monotonic()
        await self._commands.finish(self._drain_s)
        self._drain_s = max(0.0, self._drain_s - (self._clock.monotonic() - began_s))

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                await self._acks.join()
                await self.writer.drained()

    def apply(self, config: WorkerConfig) -> None:
        """Read other tags from now on; those that stay lose and repeat nothing."""
        self._config = config
        self._validator = self._validator_of(config.tags, self._validator)
        self._staleness = Staleness(config.tags, self._clock, self._staleness)
        self._alarms.apply(config.tags)
        self.writer.declare(config.tags, writes=config.connection.writes)
        self._adapter.apply_tags(config.tags)
        wells: dict[str, set[str]] = {}
        for tag in config.tags.tags:
            wells.setdefault(tag.well_id, set()).add(tag.name)
        self._publisher.forget(wells)

    def status(self) -> Status:
        """What this worker does now, for /status and for the heartbeat."""
        return describe(
            self._config,
            state=self._state,
            trouble=self._trouble,
            journal=self._journal,
            writer=self.writer,
            rejected=self._adapter.rejected,
            readings=self._readings,
            read_us=self._read_us,
            readings_per_second=self._rate.per_second,
            clock_offset_s=self._clock_offset_s,
            device_problems=(*self._alarms.problems, *self._adapter.problems),
            redis=self._publisher.breaker.state,
            now_us=self._clock.now_us(),
        )

    # Reading the device

    async def _read_while_allowed(self) -> None:
        if self._config.connection.spec.suspend:
            self._state = "suspended"
            self._metrics.suspended.set(1)
            return
        reader = asyncio.create_task(self._read_forever(), name="device")
        fenced = asyncio.create_task(self.writer.fenced.wait(), name="fence")
        try:
            await asyncio.wait((reader, fenced), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
            self._state = "fenced"
            self._metrics.active.set(0)
            self._publisher.silence()
        finally:
            for task in (reader, fenced):
                task.cancel()
            await asyncio.gather(reader, fenced, return_exceptions=True)
        await self._adapter.close()

    async def _read_forever(self) -> None:
        pause = Backoff(first_s=0.5, most_s=30.0)
        while True:
            try:
                if self._state != "disconnected":
                    self._state = "connecting"
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
        self._state, self._trouble = "connected", None
        self._owed = None  # a new session brings it by itself
        self._metrics.reconnects.inc()
        self._metrics.active.set(1)

    async def _went_down(self, error: DeviceError) -> None:
        """Mark every tag once an outage: nothing stays on a screen as if it were current."""
        self._metrics.active.set(0)
        if self._state != "disconnected":
            _log.warning(str(error), reason=error.reason)
        if self._gap.begins(self._clock.now_us()):
            batch = self._staleness.all_tags(BAD_COMM_FAILURE)
            await self._store(batch, (), no_ack, transitions=self._alarms.judge(batch))
        self._state, self._trouble = "disconnected", error

    async def _answers(self) -> None:
        """Mark the end of an outage, and what no process was there to mark."""
        self._read_us = self._clock.now_us()
        over = self._gap.answered(brought_back=self._adapter.brings_back)
        batch = None if over is None else marks(self._config.tags, over, self._read_us)
        if batch is not None:
            await self._store(batch, (), no_ack)

    async def _follow(self) -> None:
        """Mark what lies between this worker and one whose journal is not here."""
        until_us = self._beginning.read_until_us
        over = None if until_us is None else self._gap.follows(until_us)
        batch = None if over is None else marks(self._config.tags, over, self._clock.now_us())
        if batch is not None:
            await self._store(batch, (), no_ack)

    async def _take(self, delivery: Delivery) -> None:
        batch, kept_out = delivery.batch, delivery.quarantined
        if batch.tags is not self._validator.tags:
            kept_out = in_table(kept_out, batch.tags, self._validator.tags)
            batch = batch.in_table(self._validator.tags)
        if self._commands is not None:
            self._commands.saw(batch)
        judged = self._validator.judge(batch)
        self._clock_offset_s = judged.clock_offset_s
        self._metrics.errors(judged.errors)
        self._metrics.errors(delivery.errors)
        self._metrics.errors(Counter(item.reason for item in kept_out))
        self._staleness.saw(batch)
        kept_out = (*kept_out, *judged.quarantined)
        seen = self._alarms.judge(judged.batch)
        await self._store(judged.batch, kept_out, delivery.ack, delivery.memo, seen)

    # Storing and publishing

    async def _store(
        self,
        batch: Batch,
        quarantined: tuple[Quarantined, ...],
        ack: Ack,
        memo: bytes = b"",
        transitions: tuple[Transition, ...] = (),
    ) -> None:
        """Publish at once and journal; ack follows when the journal has it on disk."""
        n = len(batch)
        if n:
            levels = np.bincount(batch.quality & LEVEL_MASK, minlength=3)
            self._metrics.ingested(levels[:3].tolist())
            self._readings += n
            self._rate.add(n)
        kept = self._alarms.to_journal(batch.tags, transitions) if transitions else ()
        seq = self._journal.take_seq()
        self._publisher.publish(seq, batch, stored=self._journal.full is None)
        done = self._journal.append(
            seq,
            batch,
            quarantined,
            memo,
            kept,
            refused=partial(self._alarms.owe, batch.tags, kept),
            known=self._alarms.known(batch.tags),
        )
        if transitions:
            self._alarms.tell(seq, batch.tags, transitions)
        await self._acks.put((done, ack, batch))

    async def _acknowledge(self) -> None:
        """Acknowledge each delivery once the journal has it; never, if it could not."""
        while True:
            done, ack, batch = await self._acks.get()
            try:
                await done
            except JournalError as error:
                await self._not_stored(error, batch, ack)
                if not isinstance(error, JournalFull):
                    raise
            else:
                await self._ack(ack)
                self._unstored.record(self._config.tags)
            self._acks.task_done()

    async def _ack(self, ack: Ack) -> None:
        """A replaced worker acknowledges nothing, and a device that went away sends it again."""
        if self.writer.fenced.is_set():
            return
        try:
            await ack()
        except DeviceError as error:
            _log.warning(f"a batch could not be acknowledged and will come again: {error}")

    async def _not_stored(self, error: JournalError, batch: Batch, ack: Ack) -> None:
        self._metrics.journal_full.set(1)
        if self._adapter.sends_again and ack is not no_ack:
            if self._owed is None:
                _log.error(f"readings are left with the device, which sends them again: {error}")
                self._owed = Owed(self._clock.monotonic(), self._journal.waiting.bytes)
            return
        is_news = not self._unstored.is_open
        self._unstored.lose(batch, error)
        if is_news:
            await self._unstored.keep()

    # Watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now_us = self._clock.now_us()
            if self._state == "connected":
                stale = self._staleness.newly_stale()
                if stale is not None:
                    self._metrics.errors({"stale": len(stale)})
                    seen = self._alarms.judge(stale)
                    await self._store(stale, (), no_ack, transitions=seen)
            await self._watch_alarms(now_us)
            self._ask_again()
            await self._follow()
            await self._unstored.keep()
            self._measure(now_us)
            self.writer.report.note(self.status(), self._config)

    async def _watch_alarms(self, now_us: int) -> None:
        """What time alone has changed, unless another worker has taken over."""
        self._alarms.pay()
        if self._state in ("connected", "connecting", "disconnected") and (
            seen := self._alarms.passed()
        ):
            batch = no_readings(self._config.tags, now_us)
            await self._store(batch, (), no_ack, transitions=seen)

    def _alarms_stored(self) -> None:
        self._alarms.stored()

    def _ask_again(self) -> None:
        """Have the device send what the journal had no room for, once there may be room."""
        owed = self._owed
        if owed is None or self._state != "connected":
            return
        room = self._journal.full is None or self._journal.waiting.bytes < owed.waiting_bytes
        if room or self._clock.monotonic() - owed.since_s >= ASK_AGAIN_S:
            self._owed = None
            self._metrics.journal_full.set(0)
            self._adapter.redeliver()

    def _measure(self, now_us: int) -> None:
        waiting = self._journal.waiting
        self._metrics.journal_batches.set(waiting.batches)
        self._metrics.journal_bytes.set(waiting.bytes)
        oldest_us = waiting.oldest_us
        age_s = 0.0 if oldest_us is None else max(0.0, (now_us - oldest_us) / 1e6)
        self._metrics.journal_oldest.set(age_s)
        self._metrics.rejected_tags.set(len(self._adapter.rejected))
        self._metrics.rate.set(self._rate.roll())
        self._alarms.measure()

    def _heartbeat(self) -> wire.Heartbeat:
        status = self.status()
        connection = self._config.connection
        return wire.Heartbeat(
            epoch=str(self._journal.journal_id),
            tenant_id=connection.tenant_id,
            connection_id=connection.connection_id,
            source_protocol=connection.spec.protocol,
            at=iso_us(self._clock.now_us()),
            wells=dict(self._publisher.sent_seq),
            stored_seq=status.stored_seq,
            state=status.state,
            reason=status.reason,
            message=status.message,
            journal_batches=status.journal_batches,
            journal_bytes=status.journal_bytes,
            journal_oldest_s=status.journal_oldest_s,
            rejected_tags=len(status.rejected),
            config_hash=status.config_hash,
            follows=self._journal.follows,
            read_at=status.read_at,
        )

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
