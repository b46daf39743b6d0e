"""What the live table knows, message by message. Pure: no clock, no I/O.

A value is shown as it was last heard, and everything that makes it doubtful beside it: its
quality, its age, whether its connection is stale, whether messages before it are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pumpjack_core import wire
from pumpjack_gateway.live import messages
from pumpjack_gateway.live.health import Status

Mark = Literal["offline", "stale", "not read", "late", "catching up", "not stored", "slow"]
LATE_INTERVALS = 3
LATE_LEAST_S = 10.0
READ_STATES = frozenset({"connected", "connecting", "unknown"})
Message = (
    wire.Readings
    | messages.Connected
    | messages.Subscribed
    | messages.Unsubscribed
    | messages.GapNotice
    | messages.Conflated
    | messages.Problem
    | messages.Stats
    | Status
)


class RowView(Struct, frozen=True, rename="camel"):
    """One line of the table. age_s: since the reading's own time, by the gateway's clock."""

    well_id: str
    tag_name: str
    value: float | None
    unit: str
    quality: str
    reason: str | None
    age_s: float
    marks: tuple[Mark, ...]


class ConnectionView(Struct, frozen=True):
    """A connection of the wells shown, in words."""

    connection_id: str
    state: str
    stale: bool
    text: str


@dataclass
class _Row:
    reading: wire.Reading
    connection_id: str | None
    stored: bool = True
    slow: bool = False
    interval_s: float = 0.0
    """Between its last two readings; 0 before there are two."""


@dataclass
class _Well:
    rows: dict[str, _Row] = field(default_factory=dict)
    positions: dict[str, wire.Position] = field(default_factory=dict)
    statuses: dict[str | None, Status] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    """Connections whose messages are missing and not in the database yet."""


class Table:
    """The state of the live table."""

    def __init__(self) -> None:
        self._wells: dict[str, _Well] = {}
        self._units: dict[tuple[str, str], str] = {}
        self._offset_s = 0.0
        self.online = False
        self.signed_in = ""
        self.gaps_seen = 0
        """Losses that were shown, healed or not."""
        self.problem = ""
        """The gateway's last refusal, as a sentence."""

    def name_units(self, units: Mapping[tuple[str, str], str]) -> None:
        """Take in the units, by well and tag; the live feed does not carry them."""
        self._units.update(units)

    def went_offline(self) -> None:
        """The connection to the gateway is lost: nothing shown is current."""
        self.online = False

    def apply(self, message: Message, now_s: float) -> None:
        """Take in a message. now_s: this machine's time, seconds since the epoch."""
        match message:
            case wire.Readings():
                self._take_readings(message)
            case messages.Subscribed():
                self._take_snapshot(message)
            case messages.Connected():
                self.online, self.problem = True, ""
                self.signed_in = f"{message.tenant_id} as {message.role}"
                self._offset_s = seconds_of(message.server_time) - now_s
            case messages.Unsubscribed():
                self._wells.pop(message.well_id, None)
            case messages.GapNotice():
                self._take_gap(message)
            case messages.Conflated():
                self._take_conflated(message)
            case Status():
                self._take_status(message)
            case messages.Problem():
                self.problem = message.message
            case messages.Stats():
                pass

    def rows(self, now_s: float) -> list[RowView]:
        """The table, by well and tag."""
        return [
            self._view(well_id, name, row, now_s)
            for well_id in sorted(self._wells)
            for name, row in sorted(self._wells[well_id].rows.items())
        ]

    def connections(self) -> list[ConnectionView]:
        """What is known of the connections, each once."""
        found: dict[str, Status] = {}
        for well_id in sorted(self._wells):
            for status in self._wells[well_id].statuses.values():
                found[status.connection_id or f"(well {well_id})"] = status
        return [
            ConnectionView(name, status.state, status.stale, _describe(status))
            for name, status in sorted(found.items())
        ]

    def positions(self, well_id: str) -> dict[str, wire.Position]:
        """How far each connection's feed of a well was shown."""
        return dict(self._wells[well_id].positions) if well_id in self._wells else {}

    def knows(self, wells: Iterable[str]) -> bool:
        """Whether each of the wells had its snapshot."""
        return all(well_id in self._wells for well_id in wells)

    def _take_readings(self, message: wire.Readings) -> None:
        well = self._wells.setdefault(message.well_id, _Well())
        well.positions[message.connection_id] = wire.Position(message.epoch, message.seq)
        for reading in message.readings:
            known = well.rows.get(reading.tag_name)
            row = _Row(reading, message.connection_id, message.stored)
            if known is not None:
                row.interval_s = seconds_of(reading.timestamp) - seconds_of(known.reading.timestamp)
            well.rows[reading.tag_name] = row

    def _take_conflated(self, message: messages.Conflated) -> None:
        well = self._wells.setdefault(message.well_id, _Well())
        well.positions[message.connection_id] = wire.Position(message.epoch, message.seq)
        for reading in message.readings:
            well.rows[reading.tag_name] = _Row(reading, message.connection_id, slow=True)

    def _take_snapshot(self, message: messages.Subscribed) -> None:
        """It replaces what was shown; what was missed while away is counted.

        One that resumes keeps the tags that it does not name: Redis may have lost them.
        """
        before = self._wells.get(message.well_id, _Well())
        kept = dict(before.rows) if message.resumed else {}
        well = _Well(kept, positions=dict(message.positions), statuses=before.statuses)
        for name, position in before.positions.items():
            now = message.positions.get(name)
            if now is None or now.epoch != position.epoch or now.seq > position.seq:
                self.gaps_seen += 1
        only = next(iter(message.positions)) if len(message.positions) == 1 else None
        for reading in message.latest:
            known = before.rows.get(reading.tag_name)
            connection_id = known.connection_id if known is not None else only
            well.rows[reading.tag_name] = _Row(reading, connection_id)
        self._wells[message.well_id] = well

    def _take_gap(self, message: messages.GapNotice) -> None:
        well = self._wells.setdefault(message.well_id, _Well())
        if message.healed:
            well.gaps.discard(message.connection_id)
        else:
            self.gaps_seen += 1
            well.gaps.add(message.connection_id)

    def _take_status(self, message: Status) -> None:
        well = self._wells.setdefault(message.well_id, _Well())
        if message.connection_id is not None:
            well.statuses.pop(None, None)
        well.statuses[message.connection_id] = message

    def _view(self, well_id: str, name: str, row: _Row, now_s: float) -> RowView:
        reading = row.reading
        age_s = max(0.0, now_s + self._offset_s - seconds_of(reading.timestamp))
        return RowView(
            well_id=well_id,
            tag_name=name,
            value=reading.value,
            unit=self._units.get((well_id, name), ""),
            quality=reading.quality,
            reason=reading.reason,
            age_s=round(age_s, 3),
            marks=tuple(self._marks(self._wells[well_id], row, age_s)),
        )

    def _marks(self, well: _Well, row: _Row, age_s: float) -> Iterable[Mark]:
        if not self.online:
            yield "offline"
        statuses = [
            status
            for name, status in well.statuses.items()
            if row.connection_id is None or name in (row.connection_id, None)
        ]
        if any(status.stale for status in statuses):
            yield "stale"
        elif any(status.state not in READ_STATES for status in statuses):
            yield "not read"
        elif row.interval_s and age_s > max(LATE_LEAST_S, LATE_INTERVALS * row.interval_s):
            yield "late"
        if row.connection_id in well.gaps or (row.connection_id is None and well.gaps):
            yield "catching up"
        if not row.stored:
            yield "not stored"
        if row.slow:
            yield "slow"


def _describe(status: Status) -> str:
    words = [status.state]
    if status.reason:
        words.append(f"({status.reason})")
    if status.message:
        words.append(f"- {status.message}")
    if status.journal_oldest_s >= 5:
        words.append(
            f"- {status.journal_batches} batches wait for the database, "
            f"the oldest for {status.journal_oldest_s:.0f} s"
        )
    if status.rejected_tags:
        words.append(f"- {status.rejected_tags} tags rejected")
    return " ".join(words)


def seconds_of(iso: str) -> float:
    """Seconds since the epoch of an ISO 8601 time in UTC."""
    return datetime.fromisoformat(iso).timestamp()
