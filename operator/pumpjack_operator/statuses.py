"""Writes status: only when it changed, and not twice within some seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pumpjack_core.clock import Clock
from pumpjack_core.manifests import types
from pumpjack_operator import describe, seen
from pumpjack_operator.api import Api
from pumpjack_operator.cluster import Key, SeenConnection, SeenMapping
from pumpjack_operator.describe import ConnectionKnown
from pumpjack_operator.kinds import CONNECTION, MAPPING, Kind
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.store import Store
from pumpjack_operator.work import Work, connection_work, mapping_work

_Status = types.ScadaConnectionStatus | types.TagMappingStatus
EVERY_S = 5.0
"""A device that comes and goes costs one write in so long."""


class Statuses:
    """The status of both resources."""

    def __init__(
        self,
        api: Api,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        later: Callable[[Work, float], None],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._api = api
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._later = later
        self._every_s = every_s
        self._written: dict[str, float] = {}
        """uid to when its status was last written [s, monotonic]."""
        self._mixed: dict[str, tuple[_Status, _Status | None]] = {}
        """uid to what was written last and what became of it, where others' fields are in it."""

    def connection_differs(self, of: SeenConnection, known: ConnectionKnown) -> bool:
        """Whether the status would be another."""
        return self._differs(of, describe.connection_status(known, of.status))

    async def write_connection(self, of: SeenConnection, known: ConnectionKnown) -> bool:
        """Write a connection's status where it is another; returns whether it was."""
        status = describe.connection_status(known, of.status)
        if not self._differs(of, status) or not self._may(of.uid, connection_work(of.key)):
            return False
        now = seen.connection(await self._write(CONNECTION, of.key, of.uid, status))
        self._remember(of.uid, status, now.status)
        self._store.put_connection(now)
        return True

    async def write_mapping(self, of: SeenMapping, status: types.TagMappingStatus) -> bool:
        """Write a mapping's status where it is another; returns whether it was."""
        if not self._differs(of, status) or not self._may(of.uid, mapping_work(of.key)):
            return False
        now = seen.mapping(await self._write(MAPPING, of.key, of.uid, status))
        self._remember(of.uid, status, now.status)
        self._store.put_mapping(now)
        return True

    def forget(self, uid: str) -> None:
        """An object is gone."""
        self._written.pop(uid, None)
        self._mixed.pop(uid, None)

    def _differs(self, of: SeenConnection | SeenMapping, status: _Status) -> bool:
        """Whether a write would change anything."""
        return status != of.status and self._mixed.get(of.uid) != (status, of.status)

    def _remember(self, uid: str, wrote: _Status, found: _Status | None) -> None:
        if found == wrote:
            self._mixed.pop(uid, None)
        else:
            self._mixed[uid] = (wrote, found)

    def _may(self, uid: str, work: Work) -> bool:
        """Whether a write is due; if not, it is looked at again when it is."""
        last = self._written.get(uid)
        left_s = 0.0 if last is None else last + self._every_s - self._clock.monotonic()
        if left_s <= 0:
            return True
        self._later(work, left_s)
        return False

    async def _write(self, kind: Kind, key: Key, uid: str, status: Any) -> dict[str, Any]:
        self._written[uid] = self._clock.monotonic()
        self._metrics.status_writes.labels(kind.kind).inc()
        body = msgspec.to_builtins(status)
        return await self._api.apply_status(kind, key.namespace, key.name, uid, body)
