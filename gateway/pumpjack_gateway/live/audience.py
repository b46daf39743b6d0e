"""Who listens to what: the tenants and wells of this gateway's clients, and what they are told.

Nothing here awaits: what is told in one go reaches every listener in that order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from pumpjack_core import wire
from pumpjack_gateway.live.health import Health
from pumpjack_gateway.live.latest import Latest
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.live.messages import GapNotice, Subscribed, frame_of
from pumpjack_gateway.live.positions import Gap, Positions
from pumpjack_gateway.metrics import Metrics

STATUS_AGAIN_S = 30.0


class Listener(Protocol):
    """One client, as the hub sees it. No method may block or raise."""

    def feed(self, message: Message) -> None:
        """A message of the feed; a slow client may get its readings later, conflated."""
        ...

    def tell(self, frame: bytes) -> None:
        """A message of the gateway itself."""
        ...

    def refresh(self, well_id: str, snapshot: bytes) -> None:
        """A snapshot of a well: what waits of it for a slow client is older and worth nothing."""
        ...


class Tap(Protocol):
    """Who follows the whole feed of a tenant. No method may block or raise."""

    def tune_in(self) -> None:
        """The feed is subscribed from now on; what came before was missed.

        A hash that is asked for on the hub's link from here on has exactly what the feed brings
        before its answer.
        """
        ...

    def lose(self) -> None:
        """The feed is lost."""
        ...

    def readings(self, message: Message) -> None:
        """A batch of one well; it may have come before."""
        ...

    def heartbeat(self, beat: wire.Heartbeat) -> None:
        """A connection's heartbeat."""
        ...

    def health_changed(self, connection_id: str | None) -> None:
        """What clients are told of a connection is another now; None: of any."""
        ...


class Arrival:
    """A client that waits for its snapshot; stored: what to show if the feed cannot be read."""

    __slots__ = ("admitted", "stored")

    def __init__(self, stored: Sequence[wire.Reading] | None) -> None:
        self.stored = stored
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Tenant:
    """A tenant that has listeners.

    subscribed  its feed is connected
    retry_s     when to ask for it again if it is not
    gapped      wells with a gap that is not healed
    taps        who follows all of it, whatever the wells
    """

    __slots__ = (
        "channel",
        "gapped",
        "gaps",
        "health",
        "latency",
        "messages",
        "retry_s",
        "subscribed",
        "taps",
        "tenant_id",
        "wells",
    )

    def __init__(self, tenant_id: str, metrics: Metrics) -> None:
        self.tenant_id = tenant_id
        self.channel = wire.readings_channel(tenant_id).encode()
        self.wells: dict[str, Well] = {}
        self.gapped: set[Well] = set()
        self.taps: set[Tap] = set()
        self.health = Health()
        self.subscribed = False
        self.retry_s = 0.0
        self.latency = metrics.latency.labels(tenant_id)
        self.messages = metrics.messages.labels(tenant_id)
        self.gaps = metrics.gaps.labels(tenant_id)

    @property
    def is_idle(self) -> bool:
        """Whether nobody needs its feed."""
        return not self.wells and not self.taps

    def well(self, well_id: str) -> Well:
        """A well of it, from now on one that is listened to."""
        if well_id not in self.wells:
            self.wells[well_id] = Well(self, well_id)
        return self.wells[well_id]

    def drop(self, well: Well) -> None:
        """Nobody listens to the well any more."""
        self.wells.pop(well.well_id, None)
        self.gapped.discard(well)

    def tell_status(self, connection_id: str) -> None:
        """Tell the state of a connection to the listeners of its wells."""
        for tap in self.taps:
            tap.health_changed(connection_id)
        beat = self.health.last(connection_id)
        for well in self.wells.values():
            if connection_id in well.positions.connections or (
                beat is not None and well.well_id in beat.wells
            ):
                well.tell([self._status(well, connection_id)])

    def statuses(self, well: Well) -> list[bytes]:
        """The state of each connection of a well."""
        names = [*well.positions.connections, *self.health.serving(well.well_id)]
        return [self._status(well, name) for name in (dict.fromkeys(names) or (None,))]

    def _status(self, well: Well, connection_id: str | None) -> bytes:
        lost = not self.subscribed
        return frame_of(self.health.status(well.well_id, connection_id, feed_lost=lost))


