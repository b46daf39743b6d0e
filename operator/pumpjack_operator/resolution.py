"""Which connection reads which tags, kept up to date tenant by tenant. No I/O.

A tenant's wells may be claimed from all its namespaces, so a tenant is resolved as a whole. What a
mapping asks of a connection is remembered as long as neither changed: resolving again then only
settles the claims, and parts that did not change stay the same objects.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain

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
        self._connections: dict[Key, ResolvedConnection | RefusedConnection] = {}
        self._mappings: dict[Key, ResolvedMapping] = {}
        self._of_group: defaultdict[Group, tuple[set[Key], set[Key]]] = defaultdict(
            lambda: (set(), set())
        )
        self._remembered: defaultdict[Group, _Memory] = defaultdict(_Memory)
        self._selected: dict[Group, Counter[str]] = {}
        """How many mappings select each connection."""

    def connection(self, key: Key) -> ResolvedConnection | RefusedConnection | None:
        """What became of a connection, None when it was not resolved yet."""
        return self._connections.get(key)

    def mapping(self, key: Key) -> ResolvedMapping | None:
        """What became of a mapping, None when it was not resolved yet."""
        return self._mappings.get(key)

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
        connections = self._take_connections(group, (*found.connections, *found.refused))
        mappings = self._take_mappings(group, found.mappings)
        return Changed(frozenset(connections), frozenset(mappings))

    def _take_connections(
        self, group: Group, found: tuple[ResolvedConnection | RefusedConnection, ...]
    ) -> set[Key]:
        changed = set()
        now = set()
        for resolved in found:
            about = resolved.connection.metadata
            key = Key(about.namespace, about.name)
            now.add(key)
            if self._connections.get(key) != resolved:
                self._connections[key] = resolved
                changed.add(key)
        gone = self._of_group[group][0] - now
        for key in gone:
            if self.group(key.namespace) == group:
                del self._connections[key]
        self._of_group[group] = (now, self._of_group[group][1])
        return changed | gone

    def _take_mappings(self, group: Group, found: tuple[ResolvedMapping, ...]) -> set[Key]:
        changed = set()
        now = set()
        for resolved in found:
            about = resolved.mapping.metadata
            key = Key(about.namespace, about.name)
            now.add(key)
            if self._mappings.get(key) != resolved:
                self._mappings[key] = resolved
                changed.add(key)
        gone = self._of_group[group][1] - now
        for key in gone:
            if self.group(key.namespace) == group:
                del self._mappings[key]
        self._of_group[group] = (self._of_group[group][0], now)
        return changed


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
