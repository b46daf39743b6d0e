"""The rows of a tenant's overview, and what is new of them. Nothing here awaits.

It taps the whole feed of the tenant. Values stay when the feed is lost; the state of the
connections says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from msgspec import Raw

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_gateway.live.audience import Tenant
from pumpjack_gateway.live.health import Health
from pumpjack_gateway.live.latest import Latest
from pumpjack_gateway.live.link import Link
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.overview.facts import WellKnown
from pumpjack_gateway.overview.messages import raw_status
from pumpjack_gateway.overview.reader import LatestReader
from pumpjack_gateway.overview.rows import CONNECTIONS, Row

WELLS_MAX = 10_000
"""Of one tenant; what comes beyond is not shown."""
UNHEARD_S = 15.0
"""A well that the database does not have is gone when no worker spoke of it for so long."""


class Board:
    """All wells of a tenant as they are now.

    is_other  wells came or went, or show other keys, since begin_anew()
    read_on   set when something came of what is_read waits for
    """

    def __init__(self, tenant_id: str, link: Link, clock: Clock) -> None:
        self.is_other = False
        self.read_on = asyncio.Event()
        self.reader = LatestReader(link, tenant_id, self._take_latest)
        self._link = link
        self._clock = clock
        self._tenant: Tenant | None = None
        self._has_facts = False
        self._waits_for_health = False
        self._rows: dict[str, Row] = {}
        self._changed: dict[str, Row] = {}
        self._served: dict[str, dict[str, Row]] = {}
        self._statuses: dict[str | None, Raw] = {}

    def connect(self, tenant: Tenant) -> None:
        """From now on this is where the state of the connections is known."""
        self._tenant = tenant
        self._waits_for_health = self._link.is_up and not tenant.subscribed
        self._change_states()

    # The feed (live.audience.Tap)

    def tune_in(self) -> None:
        """The feed is there: what came before was missed, so read everything."""
        self._change_states()
        for row in self._rows.values():
            row.heard_s = self._clock.monotonic()
            self.reader.want(row.well_id)

    def lose(self) -> None:
        """Nothing shown is live any more."""
        self._waits_for_health = False
        self._change_states()

    def readings(self, message: Message) -> None:
        """A batch of one well."""
        head = message.head
        row = self._row(head.well_id)
        if row is None:
            return
        row.heard_s = self._clock.monotonic()
        step = row.positions.message(head.connection_id, head.epoch, head.seq, head.prev)
        if step.gap is not None:
            self.reader.want(row.well_id)  # the hash has what was lost
        body = message.body if step.forward else None
        if body is not None:
            self._serve(row, head.connection_id)
            row.take(body.readings)
            self._note(row)

    def heartbeat(self, beat: wire.Heartbeat) -> None:
        """What a connection serves, and whether all of it came."""
        self._statuses.pop(beat.connection_id, None)  # its numbers go on; that alone is no news
        for well_id, last in beat.wells.items():
            row = self._row(well_id)
            if row is None:
                continue
            row.heard_s = self._clock.monotonic()
            self._serve(row, beat.connection_id)
            pulse = row.positions.heartbeat(beat.connection_id, beat.epoch, last, beat.stored_seq)
            if pulse.gap is not None:
                self.reader.want(well_id)

    def health_changed(self, connection_id: str | None) -> None:
        """A connection, or any of them, is in another state now."""
        if connection_id is None:
            self._waits_for_health = False
            self._change_states()
            self.read_on.set()
            return
        self._statuses.pop(connection_id, None)
        self._change_states_of(self._served.get(connection_id, {}).values())

    # The facts

    def learn(self, known: WellKnown) -> None:
        """What the database has of a well."""
        row = self._row(known.well_id)
        if row is None:
            return
        row.drop_tags(row.told_tags - known.tags)
        for connection_id in row.told_connections.difference(known.connections):
            self._unserve(row, connection_id)
        row.told_tags, row.told_connections = known.tags, frozenset(known.connections)
        for connection_id in known.connections:
            self._serve(row, connection_id)
        if row.show(known.keys):
            self.is_other = True
        self._note(row)

    def keep_only(self, wells: Iterable[str]) -> None:
        """The database has these wells. Others stay while a worker speaks of them."""
        self._has_facts = True
        can_hear = self._tenant is not None and self._tenant.subscribed
        long_ago_s = self._clock.monotonic() - UNHEARD_S
        for well_id in self._rows.keys() - set(wells):
            row = self._rows[well_id]
            if row.told_tags or (can_hear and row.heard_s < long_ago_s):
                self._drop(row)

    # What is shown

    @property
    def is_read(self) -> bool:
        """Whether what Redis has is here, as far as it can be had."""
        return self.reader.is_idle and not self._waits_for_health

    def begin_anew(self) -> None:
        """Everything is told now: forget what is new."""
        self.is_other = False
        for row in self._changed.values():
            row.settled()
        self._changed.clear()

    @property
    def well_ids(self) -> list[str]:
        """All wells, in the order in which they are shown."""
        return sorted(self._rows)

    def now(self, well_id: str) -> Raw | None:
        """A well as it is; None when it is gone."""
        row = self._rows.get(well_id)
        return row.now(self._states(row)) if row is not None else None

    def changes(self) -> Iterator[tuple[str, int]]:
        """Wells of which something is new, and what (bits of rows.Row), each once."""
        for well_id in list(self._changed):
            row = self._changed.pop(well_id, None)
            bits = row.settled() if row is not None else 0
            if bits:
                yield well_id, bits

    def change(self, well_id: str, bits: int) -> Raw | None:
        """What is new of a well; None when it is gone."""
        row = self._rows.get(well_id)
        if row is None:
            return None
        return row.change(bits, self._states(row) if bits & CONNECTIONS else [])

    def _states(self, row: Row) -> list[Raw]:
        return [self._state(name) for name in (row.connections or (None,))]

    def _state(self, connection_id: str | None) -> Raw:
        known = self._statuses.get(connection_id)
        if known is None:
            tenant = self._tenant
            health = tenant.health if tenant is not None else Health()
            lost = tenant is None or not tenant.subscribed
            known = raw_status(health.status("", connection_id, feed_lost=lost))
            self._statuses[connection_id] = known
        return known

    # The rows

    def _row(self, well_id: str) -> Row | None:
        row = self._rows.get(well_id)
        if row is None and len(self._rows) < WELLS_MAX:
            row = self._rows[well_id] = Row(well_id, self._clock.monotonic())
            self.is_other = True
            self.reader.want(well_id)
        return row

    def _drop(self, row: Row) -> None:
        del self._rows[row.well_id]
        self._changed.pop(row.well_id, None)
        self.reader.forget(row.well_id)
        for connection_id in row.connections:
            self._served[connection_id].pop(row.well_id, None)
        self.is_other = True

    def _serve(self, row: Row, connection_id: str) -> None:
        if row.serve(connection_id):
            self._served.setdefault(connection_id, {})[row.well_id] = row
            self._note(row)

    def _unserve(self, row: Row, connection_id: str) -> None:
        row.unserve(connection_id)
        self._served.get(connection_id, {}).pop(row.well_id, None)

    def _note(self, row: Row) -> None:
        if row.has_news:
            self._changed[row.well_id] = row

    def _take_latest(self, well_id: str, latest: Latest) -> None:
        self.read_on.set()
        row = self._rows.get(well_id)
        if row is None:
            return
        for connection_id in latest.positions:
            self._serve(row, connection_id)
        row.take_snapshot(latest.readings, latest.positions)
        self._note(row)

    def _change_states(self) -> None:
        """All connections are in another state now, maybe."""
        self._statuses.clear()
        self._hear_all()
        self._change_states_of(self._rows.values())

    def _change_states_of(self, rows: Iterable[Row]) -> None:
        for row in rows:
            row.changed |= CONNECTIONS
            self._note(row)

    def _hear_all(self) -> None:
        """Wells that heartbeats name: all there are, while the database could not be asked."""
        if self._tenant is None:
            return
        for beat, is_stale in self._tenant.health.beats():
            for well_id in () if is_stale and self._has_facts else beat.wells:
                row = self._row(well_id)
                if row is not None:
                    self._serve(row, beat.connection_id)
