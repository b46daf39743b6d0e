"""Namespaces that are served: whose they are, their Secrets, the logins of their workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pumpjack_core.credentials import SECRET_TYPE
from pumpjack_core.errors import PumpjackError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator import seen, sinks
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import Conflict, Refused, Unavailable
from pumpjack_operator.events import Events
from pumpjack_operator.grants import sentence
from pumpjack_operator.kinds import SECRET
from pumpjack_operator.reconcile import Logins
from pumpjack_operator.reflect import Reflector, Watched
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.store import Store
from pumpjack_operator.tenancy import Owners, Tenants
from pumpjack_operator.work import Work, connection_work


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
        try:
            await self._tenants.take_back(name)
        except Refused:
            pass  # where the operator may touch no Secret it gave none
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
        devices = self._reflector(
            namespace, f"type={SECRET_TYPE}", sinks.SecretSink(self._store, self._add)
        )
        stores = None
        if self._tenants.secret_name is not None:
            stores = self._reflector(
                namespace,
                f"metadata.name={self._tenants.secret_name}",
                sinks.StoresSecretSink(self._stores_changed),
            )
        self._watches[namespace] = self._tasks.create_task(self._follow(namespace, devices, stores))

    def _reflector(
        self, namespace: str, fields: str, sink: sinks.SecretSink | sinks.StoresSecretSink
    ) -> Reflector:
        watched = Watched(SECRET, namespace, fields=fields, metadata_only=True)
        return Reflector(self._api, watched, sink, key=seen.key_of, relist_s=self._relist_s)

    async def _follow(self, namespace: str, devices: Reflector, stores: Reflector | None) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(devices.run())
            if stores is not None:
                tasks.create_task(stores.run())
            await devices.listed.wait()
            self._store.know_secrets(namespace)
            for one in self._store.connections([namespace]):
                if one.object is not None and one.object.spec.credentials_secret_ref is not None:
                    self._add(connection_work(one.key))
            if namespace in self._logins.problems:
                self._add(Work("namespace", namespace))  # what it may not was granted just now

    def _stores_changed(self, namespace: str) -> None:
        self._tenants.forget(namespace)
        self._add(Work("namespace", namespace))

    def _stop_watching(self, namespace: str) -> None:
        task = self._watches.pop(namespace, None)
        if task is not None:
            task.cancel()
            self._store.forget_secrets(namespace)
