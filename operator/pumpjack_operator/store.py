"""Everything the operator knows of the cluster, fed by the watches. No I/O.

Each put and remove returns whether it was news: then whoever asked has something to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from msgspec.structs import replace

from pumpjack_operator.cluster import (
    Key,
    SeenChild,
    SeenConnection,
    SeenMapping,
    SeenNamespace,
    SeenPod,
)
from pumpjack_operator.names import child_name
from pumpjack_operator.namespaces import Refusal
from pumpjack_operator.versions import Versions

ChildId = tuple[str, str]
"""Kind and name."""
_Seen = TypeVar("_Seen", SeenConnection, SeenMapping)


class Store:
    """The watched objects and the ways to find them."""

    def __init__(self) -> None:
        self._namespaces: dict[str, SeenNamespace] = {}
        self._connections: dict[Key, SeenConnection] = {}
        self._mappings: dict[Key, SeenMapping] = {}
        self._connections_in: defaultdict[str, set[Key]] = defaultdict(set)
        self._mappings_in: defaultdict[str, set[Key]] = defaultdict(set)
        self._children: defaultdict[Key, dict[ChildId, SeenChild]] = defaultdict(dict)
        """By connection."""
        self._parents: dict[tuple[str, ChildId], Key] = {}
        """Namespace and child to connection."""
        self._pods: dict[Key, SeenPod] = {}
        self._pods_of: defaultdict[Key, set[Key]] = defaultdict(set)
        """Key of a worker (namespace and child_name) to its pods."""
        self._exits: dict[Key, int | None] = {}
        """Key of a worker to the exit code of its last pod with a volume, that is gone."""
        self._named: dict[Key, Key] = {}
        """Key of a worker to its connection."""
        self._versions = Versions()
        self._tenants: dict[str, str | Refusal] = {}
        self._secrets: defaultdict[str, set[str]] = defaultdict(set)
        """Namespace to the names of its device Secrets."""
        self._secrets_known: set[str] = set()
        """Namespaces of which all were listed."""

    # namespaces

    def put_namespace(self, seen: SeenNamespace) -> bool:
        """Take a namespace over."""
        known = self._namespaces.get(seen.name)
        self._namespaces[seen.name] = seen
        return known != seen

    def remove_namespace(self, name: str) -> bool:
        """A namespace is gone."""
        self.undecide(name)
        return self._namespaces.pop(name, None) is not None

    def namespace(self, name: str) -> SeenNamespace | None:
        """A namespace, None when it is not there."""
        return self._namespaces.get(name)

    def namespaces(self) -> Iterable[SeenNamespace]:
        """All of them."""
        return self._namespaces.values()

    def labelled(self) -> frozenset[str]:
        """Tenants that some namespace is labelled with."""
        return frozenset(one.label for one in self._namespaces.values() if one.label)

    def decide(self, namespace: str, tenant: str | Refusal) -> bool:
        """Whose a namespace is, or why it is nobody's; returns whether that is news."""
        known = self._tenants.get(namespace)
        self._tenants[namespace] = tenant
        return known != tenant

    def undecide(self, namespace: str) -> None:
        """A namespace is nobody's for now."""
        self._tenants.pop(namespace, None)

    def tenant(self, namespace: str) -> str | None:
        """Whose a namespace is, None when it is nobody's or not decided yet."""
        found = self._tenants.get(namespace)
        return found if isinstance(found, str) else None

    def has_tenant(self, tenant: str) -> bool:
        """Whether some namespace is a tenant's, or labelled with it."""
        return tenant in self._tenants.values() or tenant in self.labelled()

    def why_not_served(self, namespace: str) -> str | None:
        """Why a namespace is nobody's, None when it is somebody's."""
        found = self._tenants.get(namespace)
        return found.message if isinstance(found, Refusal) else None

    def is_used(self, namespace: str) -> bool:
        """Whether a namespace is labelled, or has connections."""
        seen = self._namespaces.get(namespace)
        return bool(self._connections_in.get(namespace)) or (
            seen is not None and seen.label is not None
        )

    def is_ending(self, namespace: str) -> bool:
        """Whether a namespace is gone or going."""
        found = self._namespaces.get(namespace)
        return found is None or found.ending

    # connections and mappings

    def put_connection(self, seen: SeenConnection) -> bool:
        """Take a connection over. What is equal to what was known stays the same object."""
        known = self._connections.get(seen.key)
        if not self._versions.is_news(seen.uid, seen.version):
            return False
        if known is not None and known.object == seen.object:
            seen = replace(seen, object=known.object)
        self._connections[seen.key] = seen
        self._connections_in[seen.key.namespace].add(seen.key)
        self._named[worker_key(seen.key)] = seen.key
        return known is None or replace(known, version=seen.version) != seen

    def remove_connection(self, key: Key, version: int) -> SeenConnection | None:
        """A connection is gone, as of this version."""
        self._connections_in[key.namespace].discard(key)
        found = self._bury(self._connections.pop(key, None), version)
        self._forget_worker(worker_key(key))
        return found

    def connection(self, key: Key) -> SeenConnection | None:
        """A connection, None when it is not there."""
        return self._connections.get(key)

    def connections(self, namespaces: Iterable[str]) -> Iterator[SeenConnection]:
        """The connections of some namespaces."""
        for name in namespaces:
            for key in self._connections_in.get(name, ()):
                yield self._connections[key]

    def connection_keys(self) -> list[Key]:
        """Keys of all connections."""
        return list(self._connections)

    def put_mapping(self, seen: SeenMapping) -> bool:
        """Take a mapping over. What is equal to what was known stays the same object."""
        known = self._mappings.get(seen.key)
        if not self._versions.is_news(seen.uid, seen.version):
            return False
        if known is not None and known.object == seen.object:
            seen = replace(seen, object=known.object)
        self._mappings[seen.key] = seen
        self._mappings_in[seen.key.namespace].add(seen.key)
        return known is None or replace(known, version=seen.version) != seen

    def remove_mapping(self, key: Key, version: int) -> SeenMapping | None:
        """A mapping is gone, as of this version."""
        self._mappings_in[key.namespace].discard(key)
        return self._bury(self._mappings.pop(key, None), version)

    def mapping(self, key: Key) -> SeenMapping | None:
        """A mapping, None when it is not there."""
        return self._mappings.get(key)

    def mappings(self, namespaces: Iterable[str]) -> Iterator[SeenMapping]:
        """The mappings of some namespaces."""
        for name in namespaces:
            for key in self._mappings_in.get(name, ()):
                yield self._mappings[key]

    # children and pods

    def put_child(self, seen: SeenChild) -> bool:
        """Take a child over, as it was seen or as the API server answered."""
        key = Key(seen.key.namespace, seen.connection)
        id_ = (seen.kind, seen.key.name)
        if not self._versions.is_news(seen.uid, seen.version):
            return False
        self._children[key][id_] = seen
        self._parents[seen.key.namespace, id_] = key
        self._named.setdefault(worker_key(key), key)
        return True

    def remove_child(self, namespace: str, id_: ChildId, uid: str, version: int) -> Key | None:
        """A child is gone, as of this version; returns its connection."""
        self._versions.bury(uid, version)
        key = self._parents.get((namespace, id_))
        if key is None or self._children[key][id_].uid != uid:
            return None  # another bears its name already
        del self._parents[namespace, id_]
        del self._children[key][id_]
        if not self._children[key]:
            del self._children[key]
            self._forget_worker(worker_key(key))
        return key

    def children(self, key: Key) -> dict[ChildId, SeenChild]:
        """The children of a connection, by kind and name."""
        return self._children.get(key, {})

    def parents(self) -> list[Key]:
        """Every connection that has children, whether it is still there or not."""
        return list(self._children)

    def put_pod(self, seen: SeenPod) -> Key | None:
        """Take a pod over; returns its connection when that is news and known."""
        known = self._pods.get(seen.key)
        if known == seen:
            return None
        worker = Key(seen.key.namespace, seen.child)
        self._pods[seen.key] = seen
        self._pods_of[worker].add(seen.key)
        return self._named.get(worker)

    def remove_pod(self, key: Key) -> tuple[SeenPod, Key | None] | None:
        """A pod is gone; returns what it was last, and its connection."""
        seen = self._pods.pop(key, None)
        if seen is None:
            return None
        worker = Key(key.namespace, seen.child)
        self._pods_of[worker].discard(key)
        if seen.has_claim:
            self._exits[worker] = seen.exit_code
        of = self._named.get(worker)
        self._forget_worker(worker)
        return seen, of

    def exit_code(self, key: Key) -> int | None:
        """How the last pod that wrote to a connection's volume ended, None: nobody saw that."""
        return self._exits.get(worker_key(key))

    def pod(self, key: Key) -> SeenPod | None:
        """The pod of a connection's worker; of two, the one that stays."""
        found = [self._pods[one] for one in self._pods_of.get(worker_key(key), ())]
        found.sort(key=lambda pod: (pod.ending, pod.state.state != "running", pod.key))
        return found[0] if found else None

    def runs_without_claim(self, key: Key) -> bool:
        """Whether a connection's worker has its journal elsewhere than on a volume now."""
        found = [self._pods[one] for one in self._pods_of.get(worker_key(key), ())]
        return bool(found) and not any(pod.has_claim for pod in found)

    def connection_of(self, pod: SeenPod) -> Key | None:
        """Whose pod it is."""
        return self._named.get(Key(pod.key.namespace, pod.child))

    def _forget_worker(self, worker: Key) -> None:
        """Let go of what is known of a worker of whom nothing is left, not even a volume."""
        of = self._named.get(worker)
        if self._pods_of.get(worker) or of in self._connections or of in self._children:
            return
        for known in (self._named, self._exits, self._pods_of):
            known.pop(worker, None)

    def _bury(self, seen: _Seen | None, version: int) -> _Seen | None:
        if seen is not None:
            self._versions.bury(seen.uid, version)
        return seen

    # Secrets

    def put_secret(self, key: Key) -> bool:
        """There is a device Secret of this name."""
        names = self._secrets[key.namespace]
        if key.name in names:
            return False
        names.add(key.name)
        return True

    def remove_secret(self, key: Key) -> bool:
        """There is none of this name any more."""
        names = self._secrets[key.namespace]
        if key.name not in names:
            return False
        names.discard(key.name)
        return True

    def know_secrets(self, namespace: str) -> None:
        """All device Secrets of a namespace are known now."""
        self._secrets_known.add(namespace)

    def forget_secrets(self, namespace: str) -> None:
        """The Secrets of a namespace are watched no longer."""
        self._secrets.pop(namespace, None)
        self._secrets_known.discard(namespace)

    def has_secret(self, key: Key) -> bool | None:
        """Whether there is such a device Secret, None when that is not known."""
        if key.name in self._secrets[key.namespace]:
            return True
        return False if key.namespace in self._secrets_known else None

    def users_of_secret(self, key: Key) -> Iterator[Key]:
        """The connections that name a Secret."""
        for seen in self.connections([key.namespace]):
            if seen.object is None:
                continue
            ref = seen.object.spec.credentials_secret_ref
            if ref is not None and ref.name == key.name:
                yield seen.key


def worker_key(connection: Key) -> Key:
    """Namespace and name of a connection's worker."""
    return Key(connection.namespace, child_name(connection.name))
