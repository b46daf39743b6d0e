"""Devices that are Services of the cluster, such as simulators: which pods are behind them.

A NetworkPolicy sees a pod's own address and port, not a Service's. Only Services that a connection
names are watched, each by itself, and only in the connection's own namespace: a tenant's policy
opens no pod of another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from pumpjack_core.manifests.device import device
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_operator import seen
from pumpjack_operator.api import Api
from pumpjack_operator.cluster import Key, SeenConnection
from pumpjack_operator.kinds import SERVICE
from pumpjack_operator.reflect import Reflector, Watched
from pumpjack_operator.specs.wanted import Behind

SUFFIXES = (".svc.cluster.local", ".svc")


def service_of(spec: ScadaConnectionSpec, namespace: str) -> Key | None:
    """The Service of this namespace that a device's host names, None: it names none."""
    try:
        host = device(spec)[0].lower().rstrip(".")
    except ValueError:
        return None
    for suffix in SUFFIXES:
        name, dot, where = host.removesuffix(suffix).rpartition(".")
        if host.endswith(suffix) and dot and "." not in name and where == namespace:
            return Key(namespace, name)
    return None


def behind(service: dict[str, Any], port: int) -> Behind | None:
    """The pods to which a Service hands what comes to a port, None: it hands it to none.

    service: its spec
    """
    labels = service.get("selector")
    if not labels or service.get("type") == "ExternalName":
        return None
    if service.get("clusterIP") == "None":
        return Behind(labels, port)  # its name stands for the pods' own addresses
    for one in service.get("ports") or ():
        if one.get("port") == port and one.get("protocol", "TCP") == "TCP":
            return Behind(labels, one.get("targetPort") or port)
    return None


class _Followed:
    """One Service, None while there is none, and the connections that name it."""

    def __init__(self, changed: Callable[[Key], None]) -> None:
        self.users: set[Key] = set()
        self.spec: dict[str, Any] | None = None
        self.task: asyncio.Task[None] | None = None
        self.reflector: Reflector | None = None
        self._changed = changed

    def put(self, raw: dict[str, Any]) -> Hashable:
        """It is there."""
        self._set(raw.get("spec") or {})
        return seen.key_of(raw)

    def gone(self, _known: Key, _version: int) -> None:
        """It is gone."""
        self._set(None)

    def tell(self) -> None:
        """Have the connections looked at that name it."""
        for user in self.users:
            self._changed(user)

    def _set(self, spec: dict[str, Any] | None) -> None:
        if spec != self.spec:
            self.spec = spec
            self.tell()


class DeviceServices:
    """Watches the Services that connections name; changed is told of a connection to look at."""

    def __init__(self, api: Api, changed: Callable[[Key], None], *, relist_s: float) -> None:
        self._api = api
        self._changed = changed
        self._relist_s = relist_s
        self._followed: dict[Key, _Followed] = {}
        self._named: dict[Key, Key] = {}
        """Connection to the Service that it names."""

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Watches run in tasks."""
        self._tasks = tasks

    def follow(self, of: SeenConnection) -> bool:
        """Watch what a connection names; returns whether it is known by now."""
        spec = of.object.spec if of.object is not None else None
        service = None if spec is None else service_of(spec, of.key.namespace)
        if self._named.get(of.key) != service:
            self.leave(of.key)
        if service is None:
            return True
        self._named[of.key] = service
        followed = self._followed.get(service) or self._start(service)
        followed.users.add(of.key)
        assert followed.reflector is not None
        return followed.reflector.listed.is_set()

    def behind(self, of: SeenConnection) -> Behind | None:
        """The pods behind a connection's device, None: it is no Service, or one without pods."""
        service = self._named.get(of.key)
        followed = self._followed.get(service) if service is not None else None
        if followed is None or followed.spec is None or of.object is None:
            return None
        return behind(followed.spec, device(of.object.spec)[1])

    def leave(self, connection: Key) -> None:
        """A connection is gone, or names another Service."""
        service = self._named.pop(connection, None)
        followed = self._followed.get(service) if service is not None else None
        if service is None or followed is None:
            return
        followed.users.discard(connection)
        if not followed.users:
            del self._followed[service]
            if followed.task is not None:
                followed.task.cancel()

    def _start(self, service: Key) -> _Followed:
        followed = self._followed[service] = _Followed(self._changed)
        watched = Watched(SERVICE, service.namespace, fields=f"metadata.name={service.name}")
        followed.reflector = Reflector(
            self._api, watched, followed, key=seen.key_of, relist_s=self._relist_s
        )
        followed.task = self._tasks.create_task(self._run(followed, followed.reflector))
        return followed

    async def _run(self, followed: _Followed, reflector: Reflector) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reflector.run())
            await reflector.listed.wait()
            followed.tell()
