"""Watches the heartbeats of the tenants whose lease this replica has, and ends their shelvings.

Heartbeats are read from their hash, not from the feed: a replica would otherwise have to take in
every reading of every tenant. While Redis or the database is away nothing is decided; a
connection that is silent afterwards has some time to be heard again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import hiredis
import msgspec

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_gateway.alarms.lines import Known, Lines
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.store import AlarmStore
from pumpjack_gateway.alarms.watch_store import WatchStore
from pumpjack_gateway.times import time_of

TICK_S = 1.0
LEASE_S = 15.0
LEASE_AGAIN_S = 5.0
SUMS_S = 15.0
RETURN_GRACE_S = 20.0
"""After Redis was away: workers ask it again within 10 s, and send a heartbeat every 2 s."""
_log = get_logger("gateway.watch")


class Caller(Protocol):
    """Who asks Redis (live.link.Link)."""

    async def call(self, *words: str | bytes, limit_s: float = 2.0) -> Any:
        """Raises OSError, ReplyError."""
        ...


class _Tenant:
    """A tenant whose lease is held."""

    def __init__(self, now_s: float) -> None:
        self.lines = Lines(now_s)
        self.blind = False
        self.failed: set[str] | None = None
        """Connections whose comm_failure is active; None: not read yet."""


class Watch:
    """One replica's part."""

    def __init__(
        self,
        store: WatchStore,
        alarms: AlarmStore,
        redis: Caller,
        *,
        wake: Callable[[str], None],
        clock: Clock,
        metrics: AlarmMetrics,
    ) -> None:
        """Prepare. wake: tells every gateway that something was stored."""
        self._store = store
        self._alarms = alarms
        self._redis = redis
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self._holder = uuid.uuid4()
        self._held: dict[str, _Tenant] = {}
        self._known: dict[str, list[Known]] = {}
        self._held_until_s = 0.0
        self._lease_due_s = 0.0
        self._sums_due_s = 0.0
        self._complained = False
        self.looks = 0
        """How often it has looked at everything, or tried to."""
        self.on_held: Callable[[frozenset[str]], None] = lambda _: None
        """Called with the tenants whose lease is held, whenever they change."""

    @property
    def held(self) -> frozenset[str]:
        """The tenants that this replica watches."""
        return frozenset(self._held)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(TICK_S)

    async def release(self) -> None:
        """Give the leases back, so that another replica need not wait for their end."""
        held, self._held = list(self._held), {}
        self.on_held(frozenset())
        if held:
            with suppress(StorageError):  # they end by themselves
                await self._store.take(held, self._holder, 0.0)

    async def look(self) -> None:
        """Look once at everything."""
        try:
            if self._clock.monotonic() >= self._lease_due_s:
                await self._take_leases()
            await self._end_shelvings()
            for tenant_id, tenant in list(self._held.items()):
                await self._look_at(tenant_id, tenant)
            blind = any(tenant.blind for tenant in self._held.values())
            self._metrics.watching.set(0 if blind else 1)
            if self._clock.monotonic() >= self._sums_due_s:
                await self._measure()
            self._complained = False
        except StorageError as error:
            self._metrics.watching.set(0)
            if not self._complained:
                self._complained = True
                _log.warning("connections are not watched now", why=str(error))
            if self._clock.monotonic() >= self._held_until_s:
                self._hold(set())
        self.looks += 1

    async def _take_leases(self) -> None:
        began_s = self._clock.monotonic()
        self._known = await self._store.connections()
        held = await self._store.take(sorted(self._known), self._holder, LEASE_S)
        self._held_until_s = began_s + LEASE_S
        self._lease_due_s = began_s + LEASE_AGAIN_S
        self._hold(held)

    def _hold(self, tenants: set[str]) -> None:
        now_s = self._clock.monotonic()
        before = set(self._held)
        self._held = {
            tenant_id: self._held.get(tenant_id) or _Tenant(now_s) for tenant_id in sorted(tenants)
        }
        for tenant_id in before - tenants:
            self._metrics.forget(tenant_id)
        if before != tenants:
            self._metrics.leases.set(len(self._held))
            self.on_held(frozenset(self._held))

    async def _look_at(self, tenant_id: str, tenant: _Tenant) -> None:
        if not await self._hear(tenant_id, tenant):
            return
        if tenant.failed is None:
            tenant.failed = await self._store.failed(tenant_id)
        now_s = self._clock.monotonic()
        for known in self._known.get(tenant_id, ()):
            verdict = tenant.lines.verdict(known, now_s)
            if verdict is None or verdict.failed == (known.connection_id in tenant.failed):
                continue
            changed = await self._store.tell(
                tenant_id,
                known.connection_id,
                failed=verdict.failed,
                at=time_of(self._clock.now_us()),
                why=verdict.why,
            )
            if verdict.failed:
                tenant.failed.add(known.connection_id)
            else:
                tenant.failed.discard(known.connection_id)
            self._metrics.comm_failures.labels(tenant_id).set(len(tenant.failed))
            if changed:
                self._wake(tenant_id)

    async def _hear(self, tenant_id: str, tenant: _Tenant) -> bool:
        """Read the heartbeats; False while Redis cannot be asked."""
        try:
            kept = await self._redis.call("HGETALL", wire.heartbeat_key(tenant_id))
        except (OSError, hiredis.ReplyError):
            tenant.blind = True
            return False
        now_s = self._clock.monotonic()
        if tenant.blind:
            tenant.blind = False
            tenant.lines.listen_again(now_s, RETURN_GRACE_S)
        for text in kept.values():
            try:
                beat = wire.decode_message(text)
            except msgspec.MsgspecError:
                continue
            if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant_id:
                tenant.lines.hear(beat, now_s)
        return True

    async def _end_shelvings(self) -> None:
        if self._held:
            for tenant_id in await self._store.end_shelvings(sorted(self._held)):
                self._wake(tenant_id)

    async def _measure(self) -> None:
        self._sums_due_s = self._clock.monotonic() + SUMS_S
        for tenant_id, tenant in self._held.items():
            tallies, raised = await self._alarms.tallies(tenant_id)
            self._metrics.set_alarms(tenant_id, tallies)
            self._metrics.raised_lately.labels(tenant_id).set(raised)
            self._metrics.comm_failures.labels(tenant_id).set(len(tenant.failed or ()))
