"""Takes the live feed from Redis to the clients of each well.

It subscribes only to the tenants that its clients need, decodes only the head of a message,
and writes the same bytes to every client. Everything here runs in callbacks of one event loop,
in the order of the stream; nothing awaits between reading a snapshot and becoming live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import hiredis
import msgspec

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_gateway.live.health import Health
from pumpjack_gateway.live.latest import Latest, parse_latest
from pumpjack_gateway.live.link import Link, LinkLost
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.live.messages import GapNotice, Subscribed, frame_of
from pumpjack_gateway.live.positions import Gap, Positions
from pumpjack_gateway.metrics import Metrics

TICK_S = 0.5
STATUS_AGAIN_S = 30.0
MESSAGE_MAX_BYTES = 1 << 20
_log = get_logger("gateway.hub")


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


class _Well:
    """A well that has listeners.

    started   its positions are known; before that, what is published is in the snapshot to come
    reading   the snapshot was asked for
    resuming  those who listen already are to get the next snapshot too
    status_due_s  when its status is told again although nothing changed
    """

    __slots__ = (
        "listeners",
        "positions",
        "reading",
        "resuming",
        "started",
        "status_due_s",
        "tenant",
        "waiting",
        "well_id",
    )

    def __init__(self, tenant: _Tenant, well_id: str) -> None:
        self.tenant = tenant
        self.well_id = well_id
        self.positions = Positions()
        self.listeners: set[Listener] = set()
        self.waiting: dict[Listener, _Arrival] = {}
        self.reading = False
        self.resuming = False
        self.started = False
        self.status_due_s = 0.0

    def tell(self, frames: Iterable[bytes]) -> None:
        for frame in frames:
            for listener in self.listeners:
                listener.tell(frame)

    def refresh(self, snapshot: bytes, follow: Iterable[bytes]) -> None:
        for listener in self.listeners:
            listener.refresh(self.well_id, snapshot)
        self.tell(follow)


class _Arrival:
    """A client that waits for its snapshot; stored: what to show if the feed cannot be read."""

    __slots__ = ("admitted", "stored")

    def __init__(self, stored: Sequence[wire.Reading] | None) -> None:
        self.stored = stored
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Tenant:
    """A tenant that has listeners."""

    __slots__ = ("channel", "gapped", "health", "latency", "messages", "tenant_id", "wells")

    def __init__(self, tenant_id: str, metrics: Metrics) -> None:
        self.tenant_id = tenant_id
        self.channel = wire.readings_channel(tenant_id).encode()
        self.wells: dict[str, _Well] = {}
        self.gapped: set[_Well] = set()
        self.health = Health()
        self.latency = metrics.latency.labels(tenant_id)
        self.messages = metrics.messages.labels(tenant_id)


class Hub:
    """The wells that clients of this gateway look at."""

    def __init__(self, url: str, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._tenants: dict[bytes, _Tenant] = {}
        self.link = Link(url, on_message=self.on_message, on_up=self.on_up, on_down=self.on_down)

    @property
    def is_up(self) -> bool:
        """Whether the feed is connected."""
        return self.link.is_up

    async def run(self) -> None:
        """Keep the feed until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run(), name="redis")
            tasks.create_task(self._watch(), name="heartbeats")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.check_heartbeats()

    # What sessions ask for

    async def join(
        self,
        listener: Listener,
        tenant_id: str,
        well_id: str,
        stored: Sequence[wire.Reading] | None = None,
    ) -> None:
        """Tell the listener of a well from now on, beginning with a snapshot.

        Whether the tenant has the well, the caller has checked. stored is shown when the feed
        is down. Returns when the snapshot was told; cancelling leaves nothing behind.
        """
        well = self._well(tenant_id, well_id)
        if listener in well.listeners:
            well.listeners.discard(listener)  # once more: a fresh snapshot
        arrival = well.waiting[listener] = _Arrival(stored)
        self._read(well)
        try:
            await arrival.admitted
        finally:
            if well.waiting.pop(listener, None) is not None:
                self._drop_if_idle(well)

    def leave(self, listener: Listener, tenant_id: str, well_id: str) -> bool:
        """Tell the listener of the well no more; whether it was told of it before."""
        tenant = self._tenants.get(wire.readings_channel(tenant_id).encode())
        well = tenant.wells.get(well_id) if tenant is not None else None
        if well is None or listener not in well.listeners:
            return False
        well.listeners.discard(listener)
        self._drop_if_idle(well)
        return True

    def _well(self, tenant_id: str, well_id: str) -> _Well:
        channel = wire.readings_channel(tenant_id).encode()
        tenant = self._tenants.get(channel)
        if tenant is None:
            tenant = self._tenants[channel] = _Tenant(tenant_id, self._metrics)
            if self.link.is_up:
                self._subscribe(tenant)
        well = tenant.wells.get(well_id)
        if well is None:
            well = tenant.wells[well_id] = _Well(tenant, well_id)
        return well

    def _drop_if_idle(self, well: _Well) -> None:
        tenant = well.tenant
        if well.listeners or well.waiting:
            return
        tenant.wells.pop(well.well_id, None)
        tenant.gapped.discard(well)
        if not tenant.wells and self._tenants.pop(tenant.channel, None) is not None:
            self.link.send("UNSUBSCRIBE", tenant.channel, then=_ignore)

    # What the link calls

    def on_up(self) -> None:
        """The feed is there: subscribe again, and show every well afresh."""
        self._metrics.redis_up.set(1)
        for tenant in self._tenants.values():
            self._subscribe(tenant)
            for well in tenant.wells.values():
                well.resuming = True
                self._read(well)

    def on_down(self, _why: str) -> None:
        """The feed is lost: nothing shown is live any more, and everyone is told."""
        self._metrics.redis_up.set(0)
        for tenant in self._tenants.values():
            tenant.health.lose_feed()
            for well in tenant.wells.values():
                well.tell(self._statuses(well))

    def on_message(self, channel: bytes, payload: bytes) -> None:
        """Route one published message."""
        tenant = self._tenants.get(channel)
        if tenant is None:
            return  # published before the server saw our UNSUBSCRIBE
        if len(payload) > MESSAGE_MAX_BYTES:
            self._refuse(tenant, "oversize")
            return
        try:
            if not payload.isascii():
                payload.decode()
            head = wire.decode_envelope(payload)
            if head.tenant_id != tenant.tenant_id:
                self._refuse(tenant, "tenant")
            elif head.type == "readings":
                self._readings(tenant, head, payload)
            elif head.type == "heartbeat":
                self._heartbeat(tenant, payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._refuse(tenant, "malformed")

    def _readings(self, tenant: _Tenant, head: wire.Envelope, payload: bytes) -> None:
        well = tenant.wells.get(head.well_id)
        if well is None or not well.started:
            return
        step = well.positions.message(head.connection_id, head.epoch, head.seq, head.prev)
        if step.gap is not None:
            self._announce(well, head.connection_id, step.gap)
        if not step.forward:
            self._metrics.duplicates.labels(tenant.tenant_id).inc()
            return
        message = Message(head, payload)
        for listener in well.listeners:
            listener.feed(message)
        tenant.messages.inc()
        tenant.latency.observe(self._age_s(head.received_at))

    def _heartbeat(self, tenant: _Tenant, payload: bytes) -> None:
        beat = wire.decode_message(payload)
        assert isinstance(beat, wire.Heartbeat)
        changed = tenant.health.hear(beat, self._clock.monotonic())
        name = beat.connection_id
        concerned = [tenant.wells[well] for well in beat.wells if well in tenant.wells]
        concerned += [well for well in tenant.gapped if well.well_id not in beat.wells]
        for well in concerned:
            if not well.started:
                continue
            last = beat.wells.get(well.well_id, 0)
            pulse = well.positions.heartbeat(name, beat.epoch, last, beat.stored_seq)
            if pulse.gap is not None:
                self._announce(well, name, pulse.gap)
            if pulse.healed is not None:
                self._announce(well, name, pulse.healed, healed=True)
        if changed:
            self._tell_status(tenant, name)

    def check_heartbeats(self) -> None:
        """Tell of the connections whose heartbeats are overdue, and of all now and then."""
        now_s = self._clock.monotonic()
        for tenant in self._tenants.values():
            for name in tenant.health.overdue(now_s):
                self._tell_status(tenant, name)
            for well in tenant.wells.values():
                if now_s >= well.status_due_s:
                    well.tell(self._statuses(well))

    # Snapshots

    def _subscribe(self, tenant: _Tenant) -> None:
        self.link.send("SUBSCRIBE", tenant.channel, then=self._complain)
        self.link.send(
            "HGETALL",
            wire.heartbeat_key(tenant.tenant_id),
            then=lambda answer: self._remember(tenant, answer),
        )

    def _remember(self, tenant: _Tenant, answer: Any) -> None:
        if not isinstance(answer, dict):
            self._complain(answer)
            return
        for kept in answer.values():
            try:
                beat = wire.decode_message(kept)
            except msgspec.MsgspecError:
                continue
            if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant.tenant_id:
                tenant.health.remember(beat, self._clock.monotonic(), self._clock.now_us())

    def _read(self, well: _Well) -> None:
        """Ask for the well's hash, once for all who wait for it."""
        if well.reading:
            return
        well.reading = True
        key = wire.latest_key(well.tenant.tenant_id, well.well_id)
        self.link.send("HGETALL", key, then=lambda answer: self._admit(well, answer))

    def _admit(self, well: _Well, answer: Any) -> None:
        """The snapshot is there: it has exactly what the feed brought up to this point."""
        well.reading = False
        if not well.listeners and not well.waiting:
            return
        if not isinstance(answer, dict):
            well.started = well.started or not isinstance(answer, LinkLost)
            self._complain(answer)
            self._admit_arrivals(well, None, self._statuses(well))
            return
        well.started = True
        latest = parse_latest(answer)
        merge = well.positions.snapshot(latest.positions, arriving=bool(well.waiting))
        if merge.arrived:
            well.tenant.gapped.add(well)
        follow = self._statuses(well)
        follow += [frame_of(_notice(well, name, gap)) for name, gap in merge.arrived]
        if well.resuming and not merge.behind:
            self._metrics.gaps.labels(well.tenant.tenant_id).inc(len(merge.before))
            well.refresh(self._subscribed(well, latest, resumed=True), follow)
        else:
            for name, gap in merge.before:
                self._announce(well, name, gap)
            if well.resuming:
                well.tell(self._statuses(well))
        well.resuming = False
        self._admit_arrivals(well, latest, follow)

    def _admit_arrivals(self, well: _Well, latest: Latest | None, follow: list[bytes]) -> None:
        first = self._subscribed(well, latest, resumed=False) if latest is not None else None
        for listener, arrival in well.waiting.items():
            listener.refresh(well.well_id, first or self._stored(well, arrival.stored))
            for frame in follow:
                listener.tell(frame)
            well.listeners.add(listener)
            if not arrival.admitted.done():
                arrival.admitted.set_result(None)
        well.waiting.clear()

    def _subscribed(self, well: _Well, latest: Latest, *, resumed: bool) -> bytes:
        return frame_of(
            Subscribed(well.well_id, "feed", resumed, well.positions.current(), latest.readings)
        )

    def _stored(self, well: _Well, stored: Sequence[wire.Reading] | None) -> bytes:
        if stored is None:
            return frame_of(Subscribed(well.well_id, "none", False, {}, []))
        return frame_of(Subscribed(well.well_id, "database", False, {}, list(stored)))

    # Telling

    def _announce(self, well: _Well, name: str, gap: Gap, *, healed: bool = False) -> None:
        if healed:
            well.tenant.gapped.discard(well)
            if well.positions.has_gap:
                well.tenant.gapped.add(well)
        else:
            self._metrics.gaps.labels(well.tenant.tenant_id).inc()
            well.tenant.gapped.add(well)
        well.tell([frame_of(_notice(well, name, gap, healed=healed))])

    def _tell_status(self, tenant: _Tenant, name: str) -> None:
        beat = tenant.health.last(name)
        for well in tenant.wells.values():
            if name in well.positions.connections or (beat and well.well_id in beat.wells):
                status = tenant.health.status(well.well_id, name, feed_lost=not self.is_up)
                well.tell([frame_of(status)])

    def _statuses(self, well: _Well) -> list[bytes]:
        well.status_due_s = self._clock.monotonic() + STATUS_AGAIN_S
        health = well.tenant.health
        names = dict.fromkeys([*well.positions.connections, *health.serving(well.well_id)])
        return [
            frame_of(health.status(well.well_id, name, feed_lost=not self.is_up))
            for name in (names or (None,))
        ]

    def _refuse(self, tenant: _Tenant, reason: str) -> None:
        self._metrics.refused.labels(reason).inc()
        _log.warning("a message on a channel was refused", tenant=tenant.tenant_id, reason=reason)

    def _complain(self, answer: Any) -> None:
        if isinstance(answer, hiredis.ReplyError):
            _log.error("Redis refused a command of the gateway", why=str(answer))

    def _age_s(self, received_at: str) -> float:
        try:
            then_s = datetime.fromisoformat(received_at).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, self._clock.now_us() / 1e6 - then_s)


def _notice(well: _Well, name: str, gap: Gap, *, healed: bool = False) -> GapNotice:
    return GapNotice(well.well_id, name, gap.epoch, gap.first, gap.last, healed)


def _ignore(_answer: Any) -> None:
    """The answer to UNSUBSCRIBE says nothing that matters."""
