"""Which connection reads which tags, kept up to date tenant by tenant. No I/O.

A tenant's wells may be claimed from all its namespaces, so a tenant is resolved as a whole. What a
mapping asks of a connection is remembered as long as neither changed: resolving again then only
settles the claims, and parts that did not change stay the same objects.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Generic, TypeVar

from msgspec import Struct

from pumpjack_core.manifests.objects import ScadaConnection, TagMapping
from pumpjack_core.manifests.resolve import (
    Claims,
    RefusedConnection,
    ResolvedConnection,
    ResolvedMapping,
    claims,
    resolve,
)
from pumpjack_operator.cluster import Key
from pumpjack_operator.store import Store

_OfConnection = ResolvedConnection | RefusedConnection
_Resolved = TypeVar("_Resolved")
Group = str
"""A tenant, or "/namespace" for a namespace that has none: its connections are refused."""


class Changed(Struct, frozen=True):
    """What resolving a group changed."""

    connections: frozenset[Key]
    mappings: frozenset[Key]


class Resolutions:
    """The resolution of every group."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._members: defaultdict[Group, set[str]] = defaultdict(set)
        """Group to its namespaces."""
        self._group_of: dict[str, Group] = {}
        self._connections: _Known[_OfConnection] = _Known()
        self._mappings: _Known[ResolvedMapping] = _Known()
        self._remembered: defaultdict[Group, _Memory] = defaultdict(_Memory)
        self._selected: dict[Group, Counter[str]] = {}
        """How many mappings select each connection."""

    def connection(self, key: Key) -> _OfConnection | None:
        """What became of a connection, None when it was not resolved yet."""
        return self._connections.of.get(key)

    def mapping(self, key: Key) -> ResolvedMapping | None:
        """What became of a mapping, None when it was not resolved yet."""
        return self._mappings.of.get(key)

    def mappings_of(self, key: Key) -> int:
        """How many mappings select a connection."""
        counts = self._selected.get(self.group(key.namespace))
        return counts[str(key)] if counts is not None else 0

    def place(self, namespace: str) -> set[Group]:
        """Put a namespace into the group that its tenant is now; returns the groups to resolve."""
        group = self._store.tenant(namespace) or f"/{namespace}"
        before = self._group_of.get(namespace)
        self._group_of[namespace] = group
        self._members[group].add(namespace)
        if before is None or before == group:
            return {group}
        self._members[before].discard(namespace)
        return {group, before}

    def group(self, namespace: str) -> Group:
        """The group of a namespace."""
        return self._group_of.get(namespace, f"/{namespace}")

    def groups(self) -> list[Group]:
        """All groups with a namespace."""
        return [group for group, members in self._members.items() if members]

    def resolve(self, group: Group) -> Changed:
        """Resolve a group again; returns what is different now."""
        members = self._members[group]
        tenants = {} if group.startswith("/") else dict.fromkeys(members, group)
        memory = self._remembered[group]
        found = resolve(
            [seen.object for seen in self._store.connections(members) if seen.object is not None],
            [seen.object for seen in self._store.mappings(members) if seen.object is not None],
            tenants,
            memory.claims,
        )
        memory.forget_unused()
        self._selected[group] = Counter(
            chain.from_iterable(one.connections for one in found.mappings)
        )
        either: Iterable[_OfConnection] = (*found.connections, *found.refused)
        connections = {_key(one.connection): one for one in either}
        mappings = {_key(one.mapping): one for one in found.mappings}
        return Changed(
            self._connections.take(group, connections, self.group),
            self._mappings.take(group, mappings, self.group),
        )


class _Known(Generic[_Resolved]):
    """What became of the objects of one kind, and in which group."""

    def __init__(self) -> None:
        self.of: dict[Key, _Resolved] = {}
        self._in: defaultdict[Group, set[Key]] = defaultdict(set)

    def take(
        self, group: Group, found: Mapping[Key, _Resolved], group_of: Callable[[str], Group]
    ) -> frozenset[Key]:
        """Take over what was found in a group; returns what is different now.

        group_of: the group of a namespace now; what moved to another is not forgotten with this.
        """
        changed = {key for key, resolved in found.items() if self.of.get(key) != resolved}
        self.of.update((key, found[key]) for key in changed)
        gone = self._in[group] - found.keys()
        for key in gone:
            if group_of(key.namespace) == group:
                del self.of[key]
        self._in[group] = set(found)
        return frozenset(changed | gone)


def _key(of: ScadaConnection | TagMapping) -> Key:
    return Key(of.metadata.namespace, of.metadata.name)


class _Memory:
    """What mappings ask of connections, of one group; by identity, as the store keeps it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[ScadaConnection, TagMapping, Claims]] = {}
        self._used: dict[tuple[str, str], tuple[ScadaConnection, TagMapping, Claims]] = {}

    def claims(self, connection: ScadaConnection, mapping: TagMapping) -> Claims:
        """As resolve.claims()."""
        pair = (connection.metadata.id, mapping.metadata.id)
        known = self._kept.get(pair)
        if known is None or known[0] is not connection or known[1] is not mapping:
            known = (connection, mapping, claims(connection, mapping))
        self._used[pair] = known
        return known[2]

    def forget_unused(self) -> None:
        """Keep what was asked for since the last time."""
        self._kept, self._used = self._used, {}
