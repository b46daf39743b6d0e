"""What is left when a connection was deleted: its worker drains, its journal is kept or goes.

The garbage collector of Kubernetes removes what the connection owned; where none runs, or it was
not done, this does. A journal's volume is owned by nobody, so that nothing but this deletes it,
and only after its worker has ended and said that nothing waits in it.
"""

from __future__ import annotations

from collections.abc import Callable

from pumpjack_operator.api import Api
from pumpjack_operator.children import delete
from pumpjack_operator.cluster import Key
from pumpjack_operator.events import Events
from pumpjack_operator.kinds import CLAIM
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.store import Store
from pumpjack_operator.work import Work


class Releases:
    """Lets go of deleted connections. Remembers how their workers ended."""

    def __init__(
        self,
        api: Api,
        store: Store,
        events: Events,
        metrics: Metrics,
        later: Callable[[Work, float], None],
    ) -> None:
        self._api = api
        self._store = store
        self._events = events
        self._metrics = metrics
        self._later = later

    async def release(self, key: Key) -> bool:
        """Remove what a connection that is gone has left; returns whether it wrote anything."""
        wrote = False
        for live in list(self._store.children(key).values()):
            if live.kind == CLAIM.kind or live.ending or not live.owners:
                continue  # without an owner it was orphaned on purpose: kubectl --cascade=orphan
            await delete(self._api, self._store, live)
            wrote = True
        return wrote
