"""An adapter over a line whose devices answer place by place.

A protocol gives the line and reads addresses; whose turn it is, what to do with what does not
answer or is refused, and how tags come and go is the same for all of them. (Modbus asks for
blocks, in which one bad register spoils the others, and has an adapter of its own.)
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic

import numpy as np
from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.errors import AddressError, DeviceError, NotConnected, WriteRefused
from pumpjack_core.log import get_logger
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE
from pumpjack_core.readings import Int32s
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import (
    NOWHERE,
    Adapter,
    Delivery,
    Permit,
    Surroundings,
    permitted,
)
from pumpjack_worker.adapters.polled.columns import Columns
from pumpjack_worker.adapters.polled.line import Answer, Got, Line, Place, Refused, UnitTrouble
from pumpjack_worker.adapters.polled.refusals import Refusals
from pumpjack_worker.adapters.polled.schedule import Probe, Read, Schedule, Wait
from pumpjack_worker.adapters.polled.table import Table
from pumpjack_worker.adapters.setting import setting_of

DELIVER_AFTER_S = 0.1
"""A round that takes longer is delivered in parts, so that slow units do not delay the rest."""
REOPEN_AFTER_S = 1.0
"""A session that lived this long and was closed between two polls is opened again at once."""
LONGEST_WAIT_S = 60.0
_log = get_logger("worker.polled")


class _Turn(Struct, frozen=True):
    """What is due of a unit: the tags of these intervals, at these places."""

    unit: int
    intervals: frozenset[float]
    places: tuple  # type: ignore[type-arg]  # of the protocol's place
    indices: Int32s


class PolledAdapter(Adapter, Generic[Place]):
    """One line: a device, or several units behind one address."""

    has_source_time = False

    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        surroundings: Surroundings = NOWHERE,
    ) -> None:
        self._clock = clock
        self._line = self._make_line(connection, surroundings)
        self._wake = asyncio.Event()
        self._line.on_lost = self._wake.set
        self._line.clock = clock
        now = clock.monotonic()
        self._schedule = Schedule(self._line.timeout_s, origin=now)
        self._refusals = Refusals[Place]()
        self._table = self._make_table(tags)
        self._schedule.set_work(self._table.work, now)
        self._next: Table[Place] | None = None
        self._turn: _Turn | None = None
        self._columns = Columns()
        self._round_began = now
        self._ending: DeviceError | None = None
        self._writing = asyncio.Lock()
        self._opened_at = 0.0

    @abstractmethod
    def _make_line(self, connection: Connection, surroundings: Surroundings) -> Line[Place]:
        """The way to the device; no I/O yet."""

    @abstractmethod
    def place_of(self, tag: Tag) -> Place:
        """Where a tag is read. Raises AddressError."""

    def place_to_write(self, tag: Tag) -> Place:  # noqa: ARG002 - by default none can
        """Where a tag is written. Raises AddressError or WriteRefused."""
        raise WriteRefused(f"{self.protocol} devices cannot be written to")

    def unit_of(self, place: Place) -> int:  # noqa: ARG002 - one unit, unless a protocol has more
        """The unit that has a place."""
        return 0

    @property
    def rejected(self) -> Mapping[int, str]:
        """Tags whose address is wrong, and tags that the device refuses at the moment."""
        table = self._next or self._table
        reasons = dict(table.wrong)
        for place, why in self._refusals.reasons.items():
            for index in table.indices([place]).tolist():
                tag = table.tags.tags[index]
                reasons[index] = (
                    f"{self._line.peer} refuses {tag.address} as {tag.data_type}: {why}; it is "
                    "tried again when it is next due, at most once a minute"
                )
        return reasons

    @property
    def skipped_polls(self) -> int:
        """Polls that were left out because the ones before took too long."""
        return self._schedule.skipped

    async def connect(self) -> None:
        """Open the session; after all units were silent, only when one of them answers again."""
        self._ending = None
        self._turn = None
        await self._open()
        if self._schedule.all_silent:
            try:
                await self._find_a_voice(self._schedule.units[0])
            except DeviceError:
                self._line.drop()
                raise
        now = self._clock.monotonic()
        self._refusals.try_all(now)
        self._schedule.restart(now)

    async def read_batch(self) -> Delivery:
        """Wait for the next due tags and return what was read of them in this round."""
        while self._ending is None and not await self._advance():
            pass
        if not self._columns:
            assert self._ending is not None
            raise self._ending
        self._round_began = self._clock.monotonic()
        return Delivery(self._columns.take(self._table.tags, self._clock.now_us()))

    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from the next request on."""
        self._next = self._make_table(tags)
        self._wake.set()

    async def write(self, tag: Tag, value: float, permit: Permit = permitted) -> None:
        """Set a place to a value, once."""
        raw = setting_of(tag, value).raw
        try:
            place = self.place_to_write(tag)
        except AddressError as error:
            raise WriteRefused(str(error)) from error
        async with self._writing:
            if self._ending is not None:
                raise self._ending
            if self._schedule.is_away(self.unit_of(place)):
                raise NotConnected(
                    f"{self._line.peer} does not answer at the moment", reason="Timeout"
                )
            await self._line.write(place, raw, permit)

    async def read_back(self, tag: Tag) -> float | None:
        """Ask for one tag, beside what is polled."""
        try:
            place = self.place_of(tag)
        except AddressError as error:
            raise DeviceError(str(error), reason="WrongAddress") from error
        try:
            (answer,) = await self._line.read([place], timeout_s=self._line.timeout_s)
        except UnitTrouble as trouble:
            raise DeviceError(f"{self._line.peer}: {trouble}", reason="Timeout") from trouble
        if isinstance(answer, Refused):
            raise DeviceError(
                f"{self._line.peer} refuses to give {tag.address}: {answer.why}", reason="Refused"
            )
        value = answer.value * tag.scale + tag.offset
        if not np.isfinite(value):
            raise DeviceError(
                f"{tag.address} at {self._line.peer} is no number now", reason="NoValue"
            )
        return float(value)

    async def close(self) -> None:
        """End the session and whatever waits for it."""
        self._ending = NotConnected(f"{self._line.peer}: the session was closed", reason="Closed")
        self._columns = Columns()
        self._line.close()
        self._wake.set()

    def _make_table(self, tags: TagTable) -> Table[Place]:
        return Table(tags, self.place_of, self.unit_of)

    async def _advance(self) -> bool:
        """Do the next thing. True when the round is over and there is something to deliver."""
        self._wake.clear()
        if self._next is not None:
            if self._columns:
                return True
            self._switch(self._next)
        if self._turn is not None:
            over = not await self._take_turn(self._turn)
            took_s = self._clock.monotonic() - self._round_began
            return bool(self._columns) and (over or took_s >= DELIVER_AFTER_S)
        action = self._schedule.next(self._clock.monotonic())
        if isinstance(action, Read):
            self._begin(action.unit, action.intervals)
        elif self._columns:
            return True
        elif isinstance(action, Probe):
            await self._probe(action)
        else:
            await self._idle(action)
        return False

    def _begin(self, unit: int, intervals: frozenset[float]) -> None:
        """Take on what is due of a unit; what it refuses is BAD at once, a few are tried again."""
        now = self._clock.monotonic()
        if not self._columns:
            self._round_began = now
        due = self._table.places(unit, intervals)
        left_out = self._refusals.left_out(due, now)
        self._add_bad(self._table.indices(left_out, intervals), BAD_DEVICE)
        places = tuple(place for place in due if place not in left_out)
        if places:
            indices = self._table.indices(places, intervals)
            self._turn = _Turn(unit, intervals, places, indices)

    async def _take_turn(self, turn: _Turn) -> bool:
        """Ask for it. It stays the turn until its readings are kept, so that being cancelled loses
        none. False when unit or session failed.
        """
        began = self._clock.monotonic()
        try:
            if not self._line.is_open:  # many devices close what is quiet between two polls
                await self._open()
            answers = await self._line.read(turn.places, timeout_s=self._line.timeout_s)
        except UnitTrouble as trouble:
            self._unit_failed(turn.unit, trouble, self._clock.monotonic() - began)
            return False
        except DeviceError as error:
            self._session_lost(error)
            return False
        self._keep(turn, answers)
        self._turn = None
        self._schedule.answered(turn.unit, self._clock.monotonic())
        return True

    def _keep(self, turn: _Turn, answers: Sequence[Answer]) -> None:
        now = self._clock.monotonic()
        news = []
        for place, answer in zip(turn.places, answers, strict=True):
            if isinstance(answer, Got):
                self._refusals.accept(place, now)
            elif self._refusals.refuse(place, answer.why, now):
                news.append(answer.why)
        if news:
            _log.warning("places refused", device=self._line.peer, places=len(news), reason=news[0])
        index, value, quality, us = self._table.values(turn.places, answers, turn.intervals)
        self._columns.add(index, value, quality, np.where(us > 0, us, self._clock.now_us()))

    async def _probe(self, probe: Probe) -> None:
        """Ask a unit that failed whether it is back."""
        began = self._clock.monotonic()
        try:
            if not self._line.is_open:
                await self._open()
            await self._line.read([self._table.any_place(probe.unit)], timeout_s=probe.timeout_s)
        except UnitTrouble as trouble:
            self._unit_failed(probe.unit, trouble, self._clock.monotonic() - began)
        except DeviceError as error:
            self._session_lost(error)
        else:
            _log.info("unit answers again", unit=probe.unit, device=self._line.peer)
            self._schedule.revived(probe.unit, self._clock.monotonic())

    async def _find_a_voice(self, unit: int) -> None:
        """Ask one unit after all were silent. Raises NotConnected when it still is."""
        place = self._table.any_place(unit)
        try:
            await self._line.read([place], timeout_s=self._line.timeout_s)
        except UnitTrouble as trouble:
            now = self._clock.monotonic()
            self._schedule.failed(unit, now, took_s=0.0, silent=trouble.silent)
            raise self._nobody_answers(trouble) from None
        self._schedule.revived(unit, self._clock.monotonic())

    def _unit_failed(self, unit: int, trouble: UnitTrouble, took_s: float) -> None:
        """All tags of the unit are BAD; it backs off, the others go on."""
        _log.warning("unit trouble", unit=unit, device=self._line.peer, reason=str(trouble))
        now = self._clock.monotonic()
        self._schedule.failed(unit, now, took_s=took_s, silent=trouble.silent)
        if self._schedule.all_silent:
            self._session_lost(self._nobody_answers(trouble))
            return
        self._turn = None
        code = BAD_COMM_FAILURE if trouble.silent else BAD_DEVICE
        self._add_bad(self._table.of_unit(unit), code)

    def _session_lost(self, error: DeviceError) -> None:
        """What was due is BAD; the error is raised after that was delivered."""
        due, self._turn = self._turn, None
        self._line.drop()
        if self._ending is not None:
            return  # closed by us: that is no news about the device
        self._ending = error
        if due is not None:
            self._add_bad(due.indices, BAD_COMM_FAILURE)

    def _nobody_answers(self, trouble: UnitTrouble) -> NotConnected:
        return NotConnected(
            f"{self._line.peer} is connected, but nothing behind it answers (the last: {trouble}); "
            "check that the devices are on, and their addresses",
            reason="Timeout",
        )

    async def _idle(self, wait: Wait) -> None:
        """Wait until something is due or happens; open again what was closed meanwhile."""
        now = self._clock.monotonic()
        if not self._line.is_open and now >= self._opened_at + REOPEN_AFTER_S:
            try:
                await self._open()
            except DeviceError as error:
                self._session_lost(error)
            return
        pause_s = min(max(wait.until - self._clock.monotonic(), 0.0), LONGEST_WAIT_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def _open(self) -> None:
        await self._line.open()
        self._opened_at = self._clock.monotonic()

    def _add_bad(self, indices: Int32s, code: int) -> None:
        self._columns.add_bad(indices, code, self._clock.now_us())

    def _switch(self, table: Table[Place]) -> None:
        """Go over to another tag table; what is due in this round and stays is still read."""
        now = self._clock.monotonic()
        turn, self._turn = self._turn, None
        before, self._table, self._next = self._table, table, None
        self._schedule.set_work(table.work, now)
        self._schedule.make_due(table.added_to(before), now)
        kept = {place for unit in table.work for place in table.places(unit, table.work[unit])}
        self._refusals.forget_all_but(kept)
        if turn is not None and turn.unit in table.work:
            places = tuple(place for place in turn.places if place in kept)
            intervals = turn.intervals & table.work[turn.unit]
            if places and intervals:
                indices = table.indices(places, intervals)
                self._turn = _Turn(turn.unit, intervals, places, indices)
