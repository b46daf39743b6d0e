"""What each watch does with its objects: into the store, and into the queue what it concerns."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from pumpjack_operator import seen
from pumpjack_operator.cluster import Key
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.store import ChildId, Store
from pumpjack_operator.work import Work, connection_work, mapping_work

Add = Callable[[Work], None]


class NamespaceSink:
    """Namespaces: their labels say whose wells they hold."""

    def __init__(self, store: Store, add: Add) -> None:
        self._store, self._add = store, add

    def put(self, raw: dict[str, Any]) -> Hashable:
        """A namespace is there."""
        found = seen.namespace(raw)
        labelled = self._store.labelled()
        if self._store.put_namespace(found) and self._store.is_used(found.name):
            self._add(Work("namespace", found.name))
        if self._store.labelled() != labelled:
            self._others()
        return found.name

    def gone(self, known: str, _version: int) -> None:
        """A namespace is gone, and all that was in it."""
        self._store.remove_namespace(known)
        self._add(Work("namespace", known))
        self._others()

    def _others(self) -> None:
        """Unlabelled namespaces, whose names may be some tenant's now or no longer."""
        for one in self._store.namespaces():
            if one.label is None and self._store.is_used(one.name):
                self._add(Work("namespace", one.name))


class ConnectionSink:
    """ScadaConnections."""

    def __init__(
        self, store: Store, resolutions: Resolutions, add: Add, forget: Callable[[str], None]
    ) -> None:
        """Whoever gives forget is told the uid of each that is gone."""
        self._store, self._resolutions, self._add = store, resolutions, add
        self._forget = forget

    def put(self, raw: dict[str, Any]) -> Hashable:
        """A connection is there."""
        found = seen.connection(raw)
        before = self._store.connection(found.key)
        if self._store.put_connection(found):
            now = self._store.connection(found.key)
            if before is None or now is None or before.object is not now.object:
                self._resolve(found.key)
            self._add(connection_work(found.key))
        return found.key

    def gone(self, known: Key, version: int) -> None:
        """A connection is gone."""
        if (removed := self._store.remove_connection(known, version)) is not None:
            self._forget(removed.uid)
        self._resolve(known)
        self._add(connection_work(known))

    def _resolve(self, key: Key) -> None:
        if self._store.tenant(key.namespace) is None:
            self._add(Work("namespace", key.namespace))
        self._add(Work("group", self._resolutions.group(key.namespace)))


class MappingSink:
    """TagMappings."""

    def __init__(
        self, store: Store, resolutions: Resolutions, add: Add, forget: Callable[[str], None]
    ) -> None:
        """Whoever gives forget is told the uid of each that is gone."""
        self._store, self._resolutions, self._add = store, resolutions, add
        self._forget = forget

    def put(self, raw: dict[str, Any]) -> Hashable:
        """A mapping is there."""
        found = seen.mapping(raw)
        before = self._store.mapping(found.key)
        if self._store.put_mapping(found):
            now = self._store.mapping(found.key)
            if before is None or now is None or before.object is not now.object:
                self._add(Work("group", self._resolutions.group(found.key.namespace)))
            self._add(mapping_work(found.key))
        return found.key

    def gone(self, known: Key, version: int) -> None:
        """A mapping is gone."""
        if (removed := self._store.remove_mapping(known, version)) is not None:
            self._forget(removed.uid)
        self._add(Work("group", self._resolutions.group(known.namespace)))


class ChildSink:
    """Children of one kind."""

    def __init__(
        self,
        store: Store,
        add: Add,
        kind: str,
        forget: Callable[[str, ChildId], None],
    ) -> None:
        self._store, self._add, self._kind, self._forget = store, add, kind, forget

    def put(self, raw: dict[str, Any]) -> Hashable | None:
        """A child is there."""
        found = seen.child(raw, self._kind)
        if found is None:
            return None
        if self._store.put_child(found):
            self._add(connection_work(Key(found.key.namespace, found.connection)))
        return found.key, found.uid

    def gone(self, known: tuple[Key, str], version: int) -> None:
        """A child is gone."""
        key, uid = known
        id_ = (self._kind, key.name)
        self._forget(key.namespace, id_)
        parent = self._store.remove_child(key.namespace, id_, uid, version)
        if parent is not None:
            self._add(connection_work(parent))


class PodSink:
    """Workers' pods."""

    def __init__(self, store: Store, add: Add) -> None:
        self._store, self._add = store, add

    def put(self, raw: dict[str, Any]) -> Hashable | None:
        """A pod is there."""
        found = seen.pod(raw)
        if found is None:
            return None
        of = self._store.put_pod(found)
        if of is not None:
            self._add(connection_work(of))
        return found.key

    def gone(self, known: Key, _version: int) -> None:
        """A pod is gone."""
        removed = self._store.remove_pod(known)
        if removed is not None and removed[1] is not None:
            self._add(connection_work(removed[1]))


class SecretSink:
    """Names of device Secrets."""

    def __init__(self, store: Store, add: Add) -> None:
        self._store, self._add = store, add

    def put(self, raw: dict[str, Any]) -> Hashable:
        """A Secret is there."""
        key = seen.key_of(raw)
        if self._store.put_secret(key):
            self._users(key)
        return key

    def gone(self, known: Key, _version: int) -> None:
        """A Secret is gone."""
        if self._store.remove_secret(known):
            self._users(known)

    def _users(self, key: Key) -> None:
        for user in self._store.users_of_secret(key):
            self._add(connection_work(user))


class StoresSecretSink:
    """The one Secret with the logins to the stores."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """Whoever gives changed is told the namespace in which it is not what it was."""
        self._changed = changed
        self._version = ""

    def put(self, raw: dict[str, Any]) -> Hashable:
        """It is there."""
        key = seen.key_of(raw)
        version = raw["metadata"]["resourceVersion"]
        if version != self._version:
            self._version = version
            self._changed(key.namespace)
        return key

    def gone(self, known: Key, _version: int) -> None:
        """It is gone."""
        self._version = ""
        self._changed(known.namespace)
