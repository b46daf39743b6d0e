"""Namespaces that are served: whose they are, their Secrets, the logins of their workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from pumpjack_core.credentials import SECRET_TYPE
from pumpjack_core.errors import PumpjackError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator import seen, sinks
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import Conflict, Refused, Unavailable
from pumpjack_operator.events import Events
from pumpjack_operator.grants import sentence, unseen
from pumpjack_operator.kinds import SECRET
from pumpjack_operator.reconcile import Logins
from pumpjack_operator.reflect import Reflector, Watched
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.store import Store
from pumpjack_operator.tenancy import Owners, Tenants
from pumpjack_operator.work import Work, connection_work

UNSEEN_S = 5.0
"""Between two looks at whether Secrets can be seen."""


class Serving:
    """Serves namespaces; what it finds goes to store and logins, what it concerns to the queue."""

    def __init__(
        self,
        *,
        api: Api,
        store: Store,
        resolutions: Resolutions,
        owners: Owners,
        tenants: Tenants,
        logins: Logins,
        events: Events,
        add: Callable[[Work], None],
        relist_s: float,
    ) -> None:
        self._api = api
        self._store = store
        self._resolutions = resolutions
        self._owners = owners
        self._tenants = tenants
        self._logins = logins
        self._events = events
        self._add = add
        self._relist_s = relist_s
        self._watches: dict[str, asyncio.Task[None]] = {}

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Load what was recorded. Watches run in tasks."""
        self._tasks = tasks
        await self._owners.load()

    async def look(self, name: str) -> None:
        """Decide whose a namespace is, and see that its workers can log in.

        Raises PumpjackError when it has to be tried again.
        """
        found = self._store.namespace(name)
        if found is None:
            self._store.undecide(name)  # it may have gone while it was decided
        if found is None or found.ending:
            self._let_go(name)
            return
        labels = {TENANT_LABEL: found.label} if found.label else {}
        owner = await self._owners.tenant(name, labels, self._store.labelled())
        changed = self._store.decide(name, owner)
        groups = self._resolutions.place(name)
        tenant = self._store.tenant(name)
        try:
            if tenant is None:
                self._stop_watching(name)
                await self._take_back(name)
            else:
                self._watch(name)
                await self._log_in(name, tenant)
        finally:
            if changed:
                for group in groups:
                    self._add(Work("group", group))
                self._look_at_connections(name)

    async def _log_in(self, namespace: str, tenant: str) -> None:
        """Have logins in a namespace; what is wrong with them is told there, once."""
        known = self._logins
        before = known.versions.get(namespace), known.problems.get(namespace)
        problem: str | None = None
        try:
            known.versions[namespace] = await self._tenants.ensure_tenant(namespace, tenant)
            problem = self._tenants.problem(tenant)
        except (Unavailable, Conflict):
            problem = before[1]  # of the API server, and soon over
            raise
        except PumpjackError as error:
            problem = sentence(namespace, error)
            raise
        finally:
            known.set_problem(namespace, problem)
            if problem is not None and problem != before[1]:
                name = self._tenants.secret_name or ""
                self._events.about_secret(namespace, name, "LoginsIncomplete", problem)
            if before != (known.versions.get(namespace), problem):
                self._look_at_connections(namespace)

    async def _take_back(self, name: str) -> None:
        """Have nothing left in a namespace that logs in as the tenant whose it was."""
        with contextlib.suppress(Refused):  # where the operator may touch no Secret it gave none
            await self._tenants.take_back(name)
        self._logins.versions.pop(name, None)
        self._logins.set_problem(name, None)

    def _let_go(self, name: str) -> None:
        self._stop_watching(name)
        self._tenants.forget(name)
        self._logins.versions.pop(name, None)
        self._logins.problems.pop(name, None)
        self._add(Work("group", self._resolutions.group(name)))

    def _look_at_connections(self, namespace: str) -> None:
        for one in self._store.connections([namespace]):
            self._add(connection_work(one.key))

    # Secrets: that they are there and when they change, never what is in them

    def _watch(self, namespace: str) -> None:
        if namespace in self._watches:
            return
        self._watches[namespace] = self._tasks.create_task(self._follow(namespace))

    def _reflector(
        self, watched: Watched, sink: sinks.SecretSink | sinks.StoresSecretSink
    ) -> Reflector:
        return Reflector(self._api, watched, sink, key=seen.key_of, relist_s=self._relist_s)

    async def _follow(self, namespace: str) -> None:
        of_devices = _secrets(namespace, f"type={SECRET_TYPE}")
        devices = self._reflector(of_devices, sinks.SecretSink(self._store, self._add))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(devices.run())
            if (name := self._tenants.secret_name) is not None:
                of_stores = _secrets(namespace, f"metadata.name={name}")
                sink = sinks.StoresSecretSink(self._stores_changed)
                tasks.create_task(self._reflector(of_stores, sink).run())
            tasks.create_task(self._say_what_is_unseen(namespace, of_devices))
            await devices.listed.wait()
            self._store.know_secrets(namespace)
            for one in self._store.connections([namespace]):
                if one.object is not None and one.object.spec.credentials_secret_ref is not None:
                    self._add(connection_work(one.key))
            if namespace in self._logins.problems:
                self._add(Work("namespace", namespace))  # what it may not was granted just now

    async def _say_what_is_unseen(self, namespace: str, of_devices: Watched) -> None:
        """Tell the connections whose Secret the operator may not see, each once."""
        told: set[str] = set()
        while True:
            await asyncio.sleep(UNSEEN_S)
            trouble = self._api.troubled.get(of_devices)
            message = None if trouble is None else unseen(namespace, trouble.why)
            if message is None:
                told.clear()
                continue
            for one in self._store.connections([namespace]):
                asks = one.object is not None and one.object.spec.credentials_secret_ref is not None
                if asks and one.uid not in told:
                    told.add(one.uid)
                    self._events.about_connection(one, "LoginsIncomplete", message, warning=True)

    def _stores_changed(self, namespace: str) -> None:
        self._tenants.forget(namespace)
        self._add(Work("namespace", namespace))

    def _stop_watching(self, namespace: str) -> None:
        task = self._watches.pop(namespace, None)
        if task is not None:
            task.cancel()
            self._store.forget_secrets(namespace)


def _secrets(namespace: str, fields: str) -> Watched:
    return Watched(SECRET, namespace, fields=fields, metadata_only=True)
