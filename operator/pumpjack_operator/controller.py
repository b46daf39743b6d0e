"""The loop: watches feed the store and the queue, workers take from the queue and reconcile.

Nothing is reconciled before everything was listed once: half a picture would prune what it does
not show.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.errors import PumpjackError
from pumpjack_core.log import get_logger
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import Conflict, NotFound, Refused, Unavailable
from pumpjack_operator.children import Children
from pumpjack_operator.cluster import Key
from pumpjack_operator.deletion import Releases
from pumpjack_operator.device_services import DeviceServices
from pumpjack_operator.events import Events
from pumpjack_operator.mappings import Mappings
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.platform import Platform
from pumpjack_operator.reconcile import Logins, Reconciler
from pumpjack_operator.reflect import RELIST_S
from pumpjack_operator.reports import Reports
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.serving import Serving
from pumpjack_operator.statuses import EVERY_S, Statuses
from pumpjack_operator.store import Store
from pumpjack_operator.tenancy import ByLabel, NoLogins, Owners, Tenants
from pumpjack_operator.unreadable import UnreadableTags
from pumpjack_operator.watches import all_listed, reflectors
from pumpjack_operator.work import Work, connection_work, mapping_work
from pumpjack_operator.workqueue import WorkQueue

WORKERS = 16
"""Reconciles at once; they mostly wait for the API server."""
RESOLVE_DELAY_S = 0.2
"""Changes of a tenant that come within this time are resolved together."""
RESOLVE_SHARE = 5
"""Resolving a large tenant waits so many times as long as it took, so that it leaves room."""

_log = get_logger("operator")


class Controller:
    """Everything that acts; run() runs it until cancelled."""

    def __init__(
        self,
        api: Api,
        platform: Platform,
        *,
        reports: Callable[[Callable[[Key], None]], Reports] = Reports,
        owners: Owners | None = None,
        tenants: Tenants | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
        ready: asyncio.Event | None = None,
        relist_s: float = RELIST_S,
        status_every_s: float = EVERY_S,
    ) -> None:
        self._api = api
        self._clock = clock or SystemClock()
        self.metrics = metrics or Metrics()
        self._relist_s = relist_s
        self.store = Store()
        self.queue: WorkQueue[Work] = WorkQueue()
        self.steady = ready or asyncio.Event()
        """Everything was listed, and looked at once."""
        self._resolutions = Resolutions(self.store)
        self._resolve_s: dict[str, float] = {}
        logins = Logins()
        self._unreadable = UnreadableTags(self._add)
        self._events = Events(api, self._clock)
        self._children = Children(api, self.store, self._events, self.metrics)
        self.reports = reports(self._reported)
        later = self.queue.add_after
        self._statuses = Statuses(
            api, self.store, self._clock, self.metrics, later, every_s=status_every_s
        )
        self._services = DeviceServices(api, self._look_at_connection, relist_s=relist_s)
        self._reconciler = Reconciler(
            store=self.store,
            resolutions=self._resolutions,
            children=self._children,
            statuses=self._statuses,
            reports=self.reports,
            unreadable=self._unreadable,
            releases=Releases(api, self.store, self._events, self.metrics, tenants or NoLogins()),
            events=self._events,
            logins=logins,
            services=self._services,
            platform=platform,
            clock=self._clock,
        )
        self._serving = Serving(
            api=api,
            store=self.store,
            resolutions=self._resolutions,
            owners=owners or ByLabel(),
            tenants=tenants or NoLogins(),
            logins=logins,
            events=self._events,
            add=self._add,
            relist_s=relist_s,
        )
        self._mappings = Mappings(
            store=self.store,
            resolutions=self._resolutions,
            statuses=self._statuses,
            unreadable=self._unreadable,
            clock=self._clock,
        )
        self._reflectors = reflectors(
            api,
            self.store,
            self._resolutions,
            add=self._add,
            forget_child=self._children.forget,
            forget_status=self._statuses.forget,
            relist_s=relist_s,
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with self.reports, asyncio.TaskGroup() as tasks:
            for reflector in self._reflectors:
                tasks.create_task(reflector.run())
            tasks.create_task(self._events.run())
            self._services.start(tasks)
            await self._serving.start(tasks)
            await all_listed(self._reflectors, self._api)
            await self._settle()
            tasks.create_task(self.reports.run())
            tasks.create_task(self._look_at_all_forever())
            for _ in range(WORKERS):
                tasks.create_task(self._work_forever())
            try:
                await self._steady_then_watch()
            finally:
                self.queue.close()

    @property
    def api_calls(self) -> Counter[tuple[str, str]]:
        """How often each verb was used on each resource."""
        return self._api.calls

    def wanted_hash(self, key: Key) -> str:
        """Hash of the configuration that a connection's worker should run, "" for none."""
        return self._reconciler.wanted_hash(key)

    def serves(self, tenant: str) -> bool:
        """Whether a namespace is, or may be, a tenant's; True before everything was listed."""
        return not self.steady.is_set() or self.store.has_tenant(tenant)

    @property
    def is_quiet(self) -> bool:
        """Nothing is to be done, now or later."""
        return self.queue.idle and self.queue.waits_until() is None

    async def _settle(self) -> None:
        """Decide all namespaces and resolve all tenants, before the first reconcile."""
        names = {key.namespace for key in self.store.connection_keys()}
        names |= {one.name for one in self.store.namespaces() if one.label is not None}
        for name in sorted(names):
            try:
                await self._serving.look(name)
            except PumpjackError as error:
                _log.warning(str(error), at=name)
                self.queue.retry(Work("namespace", name))
        for group in self._resolutions.groups():
            try:
                self._resolve(group)
            except Exception:  # as in _work: one tenant's resources must not stop the others'
                _log.exception("a tenant's tags cannot be resolved", at=group)
                self.queue.retry(Work("group", group))
        for key in {*self.store.connection_keys(), *self.store.parents()}:
            self._add(connection_work(key))

    async def _steady_then_watch(self) -> None:
        while True:
            self.metrics.queue_depth.set(len(self.queue))
            self.metrics.failing.set(self.queue.failing)
            self.metrics.connections.set(len(self.store.connection_keys()))
            self.metrics.workers_answering.set(self.reports.answering)
            if self.queue.idle and not self.steady.is_set():
                self.steady.set()
                _log.info("steady", connections=len(self.store.connection_keys()))
            await asyncio.sleep(0.1 if not self.steady.is_set() else 1.0)

    async def _look_at_all_forever(self) -> None:
        """Level-based: whatever was missed is found within so long."""
        while True:
            await asyncio.sleep(self._relist_s)
            for one in list(self.store.namespaces()):
                if self.store.is_used(one.name):
                    self.look_at_namespace(one.name)
            for key in {*self.store.connection_keys(), *self.store.parents()}:
                self._add(connection_work(key))

    # the queue

    def look_at_namespace(self, name: str) -> None:
        """Something about a namespace, or the logins of its workers, is to be looked at again."""
        self._add(Work("namespace", name))

    def _add(self, work: Work) -> None:
        if work.what == "group":
            took_s = self._resolve_s.get(work.name, 0.0)
            self.queue.add_after(work, max(RESOLVE_DELAY_S, RESOLVE_SHARE * took_s))
        else:
            self.queue.add(work)

    def _look_at_connection(self, key: Key) -> None:
        self._add(connection_work(key))

    def _reported(self, key: Key) -> None:
        """A worker said how it is, or says nothing any more."""
        self._unreadable.take(key, self.reports.get(key))
        if self._reconciler.status_differs(key):
            self._add(connection_work(key))

    async def _work_forever(self) -> None:
        while True:
            work = await self.queue.get()
            try:
                await self._work(work)
            finally:
                self.queue.done(work)

    async def _work(self, work: Work) -> None:
        began = time.perf_counter()
        result = "failed"
        try:
            result = "changed" if await self._look(work) else "unchanged"
            self.queue.forget(work)
        except Conflict as error:
            _log.info(f"changed meanwhile, looking again: {error}", at=work.name)
            self.queue.retry(work)
        except NotFound as error:
            _log.info(f"gone meanwhile: {error}", at=work.name)
            self.queue.retry(work)
        except Unavailable as error:
            delay_s = self.queue.retry(work)
            if error.after_s is not None and error.after_s > delay_s:
                self.queue.add_after(work, error.after_s)
            _log.warning(str(error), at=work.name)
        except Refused as error:
            result = "refused"
            self.queue.retry(work)
            _log.warning(str(error), at=work.name)
        except PumpjackError as error:
            self.queue.retry(work)
            _log.warning(str(error), at=work.name)
        except Exception:  # a mistake of ours about one object must not stop the others
            self.queue.retry(work)
            _log.exception("a look failed", at=work.name, what=work.what)
        finally:
            self.metrics.reconciled.labels(result).inc()
            self.metrics.reconcile_seconds.observe(time.perf_counter() - began)

    async def _look(self, work: Work) -> bool:
        match work.what:
            case "namespace":
                await self._serving.look(work.name)
                return False
            case "group":
                self._resolve(work.name)
                return False
            case "connection":
                return await self._reconciler.reconcile(work.key)
            case "mapping":
                return await self._mappings.look(work.key)

    # tags

    def _resolve(self, group: str) -> None:
        began = time.perf_counter()
        changed = self._resolutions.resolve(group)
        took_s = time.perf_counter() - began
        self._resolve_s[group] = took_s
        self.metrics.resolve_seconds.observe(took_s)
        for key in changed.connections:
            self._add(connection_work(key))
        for key in changed.mappings:
            self._add(mapping_work(key))
