"""Watches the heartbeats of the tenants whose lease this replica has, and ends their shelvings.

Heartbeats are read from their hash, not from the feed: a replica would otherwise have to take in
every reading of every tenant. While Redis or the database is away nothing is decided; a
connection that is silent afterwards has some time to be heard again. What keeps one tenant from
being watched (a lock that its own worker holds, a role that is missing) keeps no other.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress

import hiredis

from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_gateway.alarms.beats import Caller, HeartbeatStore
from pumpjack_gateway.alarms.lines import Known, Lines
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.store import AlarmStore
from pumpjack_gateway.alarms.watch_store import WatchStore
from pumpjack_gateway.times import time_of

TICK_S = 1.0
LEASE_S = 15.0
LEASE_AGAIN_S = 5.0
FAILED_AGAIN_S = 5.0
SUMS_S = 15.0
TURN_S = 2.0
"""So long a look waits for the tenants' turns; those that take longer go on beside."""
AT_ONCE = 4
"""Tenants that ask the database at once: the pool is for people too."""
AGAIN_S = 5.0
FAILURES_MAX = 3
SHUN_S = 30.0
"""A tenant that failed so often in a row is left to other replicas for so long."""
RETURN_GRACE_S = 20.0
"""After Redis was away: workers ask it again within 10 s, and send a heartbeat every 2 s."""
_log = get_logger("gateway.watch")


class _Tenant:
    """A tenant whose lease is held."""

    def __init__(self, now_s: float) -> None:
        self.lines = Lines(now_s)
        self.blind = False
        self.failed: set[str] = set()
        """Connections whose comm_failure is active, as the database said last."""
        self.failed_due_s = now_s
        """When that is read again: another replica, or a failover, may have changed it."""
        self.turn: asyncio.Task[None] | None = None
        self.due_s = now_s
        """When it is looked at again."""
        self.failures = 0
        """In a row."""

    @property
    def at_work(self) -> bool:
        """Whether it is being looked at."""
        return self.turn is not None and not self.turn.done()


