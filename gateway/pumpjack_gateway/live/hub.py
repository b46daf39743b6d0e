"""Takes the live feed from Redis to the clients of each well.

It subscribes only to the tenants that its clients need; what a message does to its tenant is told
in intake.py. Everything here runs in callbacks of one event loop, in the order of the stream;
nothing awaits between reading a snapshot and becoming live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_gateway.live.audience import (
    STATUS_AGAIN_S,
    Arrival,
    Listener,
    Tap,
    Tenant,
    Well,
)
from pumpjack_gateway.live.channels import Channels
from pumpjack_gateway.live.health import Health
from pumpjack_gateway.live.intake import Intake
from pumpjack_gateway.live.latest import parse_latest
from pumpjack_gateway.live.link import Link, LinkLost
from pumpjack_gateway.metrics import Metrics

TICK_S = 0.5
AGAIN_S = 2.0
"""After Redis has refused a subscription or a snapshot."""
_log = get_logger("gateway.hub")


class Hub:
    """The wells that clients of this gateway look at, and the tenants that are followed whole."""

    def __init__(self, url: str, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._tenants: dict[bytes, Tenant] = {}
        self._intake = Intake(clock, metrics)
        self.link = Link(url, on_message=self.on_message, on_up=self.on_up, on_down=self.on_down)
        self.channels = Channels(self.link)
        """Those beside the readings: alarms, commands."""

    @property
    def is_up(self) -> bool:
        """Whether Redis is connected."""
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
        well = self._tenant(tenant_id).well(well_id)
        well.listeners.discard(listener)  # once more is a fresh snapshot
        arrival = well.waiting[listener] = Arrival(stored)
        self._read(well)
        try:
            await arrival.admitted
        finally:
            if well.waiting.pop(listener, None) is not None:
                self._drop_if_idle(well)

    def leave(self, listener: Listener, tenant_id: str, well_id: str) -> None:
        """Tell the listener of the well no more."""
        tenant = self._tenants.get(wire.readings_channel(tenant_id).encode())
        well = tenant.wells.get(well_id) if tenant is not None else None
        if well is not None:
            well.listeners.discard(listener)
            self._drop_if_idle(well)

    def follow(self, tap: Tap, tenant_id: str) -> Tenant:
        """Give the tap all of a tenant's feed, until unfollow(); what is known of the tenant."""
        tenant = self._tenant(tenant_id)
        tenant.taps.add(tap)
        if tenant.subscribed:
            tap.tune_in()
        return tenant

    def unfollow(self, tap: Tap, tenant_id: str) -> None:
        """Give the tap no more."""
        tenant = self._tenants.get(wire.readings_channel(tenant_id).encode())
        if tenant is not None:
            tenant.taps.discard(tap)
            self._end_if_idle(tenant)

    def health_of(self, tenant_id: str) -> Health | None:
        """What is heard of a tenant's connections; None when nobody listens to its feed."""
        tenant = self._tenants.get(wire.readings_channel(tenant_id).encode())
        return tenant.health if tenant is not None and tenant.subscribed else None

    def _tenant(self, tenant_id: str) -> Tenant:
        channel = wire.readings_channel(tenant_id).encode()
        tenant = self._tenants.get(channel)
        if tenant is None:
            tenant = self._tenants[channel] = Tenant(tenant_id, self._metrics)
            self._subscribe(tenant)
        return tenant

    def _drop_if_idle(self, well: Well) -> None:
        if not well.is_idle:
            return
        well.tenant.drop(well)
        self._end_if_idle(well.tenant)

    def _end_if_idle(self, tenant: Tenant) -> None:
        if tenant.is_idle and self._tenants.pop(tenant.channel, None) is not None:
            self.link.send("UNSUBSCRIBE", tenant.channel, then=_ignore)

    # What the link calls

    def on_up(self) -> None:
        """The feed is there: subscribe again, and show every well afresh."""
        self._metrics.redis_up.set(1)
        for tenant in self._tenants.values():
            self._resume(tenant)
        self.channels.on_up()

    def on_down(self, _why: str) -> None:
        """The feed is lost: nothing shown is live any more, and everyone is told."""
        self._metrics.redis_up.set(0)
        self.channels.on_down()
        for tenant in self._tenants.values():
            tenant.subscribed = False
            tenant.health.lose_feed()
            for tap in tenant.taps:
                tap.lose()
            for well in tenant.wells.values():
                well.tell(tenant.statuses(well))

    def on_message(self, channel: bytes, payload: bytes) -> None:
        """Route one published message."""
        tenant = self._tenants.get(channel)
        if tenant is None:
            self.channels.on_message(channel, payload)
        else:
            self._intake.take(tenant, payload)

    def check_heartbeats(self) -> None:
        """Tell of the connections whose heartbeats are overdue, and of all now and then."""
        now_s = self._clock.monotonic()
        self.channels.retry(now_s)
        for tenant in self._tenants.values():
            if self.is_up and not tenant.subscribed and now_s >= tenant.retry_s:
                self._resume(tenant)
            for name in tenant.health.overdue(now_s):
                tenant.tell_status(name)
            for well in tenant.wells.values():
                if well.resuming and now_s >= well.retry_s:
                    self._read(well)
                if now_s >= well.status_due_s:
                    well.tell(tenant.statuses(well))
                    well.status_due_s = now_s + STATUS_AGAIN_S

    # Commands

    def _subscribe(self, tenant: Tenant) -> None:
        def subscribed(answer: Any) -> None:
            tenant.subscribed = not isinstance(answer, Exception)
            _complain(answer)
            if tenant.subscribed:
                for tap in tenant.taps:
                    tap.tune_in()

        def remember(answer: Any) -> None:
            if isinstance(answer, dict):
                self._intake.remember(tenant, answer)
            _complain(answer)

        tenant.retry_s = self._clock.monotonic() + AGAIN_S
        self.link.send("SUBSCRIBE", tenant.channel, then=subscribed)
        self.link.send("HGETALL", wire.heartbeat_key(tenant.tenant_id), then=remember)

    def _resume(self, tenant: Tenant) -> None:
        self._subscribe(tenant)
        for well in tenant.wells.values():
            well.resuming = True
            self._read(well)

    def _read(self, well: Well) -> None:
        """Ask for the well's hash, once for all who wait for it."""
        if well.reading:
            return
        well.reading = True
        well.retry_s = self._clock.monotonic() + AGAIN_S
        well.status_due_s = self._clock.monotonic() + STATUS_AGAIN_S
        key = wire.latest_key(well.tenant.tenant_id, well.well_id)
        self.link.send("HGETALL", key, then=lambda answer: _take(well, answer))


def _take(well: Well, answer: Any) -> None:
    """The answer to a read of the well's hash."""
    well.reading = False
    if well.is_idle:
        return
    if isinstance(answer, dict):
        well.take_snapshot(parse_latest(answer))
        return
    _complain(answer)
    # A refused read leaves the feed as it is; a lost link brings another snapshot later.
    well.started = well.started or not isinstance(answer, LinkLost)
    well.admit_without_snapshot()


def _complain(answer: Any) -> None:
    if isinstance(answer, hiredis.ReplyError):
        _log.error("Redis refused a command of the gateway", why=str(answer))


def _ignore(_answer: Any) -> None:
    """The answer to UNSUBSCRIBE says nothing that matters."""