class Well:
    """A well that has listeners.

    waiting       those who wait for their snapshot
    started       its positions are known; before that, what is published is in the snapshot to come
    reading       the snapshot was asked for
    resuming      those who listen already are to get the next snapshot too
    retry_s       when to ask for it again if it was refused
    status_due_s  when its status is told again although nothing changed
    """

    __slots__ = (
        "listeners",
        "positions",
        "reading",
        "resuming",
        "retry_s",
        "started",
        "status_due_s",
        "tenant",
        "waiting",
        "well_id",
    )

    def __init__(self, tenant: Tenant, well_id: str) -> None:
        self.tenant = tenant
        self.well_id = well_id
        self.positions = Positions()
        self.listeners: set[Listener] = set()
        self.waiting: dict[Listener, Arrival] = {}
        self.reading = False
        self.resuming = False
        self.retry_s = 0.0
        self.started = False
        self.status_due_s = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens or waits."""
        return not self.listeners and not self.waiting

    def tell(self, frames: Iterable[bytes]) -> None:
        """Tell every listener."""
        for frame in frames:
            for listener in self.listeners:
                listener.tell(frame)

    def feed(self, message: Message) -> None:
        """Forward a message of the feed to every listener."""
        for listener in self.listeners:
            listener.feed(message)

    def announce(self, connection_id: str, gap: Gap, *, healed: bool = False) -> None:
        """Tell of a gap, or of its end."""
        if not healed:
            self.tenant.gaps.inc()
        if self.positions.has_gap:
            self.tenant.gapped.add(self)
        else:
            self.tenant.gapped.discard(self)
        self.tell([self._notice(connection_id, gap, healed=healed)])

    def take_snapshot(self, latest: Latest) -> None:
        """Take in the latest hash: it has exactly what the feed brought up to this point.

        Those who wait are admitted; if the feed was lost before, everyone gets the snapshot.
        """
        self.started = True
        merge = self.positions.snapshot(latest.positions, arriving=bool(self.waiting))
        if merge.arrived:
            self.tenant.gapped.add(self)
        follow = self.tenant.statuses(self)
        follow += [self._notice(name, gap) for name, gap in merge.arrived]
        if self.resuming and not merge.behind:
            self.tenant.gaps.inc(len(merge.before))
            snapshot = self._snapshot(latest, resumed=True)
            for listener in self.listeners:
                listener.refresh(self.well_id, snapshot)
            self.tell(follow)
        else:
            for name, gap in merge.before:
                self.announce(name, gap)
            if self.resuming:
                self.tell(self.tenant.statuses(self))
        self.resuming = False
        snapshot = self._snapshot(latest, resumed=False) if self.waiting else b""
        self._admit(dict.fromkeys(self.waiting, snapshot), follow)

    def admit_without_snapshot(self) -> None:
        """The hash cannot be read: those who wait get what is stored, and the state."""
        stored = {
            listener: frame_of(
                Subscribed(self.well_id, "none", False, {}, [])
                if arrival.stored is None
                else Subscribed(self.well_id, "database", False, {}, list(arrival.stored))
            )
            for listener, arrival in self.waiting.items()
        }
        self._admit(stored, self.tenant.statuses(self))

    def _admit(self, snapshots: dict[Listener, bytes], follow: list[bytes]) -> None:
        for listener, snapshot in snapshots.items():
            listener.refresh(self.well_id, snapshot)
            for frame in follow:
                listener.tell(frame)
            self.listeners.add(listener)
            admitted = self.waiting.pop(listener).admitted
            if not admitted.done():
                admitted.set_result(None)

    def _snapshot(self, latest: Latest, *, resumed: bool) -> bytes:
        positions = self.positions.current()
        return frame_of(Subscribed(self.well_id, "feed", resumed, positions, latest.readings))

    def _notice(self, connection_id: str, gap: Gap, *, healed: bool = False) -> bytes:
        return frame_of(
            GapNotice(self.well_id, connection_id, gap.epoch, gap.first, gap.last, healed)
        )
