"""One mapping: its status, from how it was resolved and what workers say of its tags."""

from __future__ import annotations

from pumpjack_core.clock import Clock
from pumpjack_core.manifests.resolve import RejectedTag
from pumpjack_operator import describe, facts_of
from pumpjack_operator.api_errors import Conflict, NotFound
from pumpjack_operator.cluster import Key
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.statuses import Statuses
from pumpjack_operator.store import Store
from pumpjack_operator.unreadable import UnreadableTags


class Mappings:
    """Writes the status of mappings."""

    def __init__(
        self,
        *,
        store: Store,
        resolutions: Resolutions,
        statuses: Statuses,
        unreadable: UnreadableTags,
        clock: Clock,
    ) -> None:
        self._store = store
        self._resolutions = resolutions
        self._statuses = statuses
        self._unreadable = unreadable
        self._clock = clock

    async def look(self, key: Key) -> bool:
        """Bring its status to what it should be; returns whether it was written."""
        found = self._store.mapping(key)
        if found is None or self._store.is_ending(key.namespace):
            return False
        resolved = self._resolutions.mapping(key)
        if found.object is not None and (resolved is None or resolved.mapping != found.object):
            return False  # it is being resolved, and comes again then
        status = describe.mapping_status(
            found.generation,
            resolved if found.object is not None else None,
            found.problem,
            rejected_by_workers=self._rejected_by_workers(key),
            before=found.status,
            now_us=self._clock.now_us(),
        )
        try:
            return await self._statuses.write_mapping(found, status)
        except (NotFound, Conflict):
            return False  # it was deleted, or another bears its name: the watch says so

    def _rejected_by_workers(self, mapping: Key) -> list[RejectedTag]:
        """Tags of a mapping that workers cannot read: an address is none of its protocol."""
        resolved = self._resolutions.mapping(mapping)
        found = []
        for name in resolved.connections if resolved is not None else ():
            namespace, _, of = name.partition("/")
            tags = self._unreadable.of(Key(namespace, of))
            found += [one for one in facts_of.by_worker(name, tags) if one.mapping == str(mapping)]
        return found
