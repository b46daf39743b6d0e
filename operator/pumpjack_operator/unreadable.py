"""Tags that workers cannot read, as each said last: it stays true while a worker starts anew."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from pumpjack_operator.cluster import Key
from pumpjack_operator.facts import Report, Unreadable
from pumpjack_operator.work import Work, mapping_work


class _Told(Struct, frozen=True):
    config_hash: str
    tags: tuple[Unreadable, ...]


class UnreadableTags:
    """What each worker cannot read; mappings that it concerns are looked at when it changes."""

    def __init__(self, add: Callable[[Work], None]) -> None:
        self._add = add
        self._told: dict[Key, _Told] = {}

    def of(self, key: Key, config_hash: str | None = None) -> tuple[Unreadable, ...]:
        """What a connection's worker cannot read of this configuration, None: of its last one."""
        told = self._told.get(key)
        if told is None or config_hash not in (None, told.config_hash):
            return ()
        return told.tags

    def take(self, key: Key, report: Report | None) -> None:
        """A worker said how it is; None: it says nothing, which changes nothing here."""
        if report is not None:
            # a worker has no word about mappings of other namespaces
            here = f"{key.namespace}/"
            tags = tuple(one for one in report.rejected if one.mapping.startswith(here))
            self._set(key, _Told(report.config_hash, tags) if tags else None)

    def forget(self, key: Key) -> None:
        """A connection is gone."""
        self._set(key, None)

    def _set(self, key: Key, told: _Told | None) -> None:
        before = self.of(key)
        if told is None:
            self._told.pop(key, None)
        else:
            self._told[key] = told
        if before == self.of(key):
            return
        for namespace, _, name in {one.mapping.partition("/") for one in (*before, *self.of(key))}:
            self._add(mapping_work(Key(namespace, name)))
