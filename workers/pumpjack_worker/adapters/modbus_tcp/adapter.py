"""Modbus TCP: polls blocks of registers. MODBUS Application Protocol V1.1b3; see README.md."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.errors import DeviceError, ManifestError, NotConnected
from pumpjack_core.log import get_logger
from pumpjack_core.networks import parse_networks
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE
from pumpjack_core.tags import Tag, TagTable
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.contract import (
    NOWHERE,
    Adapter,
    Delivery,
    Permit,
    Surroundings,
    permitted,
)
from pumpjack_worker.adapters.modbus_tcp.decode import decode
from pumpjack_worker.adapters.modbus_tcp.frames import exception_text
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Limits
from pumpjack_worker.adapters.modbus_tcp.program import Program, Step
from pumpjack_worker.adapters.modbus_tcp.refusals import Refusals, isolate
from pumpjack_worker.adapters.modbus_tcp.session import Session, Settings
from pumpjack_worker.adapters.modbus_tcp.writer import Writer
from pumpjack_worker.adapters.polled.columns import Columns
from pumpjack_worker.adapters.polled.line import UnitTrouble
from pumpjack_worker.adapters.polled.schedule import Probe, Read, Schedule, Wait

DELIVER_AFTER_S = 0.1
"""A round that takes longer is delivered in parts, so that slow units do not delay the rest."""
REOPEN_AFTER_S = 1.0
"""A session that lived this long and was closed between two polls is opened again at once."""
LONGEST_WAIT_S = 60.0

_log = get_logger("worker.modbus")


class _Turn(Struct, frozen=True):
    """A step that is due, of which tags, and whether it is the unit's last in this round."""

    step: Step
    intervals: frozenset[float]
    last: bool


