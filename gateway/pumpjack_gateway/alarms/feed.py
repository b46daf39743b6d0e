"""A tenant's alarms, live: the database's events in order, and workers' words before them.

A message on the channel is only a wake; what is told comes from the database by event number, so
that nothing is lost with Redis. It is also read every few seconds without any message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.decoding import decoder
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_gateway.alarms.book import Book, News, Snapshot
from pumpjack_gateway.alarms.counts import count
from pumpjack_gateway.alarms.flood import Meter, Once
from pumpjack_gateway.alarms.messages import AlarmCounts, Alarms, frame_of_alarms, frame_of_change
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.model import HIDDEN, Change
from pumpjack_gateway.alarms.presence import Roll
from pumpjack_gateway.alarms.screen import AlarmScreen
from pumpjack_gateway.alarms.states import Told
from pumpjack_gateway.alarms.store import EVENTS_MAX
from pumpjack_gateway.times import time_of, us_since_epoch

LOOK_AGAIN_S = 5.0
BLIND_S = 1.0
"""While Redis or the database is away."""
COUNTS_S = 1.0
WORDS_WAIT_S = 1.0
"""So long a word waits for the database at most."""
BEATS_S = 2.0
BEATS_MAX = 1_000
MESSAGE_MAX_BYTES = 8_192
"""Names of 1,018 characters and a message of 256 are the longest; each is kept until stored."""
_LATE = {"late", "removed"}
"""In an event's detail: it was found out later, and was before nobody's eyes."""
_log = get_logger("gateway.alarms")


class Reader(Protocol):
    """Where alarms are read (alarms.store.AlarmStore)."""

    async def snapshot(self, tenant_id: str) -> Snapshot:
        """Raises StorageError."""
        ...

    async def news(self, tenant_id: str, after: int, epochs: Sequence[str]) -> News | None:
        """Raises StorageError."""
        ...


class Beats(Protocol):
    """Where the last heartbeats are read (alarms.beats.HeartbeatStore)."""

    async def of(self, tenant_id: str, connections: Sequence[str]) -> list[wire.Heartbeat]:
        """Those that can be had; none while Redis is away."""
        ...


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    tenant_id: str


_decode_head = decoder(_Head)
_decode_told = decoder(Told)


class AlarmFeed:
    """The alarms of one tenant, for the clients that look at them."""

    def __init__(
        self,
        tenant_id: str,
        reader: Reader,
        beats: Beats,
        *,
        hears: Callable[[], bool],
        clock: Clock,
        metrics: AlarmMetrics,
    ) -> None:
        """Prepare. hears: whether the channel is subscribed now."""
        self.tenant_id = tenant_id
        self.channel = wire.alarms_channel(tenant_id)
        self.screens: set[AlarmScreen] = set()
        self.tried = asyncio.Event()
        """The database was asked once, whatever it said."""
        self._reader = reader
        self._beats = beats
        self._hears = hears
        self._clock = clock
        self._metrics = metrics
        self._book = Book()
        self._meter = Meter()
        self._once = Once()
        self._roll = Roll()
        self._beats_due_s = 0.0
        self._refused = 0
        metrics.not_shown.labels(tenant_id)  # from 0 on, so that the first one is a rise
        self._wake = asyncio.Event()
        self._begun = False
        self._current = False
        self._as_of_us: int | None = None
        self._counts_due: asyncio.TimerHandle | None = None
        self._wait_ends: asyncio.TimerHandle | None = None

    # For clients

    def join(self, screen: AlarmScreen) -> None:
        """Tell a client from now on, beginning with all alarms."""
        screen.snapshot(self._snapshot(resumed=False))
        screen.counts(self._counts())
        self.screens.add(screen)

    def leave(self, screen: AlarmScreen) -> None:
        """Tell it no more."""
        self.screens.discard(screen)

    # From Redis (live.channels.Ear)

    def hear(self, payload: bytes) -> None:
        """A message of a worker or a gateway."""
        if len(payload) > MESSAGE_MAX_BYTES:
            self._refuse("oversize")
            return
        try:
            head = _decode_head(payload)
            if head.tenant_id != self.tenant_id:
                self._refuse("tenant")
            elif head.type == "condition":
                self._hear_told(_decode_told(payload))
            elif head.type == "alarms-stored":
                self._wake.set()
        except msgspec.MsgspecError:
            self._refuse("malformed")

    def _hear_told(self, told: Told) -> None:
        self._roll.hear(told.connection_id, told.epoch)
        change = self._book.hear(told)
        if change is not None:
            self._tell([change])
        self._count_refused()
        if self._book.waits:
            self._wake.set()
            if self._wait_ends is None:
                loop = asyncio.get_running_loop()
                self._wait_ends = loop.call_later(WORDS_WAIT_S, self._wait_no_more)

    def _wait_no_more(self) -> None:
        """The database is too slow: what workers tell is shown without it."""
        self._wait_ends = None
        if self._book.waits:
            self._tell(self._book.wait_no_more())

    def tune_in(self) -> None:
        """What was published before was missed: look."""
        self._wake.set()

    # From the database

    async def run(self) -> None:
        """Keep up until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._look()
                    await self._meet()
                except Exception as error:  # of one tenant's alarms: no other may notice
                    self._begun = False  # and all of them are read anew
                    self._be_current(False, repr(error))
                finally:
                    self.tried.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_s()):
                        await self._wake.wait()
        finally:
            for timer in (self._counts_due, self._wait_ends):
                if timer is not None:
                    timer.cancel()

    def _pause_s(self) -> float:
        return LOOK_AGAIN_S if self._current and self._hears() else BLIND_S

    async def _look(self) -> None:
        try:
            if not self._begun:
                await self._begin()
            while True:
                news = await self._reader.news(
                    self.tenant_id, self._book.event_no, self._book.epochs
                )
                if news is None:
                    _log.warning("the alarms are read anew", tenant=self.tenant_id)
                    await self._begin()
                    continue
                self._tell(self._book.take(news))
                self._count_refused()
                if len(news.events) < EVENTS_MAX:
                    break
        except StorageError as error:
            self._be_current(False, str(error))
            self._tell(self._book.wait_no_more())
            return
        if self._wait_ends is not None and not self._book.waits:
            self._wait_ends.cancel()
            self._wait_ends = None
        self._as_of_us = self._clock.now_us()
        self._be_current(True, "")
        if self._meter.new(self._as_of_us):
            self._count_soon()  # the last 10 minutes are others by now

    async def _meet(self) -> None:
        """See whose words are still to be believed, as long as any is not stored."""
        connections = sorted(self._book.told)[:BEATS_MAX]
        now_s = self._clock.monotonic()
        if not connections or now_s < self._beats_due_s:
            return
        self._beats_due_s = now_s + BEATS_S
        for beat in await self._beats.of(self.tenant_id, connections):
            presence = self._roll.beat(beat)
            if presence is not None:
                self._tell(self._book.meet(beat.connection_id, presence))

    async def _begin(self) -> None:
        snapshot = await self._reader.snapshot(self.tenant_id)
        self._book.begin(snapshot)
        self._meter, self._once = Meter(), Once()
        now_us = self._clock.now_us()
        for at_us in snapshot.raised_us:
            self._meter.add(min(at_us, now_us))
        self._begun, self._as_of_us, self._current = True, now_us, True
        frame = self._snapshot(resumed=True)
        for screen in self.screens:
            screen.snapshot(frame)
        self._count_soon()

    def _be_current(self, current: bool, why: str) -> None:
        if current == self._current:
            return
        self._current = current
        if not current:
            _log.warning("the alarms cannot be read", tenant=self.tenant_id, why=why)
        self._count_soon()

    # Telling

    def _tell(self, changes: Sequence[Change]) -> None:
        event_no = self._book.event_no - sum(change.event is not None for change in changes)
        for change in changes:
            if change.event is not None:
                event_no = change.event.event_no
            self._measure(change)
            frame = frame_of_change(change)
            for screen in self.screens:
                screen.change(change, event_no, frame)
        if changes:
            confirmed = sum(change.event is not None for change in changes)
            self._metrics.told.labels(self.tenant_id, "true").inc(confirmed)
            self._metrics.told.labels(self.tenant_id, "false").inc(len(changes) - confirmed)
            self._count_soon()

    def _measure(self, change: Change) -> None:
        """Count a new alarm towards a flood once: as soon as it is told of, or stored."""
        event, alarm = change.event, change.alarm
        if event is None:
            if alarm.confirmed or not alarm.active or alarm.state in HIDDEN:
                return
            at = alarm.active_since
        elif event.kind == "raised" and event.state not in HIDDEN and not _LATE & set(event.detail):
            at = event.at
        else:
            return
        at_us = us_since_epoch(at) if at is not None else self._clock.now_us()
        if self._once.is_news(alarm.alarm_id, at_us):
            self._meter.add(min(at_us, self._clock.now_us()))
            self._meter.ended.clear()  # only whether there is a flood now is asked

    def _count_refused(self) -> None:
        """Count what the book had no place for since the last time."""
        if self._book.refused > self._refused:
            counter = self._metrics.not_shown.labels(self.tenant_id)
            counter.inc(self._book.refused - self._refused)
            self._refused = self._book.refused

    def _snapshot(self, *, resumed: bool) -> bytes:
        return frame_of_alarms(
            Alarms(
                as_of=time_of(self._as_of_us) if self._as_of_us is not None else None,
                event_no=self._book.event_no,
                current=self._current,
                resumed=resumed,
                alarms=self._book.all(),
            )
        )

    def _counts(self) -> bytes:
        return frame_of_alarms(
            AlarmCounts(
                as_of=time_of(self._as_of_us) if self._as_of_us is not None else None,
                event_no=self._book.event_no,
                current=self._current,
                counts=count(self._book.all(), self._meter, self._clock.now_us()),
            )
        )

    def _count_soon(self) -> None:
        if self._counts_due is None and self.screens:
            loop = asyncio.get_running_loop()
            self._counts_due = loop.call_later(COUNTS_S, self._tell_counts)

    def _tell_counts(self) -> None:
        self._counts_due = None
        frame = self._counts()
        for screen in self.screens:
            screen.counts(frame)

    def _refuse(self, reason: str) -> None:
        self._metrics.refused.labels(reason).inc()
        _log.warning("a message on a channel was refused", channel=self.channel, reason=reason)
