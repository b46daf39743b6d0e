"""One connection's pipeline: device, validation, journal, writer, publisher, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.config import WorkerConfig
from pumpjack_core.readings import no_readings
from pumpjack_core.units import size_bytes
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.commands.loop import Commands
from pumpjack_worker.commands.standing import ConnectOrders, Standing
from pumpjack_worker.pipeline.alarms.desk import AlarmDesk
from pumpjack_worker.pipeline.alarms.messages import Messages
from pumpjack_worker.pipeline.beginning import Beginning
from pumpjack_worker.pipeline.feed import Feed
from pumpjack_worker.pipeline.heartbeat import heartbeat
from pumpjack_worker.pipeline.hole_file import HoleFile
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher
from pumpjack_worker.pipeline.reading import Reader
from pumpjack_worker.pipeline.status import Status, describe
from pumpjack_worker.pipeline.storing import Storing
from pumpjack_worker.pipeline.unstored import Unstored
from pumpjack_worker.pipeline.writer import Connect, Writer

WATCH_S = 1.0


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
        self._unstored = unstored
        self._storing = Storing(
            adapter,
            journal,
            self._publisher,
            self._alarms,
            unstored,
            tags=config.tags,
            fenced=self.writer.fenced,
            clock=clock,
            metrics=metrics,
        )
        self._reader = Reader(
            config,
            adapter,
            self._alarms,
            self._storing,
            read_until_us=journal.read_until_us,
            clock=clock,
            metrics=metrics,
        )
        self._stopping = asyncio.Event()
        self._drain_s = 0.0
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
                reading = self._reader.read_until(self.writer.fenced, self._publisher.silence)
                reader = tasks.create_task(reading, name="reader")
                others = [
                    tasks.create_task(self.writer.run(), name="writer"),
                    tasks.create_task(self._publisher.run(), name="publisher"),
                    tasks.create_task(self._storing.acknowledge(), name="acknowledge"),
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
                await self._storing.tell_unstored()
                for task in others:
                    task.cancel()
        finally:
            self._reader.state = "stopped"
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
        self._reader.on_batch = self._commands.saw

    def standing(self) -> Standing:
        """What decides whether a command may be written now."""
        reader = self._reader
        return Standing(self._config, reader.state, reader.trouble, self.writer.fence)

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
                await self._storing.settled()
                await self.writer.drained()

    def apply(self, config: WorkerConfig) -> None:
        """Read other tags from now on; those that stay lose and repeat nothing."""
        self._config = config
        self._alarms.apply(config.tags)
        self._storing.tags = config.tags
        self.writer.declare(config.tags, writes=config.connection.writes)
        self._reader.apply(config)
        wells: dict[str, set[str]] = {}
        for tag in config.tags.tags:
            wells.setdefault(tag.well_id, set()).add(tag.name)
        self._publisher.forget(wells)

    def status(self) -> Status:
        """What this worker does now, for /status and for the heartbeat."""
        return describe(
            self._config,
            state=self._reader.state,
            trouble=self._reader.trouble,
            journal=self._journal,
            writer=self.writer,
            rejected=self._adapter.rejected,
            readings=self._storing.readings,
            read_us=self._reader.read_us,
            readings_per_second=self._storing.rate.per_second,
            clock_offset_s=self._reader.clock_offset_s,
            device_problems=(*self._alarms.problems, *self._adapter.problems),
            redis=self._publisher.breaker.state,
            now_us=self._clock.now_us(),
        )

    # Watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now_us = self._clock.now_us()
            await self._reader.mark_stale()
            await self._watch_alarms(now_us)
            if self._reader.state == "connected":
                self._storing.ask_again()
            await self._reader.follow(self._beginning.read_until_us)
            await self._unstored.keep()
            self._measure(now_us)
            self.writer.report.note(self.status(), self._config)

    async def _watch_alarms(self, now_us: int) -> None:
        """What time alone has changed, unless another worker has taken over."""
        self._alarms.pay()
        if self._reader.state in ("connected", "connecting", "disconnected") and (
            seen := self._alarms.passed()
        ):
            batch = no_readings(self._config.tags, now_us)
            await self._storing.store(batch, transitions=seen)

    def _alarms_stored(self) -> None:
        self._alarms.stored()

    def _measure(self, now_us: int) -> None:
        waiting = self._journal.waiting
        self._metrics.journal_batches.set(waiting.batches)
        self._metrics.journal_bytes.set(waiting.bytes)
        oldest_us = waiting.oldest_us
        age_s = 0.0 if oldest_us is None else max(0.0, (now_us - oldest_us) / 1e6)
        self._metrics.journal_oldest.set(age_s)
        self._metrics.rejected_tags.set(len(self._adapter.rejected))
        self._metrics.rate.set(self._storing.rate.roll())
        self._alarms.measure()

    def _heartbeat(self) -> wire.Heartbeat:
        return heartbeat(
            self.status(),
            follows=self._journal.follows,
            sent_seq=self._publisher.sent_seq,
            now_us=self._clock.now_us(),
        )