class ModbusTcpAdapter(Adapter):
    """One Modbus TCP device, or one gateway with several units behind it."""

    protocol: ClassVar[str] = "modbus-tcp"
    has_source_time: ClassVar[bool] = False
    writes: ClassVar[bool] = True

    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        surroundings: Surroundings = NOWHERE,
    ) -> None:
        spec = connection.spec.modbus_tcp
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.modbusTcp is missing")
        self._clock = clock
        self._unit_id = spec.unit_id
        self._limits = Limits(spec.max_block, spec.max_gap)
        self._settings = Settings(
            spec.host,
            spec.port,
            parse_networks(connection.allowed_networks),
            seconds(spec.timeout),
            spec.retries,
            surroundings.on_step,
        )
        self._wake = asyncio.Event()
        self._session = Session(self._settings, on_late=self._heard, on_lost=self._wake.set)
        self._opened_at = 0.0
        now = clock.monotonic()
        self._schedule = Schedule(self._settings.timeout_s, origin=now)
        self._refusals = Refusals()
        self._writer = Writer(self._session, self._settings, self._unit_id, self._schedule.is_away)
        self._program = Program(tags, self._unit_id, self._limits)
        self._schedule.set_work(self._program.work, now)
        self._next: Program | None = None
        self._turns: deque[_Turn] = deque()
        self._columns = Columns()
        self._round_began = now
        self._ending: DeviceError | None = None

    @property
    def rejected(self) -> Mapping[int, str]:
        """Tags whose address is wrong, and tags that the device refuses at the moment."""
        program = self._next or self._program
        reasons = dict(program.wrong)
        for span in self._refusals.spans:
            for index in program.indices([span]).tolist():
                tag = program.tags.tags[index]
                reasons[index] = (
                    f"unit {span.unit} at {self._settings.peer} refuses {tag.address} as "
                    f"{tag.data_type}: {self._refusals.reason(span)}; compare address and data "
                    "type with the device's register list; it is tried again every minute"
                )
        return reasons

    @property
    def skipped_polls(self) -> int:
        """Polls that were left out because the ones before took too long."""
        return self._schedule.skipped

    async def connect(self) -> None:
        """Open the session; after all units were silent, only when one of them answers again."""
        self._ending = None
        self._turns.clear()
        await self._open()
        if self._schedule.all_silent:
            try:
                await self._find_a_voice(self._schedule.units[0])
            except DeviceError:
                self._session.drop()
                raise
        self._schedule.restart(self._clock.monotonic())

    async def read_batch(self) -> Delivery:
        """Wait for the next due tags and return what was read of them in this round."""
        while self._ending is None and not await self._advance():
            pass
        if not self._columns:
            assert self._ending is not None
            raise self._ending
        self._round_began = self._clock.monotonic()
        return Delivery(self._columns.take(self._program.tags, self._clock.now_us()))

    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from the next request on."""
        self._next = Program(tags, self._unit_id, self._limits)
        self._wake.set()

    async def write(self, tag: Tag, value: float, permit: Permit = permitted) -> None:
        """Write registers, a bit by a mask, or a coil."""
        if self._ending is not None:
            raise self._ending
        await self._writer.write(tag, value, permit)

    async def read_back(self, tag: Tag) -> float | None:
        """Ask for one tag, beside what is polled."""
        return await self._writer.read_back(tag)

    async def close(self) -> None:
        """End the session and whatever waits for it."""
        self._ending = NotConnected(
            f"{self._settings.peer}: the session was closed", reason="Closed"
        )
        self._columns = Columns()
        self._session.close()
        self._wake.set()

    async def _advance(self) -> bool:
        """Do the next thing. True when the round is over and there is something to deliver."""
        self._wake.clear()
        if self._next is not None:
            if self._columns:
                return True
            self._switch(self._next)
        if self._turns:
            over = not await self._take_turn(self._turns[0])
            took_s = self._clock.monotonic() - self._round_began
            return bool(self._columns) and (over or took_s >= DELIVER_AFTER_S)
        action = self._schedule.next(self._clock.monotonic())
        if isinstance(action, Read):
            self._begin(action)
        elif self._columns:
            return True
        elif isinstance(action, Probe):
            await self._probe(action)
        else:
            await self._idle(action)
        return False

    def _begin(self, read: Read) -> None:
        """Take on what is due of a unit; what it refuses is BAD at once, a few are tried again."""
        now = self._clock.monotonic()
        if not self._turns and not self._columns:
            self._round_began = now
        reading = self._program.reading(read.unit, read.intervals, self._refusals)
        retried = self._refusals.due(reading.refused, now)
        left_out = [span for span in reading.refused if span not in retried]
        bad = self._program.indices(left_out, read.intervals)
        self._columns.add_bad(bad, BAD_DEVICE, self._clock.now_us())
        steps = [*reading.steps]
        steps += [self._program.step(Block((span,)), read.intervals) for span in retried]
        for number, step in enumerate(steps, 1):
            self._turns.append(_Turn(step, read.intervals, last=number == len(steps)))

    async def _take_turn(self, turn: _Turn) -> bool:
        """Ask for one block. The turn stays the first until its readings are kept, so that
        being cancelled loses none. False when unit or session failed.
        """
        unit = turn.step.block.unit
        began = self._clock.monotonic()
        read = Columns()
        healthy = True
        try:
            await self._reopen_if_lost()
            await self._read(turn, read)
        except UnitTrouble as trouble:
            self._columns.extend(read)
            self._unit_failed(unit, trouble, self._clock.monotonic() - began)
            healthy = False
        except DeviceError as error:
            self._columns.extend(read)
            self._session_lost(error)
            healthy = False
        else:
            self._columns.extend(read)
            self._turns.popleft()
            if turn.last:
                self._schedule.answered(unit, self._clock.monotonic())
        return healthy

    async def _read(self, turn: _Turn, read: Columns) -> None:
        step = turn.step
        answer = await self._ask(step)
        if isinstance(answer, bytes):
            value, code = decode(step.decode, answer)
            read.add(step.decode.tag_index, value, code, self._clock.now_us())
            if step.block.spans[0] in self._refusals:
                self._refusals.accept(step.block.spans[0], self._clock.monotonic())
            return
        await self._read_around_refused(turn, answer, read)

    async def _read_around_refused(self, turn: _Turn, code: int, read: Columns) -> None:
        """Halve a refused block until only what is refused by itself is missing."""

        async def ask(part: Block) -> bytes | int:
            step = self._program.step(part, turn.intervals)
            answer = await self._ask(step)
            if isinstance(answer, bytes):
                value, quality = decode(step.decode, answer)
                read.add(step.decode.tag_index, value, quality, self._clock.now_us())
            return answer

        found = await isolate(ask, turn.step.block, code)
        news = [
            f"{span.area.label}:@{span.start}"
            for span, _ in found.refused
            if span not in self._refusals
        ]
        if news:
            _log.warning(
                "registers refused",
                device=self._settings.peer,
                unit=turn.step.block.unit,
                registers=news,
                reason=exception_text(found.refused[0][1]),
            )
        self._refusals.learn(found, self._clock.monotonic())
        bad = [span for span, _ in found.refused] + found.unknown
        indices = self._program.indices(bad, turn.intervals)
        read.add_bad(indices, BAD_DEVICE, self._clock.now_us())

    async def _ask(self, step: Step) -> bytes | int:
        trusted = self._schedule.is_trusted(step.block.unit)
        attempts = 1 + self._settings.retries if trusted else 1
        return await self._session.ask(step.request, attempts=attempts)

    async def _probe(self, probe: Probe) -> None:
        """Ask a unit that failed whether it is back."""
        began = self._clock.monotonic()
        request = self._program.probe(probe.unit)
        try:
            await self._reopen_if_lost()
            await self._session.ask(request, timeout_s=probe.timeout_s)
        except UnitTrouble as trouble:
            self._unit_failed(probe.unit, trouble, self._clock.monotonic() - began)
        except DeviceError as error:
            self._session_lost(error)
        else:
            _log.info("unit answers again", unit=probe.unit, device=self._settings.peer)
            self._schedule.revived(probe.unit, self._clock.monotonic())

    async def _find_a_voice(self, unit: int) -> None:
        """Ask one unit after all were silent. Raises NotConnected when it still is."""
        try:
            await self._session.ask(self._program.probe(unit))
        except UnitTrouble as trouble:
            now = self._clock.monotonic()
            self._schedule.failed(unit, now, took_s=0.0, silent=trouble.silent)
            raise self._nobody_answers(trouble) from None
        self._schedule.revived(unit, self._clock.monotonic())

    def _unit_failed(self, unit: int, trouble: UnitTrouble, took_s: float) -> None:
        """All tags of the unit are BAD; it backs off, the others go on."""
        _log.warning("unit trouble", unit=unit, device=self._settings.peer, reason=str(trouble))
        now = self._clock.monotonic()
        self._schedule.failed(unit, now, took_s=took_s, silent=trouble.silent)
        if self._schedule.all_silent:
            self._session_lost(self._nobody_answers(trouble))
            return
        self._turns = deque(turn for turn in self._turns if turn.step.block.unit != unit)
        code = BAD_COMM_FAILURE if trouble.silent else BAD_DEVICE
        self._columns.add_bad(self._program.of_unit(unit), code, self._clock.now_us())

    def _session_lost(self, error: DeviceError) -> None:
        """What was due is BAD; the error is raised after that was delivered."""
        due, self._turns = self._turns, deque()
        self._session.drop()
        if self._ending is not None:
            return  # closed by us: that is no news about the device
        self._ending = error
        for turn in due:
            self._columns.add_bad(
                turn.step.decode.tag_index, BAD_COMM_FAILURE, self._clock.now_us()
            )

    def _nobody_answers(self, trouble: UnitTrouble) -> NotConnected:
        return NotConnected(
            f"{self._settings.peer} is connected, but no unit answers (the last: {trouble}); "
            "check unitId, and that the devices behind it are on",
            reason="Timeout",
        )

    async def _idle(self, wait: Wait) -> None:
        """Wait until something is due or happens; open again what was closed meanwhile."""
        if (
            not self._session.is_open
            and self._clock.monotonic() >= self._opened_at + REOPEN_AFTER_S
        ):
            try:
                await self._open()
            except DeviceError as error:
                self._session_lost(error)
            return
        pause_s = min(max(wait.until - self._clock.monotonic(), 0.0), LONGEST_WAIT_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def _reopen_if_lost(self) -> None:
        """Many devices close a session that is quiet between two polls: no harm is done."""
        if not self._session.is_open:
            await self._open()

    async def _open(self) -> None:
        await self._session.open()
        self._opened_at = self._clock.monotonic()

    def _heard(self, unit: int) -> None:
        self._schedule.heard(unit, self._clock.monotonic())
        self._wake.set()

    def _switch(self, program: Program) -> None:
        """Go over to another tag table; what is due in this round and stays is still read."""
        now = self._clock.monotonic()
        keys = [
            self._program.tags.tags[index].key
            for turn in self._turns
            for index in turn.step.decode.tag_index.tolist()
        ]
        intervals = frozenset(one for turn in self._turns for one in turn.intervals)
        self._program, self._next = program, None
        self._refusals.forget(program.spans)
        self._schedule.set_work(program.work, now)
        steps = program.plan(program.spans_of(keys), intervals, self._refusals).steps
        self._turns = deque(_Turn(step, intervals, last=True) for step in steps)