class Watch:
    """One replica's part. Each tenant has its own turn: one that is stuck holds up no other."""

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
        self._beats = HeartbeatStore(redis)
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self._holder = uuid.uuid4()
        self._held: dict[str, _Tenant] = {}
        self._shunned: dict[str, float] = {}
        """Tenants that another replica may try, and until when."""
        self._known: dict[str, list[Known]] = {}
        self._ended: set[str] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
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
        async with asyncio.TaskGroup() as turns:
            while True:
                await self._look(turns)
                await asyncio.sleep(TICK_S)

    async def release(self) -> None:
        """Give the leases back, so that another replica need not wait for their end."""
        held, self._held = list(self._held), {}
        self.on_held(frozenset())
        if held:
            with suppress(StorageError):  # they end by themselves
                await self._store.take(held, self._holder, 0.0)

    async def _look(self, turns: asyncio.TaskGroup) -> None:
        """Look once at everything."""
        try:
            if self._clock.monotonic() >= self._lease_due_s:
                await self._take_leases()
            self._ended = await self._store.ended() if self._held else set()
            await self._give_turns(turns)
            blind = any(tenant.blind for tenant in self._held.values())
            self._metrics.watching.set(0 if blind else 1)
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
        self._shunned = {one: end_s for one, end_s in self._shunned.items() if end_s > began_s}
        wanted = sorted(self._known.keys() - self._shunned.keys())
        held = await self._store.take(wanted, self._holder, LEASE_S)
        self._held_until_s = began_s + LEASE_S
        self._lease_due_s = began_s + LEASE_AGAIN_S
        self._hold(held - self._shunned.keys())  # one may have been given up meanwhile

    def _hold(self, tenants: set[str]) -> None:
        now_s = self._clock.monotonic()
        before = set(self._held)
        self._held = {
            tenant_id: self._held.get(tenant_id) or _Tenant(now_s) for tenant_id in sorted(tenants)
        }
        for tenant_id in before - tenants:
            self._metrics.forget(tenant_id)
        for tenant_id in tenants - before:
            self._metrics.unserved.labels(tenant_id)  # from 0 on, so that the first one is a rise
        if before != tenants:
            self._metrics.leases.set(len(self._held))
            self.on_held(frozenset(self._held))

    # A tenant's turn

    async def _give_turns(self, turns: asyncio.TaskGroup) -> None:
        """Begin a turn of each that is due, and wait for those that do not take long."""
        now_s = self._clock.monotonic()
        measure = now_s >= self._sums_due_s
        if measure:
            self._sums_due_s = now_s + SUMS_S
        begun = []
        for tenant_id, tenant in self._held.items():
            if not tenant.at_work and now_s >= tenant.due_s:
                turn = self._serve(tenant_id, tenant, measure=measure)
                tenant.turn = turns.create_task(turn, name=f"watch of {tenant_id}")
                begun.append(tenant.turn)
        if begun:
            await asyncio.wait(begun, timeout=TURN_S)

    async def _serve(self, tenant_id: str, tenant: _Tenant, *, measure: bool) -> None:
        try:
            if tenant_id in self._ended:
                async with self._at_once:
                    ended = await self._store.end_shelvings(tenant_id)
                if ended:
                    self._wake(tenant_id)
            await self._look_at(tenant_id, tenant)
            if measure:
                await self._measure(tenant_id, tenant)
        except StorageError as error:
            await self._fail(tenant_id, tenant, str(error))
        except Exception as error:  # of one tenant: no other may notice
            await self._fail(tenant_id, tenant, repr(error))
        else:
            tenant.failures = 0

    async def _fail(self, tenant_id: str, tenant: _Tenant, why: str) -> None:
        """It is tried again later, and in the end somewhere else."""
        tenant.failures += 1
        now_s = self._clock.monotonic()
        tenant.due_s = now_s + AGAIN_S * tenant.failures
        self._metrics.unserved.labels(tenant_id).inc()
        if tenant.failures == 1:
            _log.warning("a tenant's connections cannot be watched", tenant=tenant_id, why=why)
        if tenant.failures < FAILURES_MAX or tenant_id not in self._held:
            return
        self._shunned[tenant_id] = now_s + SHUN_S
        self._hold(set(self._held) - {tenant_id})
        with suppress(StorageError):  # it ends by itself
            await self._store.take([tenant_id], self._holder, 0.0)

    async def _look_at(self, tenant_id: str, tenant: _Tenant) -> None:
        now_s = self._clock.monotonic()
        if now_s >= tenant.failed_due_s:
            async with self._at_once:
                tenant.failed = await self._store.failed(tenant_id)
            tenant.failed_due_s = now_s + FAILED_AGAIN_S
        # Only now: while the database took its time, heartbeats would have grown old.
        if not await self._hear(tenant_id, tenant):
            return
        now_s = self._clock.monotonic()
        for known in self._known.get(tenant_id, ()):
            verdict = tenant.lines.verdict(known, now_s)
            if verdict is None or verdict.failed == (known.connection_id in tenant.failed):
                continue
            async with self._at_once:
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
            self._tell_failures(tenant_id, tenant)
            if changed:
                self._wake(tenant_id)

    async def _hear(self, tenant_id: str, tenant: _Tenant) -> bool:
        """Read the heartbeats; False while Redis cannot be asked."""
        names = [known.connection_id for known in self._known.get(tenant_id, ())]
        try:
            beats = await self._beats.read(tenant_id, names)
        except (OSError, hiredis.ReplyError):
            tenant.blind = True
            return False
        now_s = self._clock.monotonic()
        if tenant.blind:
            tenant.blind = False
            tenant.lines.listen_again(now_s, RETURN_GRACE_S)
        for beat in beats:
            tenant.lines.hear(beat, now_s)
        return True

    async def _measure(self, tenant_id: str, tenant: _Tenant) -> None:
        async with self._at_once:
            tallies, raised = await self._alarms.tallies(tenant_id)
        if self._held.get(tenant_id) is tenant:
            self._metrics.set_alarms(tenant_id, tallies)
            self._metrics.raised_lately.labels(tenant_id).set(raised)
        self._tell_failures(tenant_id, tenant)

    def _tell_failures(self, tenant_id: str, tenant: _Tenant) -> None:
        if self._held.get(tenant_id) is tenant:  # else another replica tells
            self._metrics.comm_failures.labels(tenant_id).set(len(tenant.failed))
