"""What is left when a connection was deleted: its worker drains, its journal is kept or goes.

The garbage collector of Kubernetes removes what the connection owned; where none runs, or it was
not done, this does. A journal's volume is owned by nobody, so that nothing but this deletes it,
and only after its worker has ended and said, by its exit code, that nothing waits in it. So is its
NetworkPolicy, which stays for as long as there is a pod.
"""

from __future__ import annotations

from typing import Any

from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_operator import drift, seen
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import NotFound
from pumpjack_operator.children import delete
from pumpjack_operator.cluster import Key, SeenChild
from pumpjack_operator.events import Events
from pumpjack_operator.kinds import CLAIM, NETWORK_POLICY
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.names import KEPT_ANNOTATION
from pumpjack_operator.store import Store
from pumpjack_operator.tenancy import Tenants

DRAINED = 0
"""Exit code of a worker that has stored everything."""

OUTLIVING = (CLAIM.kind, NETWORK_POLICY.kind)
"""Kinds that are needed for as long as a worker runs, whatever became of its connection."""

_log = get_logger("operator.deletion")


class Releases:
    """Lets go of deleted connections."""

    def __init__(
        self, api: Api, store: Store, events: Events, metrics: Metrics, tenants: Tenants
    ) -> None:
        self._api = api
        self._tenants = tenants
        self._store = store
        self._events = events
        self._metrics = metrics

    async def release(self, key: Key, *, known: bool = False) -> bool:
        """Remove what a connection that is gone has left; returns whether it wrote anything.

        known: it was there when it was looked at last.
        """
        wrote = False
        children = list(self._store.children(key).values())
        if known or any(live.kind == "StatefulSet" and not live.ending for live in children):
            await self._retire(key)
        for live in children:
            if live.kind in OUTLIVING or live.ending or not live.owners:
                continue  # without an owner it was orphaned on purpose: kubectl --cascade=orphan
            await delete(self._api, self._store, live)
            wrote = True
        runs = any(live.kind == "StatefulSet" and not live.ending for live in children)
        if runs or self._store.pod(key) is not None:
            return wrote  # it drains; its end is told by the watch
        for live in children:
            if live.kind == NETWORK_POLICY.kind and not live.ending:
                await delete(self._api, self._store, live)
                wrote = True
        for live in children:
            if live.kind == CLAIM.kind and not live.ending:
                wrote = await self._journal(key, live) or wrote
        return wrote

    async def _retire(self, key: Key) -> None:
        """Tell the database, so that nobody is called because of the silence that follows."""
        tenant = self._store.tenant(key.namespace)
        if tenant is None:
            return
        try:
            await self._tenants.retire(tenant, str(key))
        except StorageError as error:
            # its worker has to end all the same; a person may put the alarm out of service
            _log.warning(f"ScadaConnection {key} is gone, and comm_failure may be raised: {error}")

    async def unused_journal(self, key: Key) -> bool:
        """Let go of the volume of a connection that is there and has its journal elsewhere now.

        Only once another pod runs without it: until then the one before may come again.
        """
        if not self._store.runs_without_claim(key):
            return False
        wrote = False
        for live in list(self._store.children(key).values()):
            if live.kind == CLAIM.kind and not live.ending and not _is_kept(live):
                wrote = await self._journal(key, live, gone=False) or wrote
        return wrote

    async def _journal(self, key: Key, claim: SeenChild, *, gone: bool = True) -> bool:
        """Delete a volume in which nothing waits, keep another and say so.

        gone: whether its connection is.
        """
        try:
            raw = await self._api.get(CLAIM, claim.key.namespace, claim.key.name)
        except NotFound:
            return False
        if KEPT_ANNOTATION in (raw["metadata"].get("annotations") or {}):
            return False
        exit_code = self._store.exit_code(key)
        if exit_code == DRAINED or _was_never_used(raw):
            await delete(self._api, self._store, claim)
            return True
        await self._keep(key, raw, exit_code, gone=gone)
        return True

    async def _keep(
        self, key: Key, raw: dict[str, Any], exit_code: int | None, *, gone: bool
    ) -> None:
        why = (
            "nobody saw how its worker ended, so readings may wait in its journal"
            if exit_code is None
            else f"its worker ended with code {exit_code}, so readings wait in its journal"
        )
        claim = Key(key.namespace, raw["metadata"]["name"])
        what, back = (
            ("was deleted", "Create the connection again")
            if gone
            else ("has its journal elsewhere now", "Set spec.journal.storage back to pvc")
        )
        message = (
            f"ScadaConnection {key} {what} and {why}; the volume is kept. {back} and its worker "
            "stores them, or delete the claim to give them up"
        )
        patch = {
            "metadata": {
                "annotations": {KEPT_ANNOTATION: "true"},
                "resourceVersion": raw["metadata"]["resourceVersion"],
            }
        }
        changed = await self._api.merge(CLAIM, claim.namespace, claim.name, patch)
        child = seen.child(changed, CLAIM.kind)
        if child is not None:
            self._store.put_child(child)
        self._metrics.journals_kept.inc()
        self._events.about_claim(claim, raw["metadata"]["uid"], "JournalKept", message)
        _log.warning(message)


def _was_never_used(claim: dict[str, Any]) -> bool:
    """Whether a claim waits for a volume that would be new: not one that a backup brings back."""
    spec = claim.get("spec") or {}
    comes_filled = any(spec.get(key) for key in ("volumeName", "dataSource", "dataSourceRef"))
    return (claim.get("status") or {}).get("phase") == "Pending" and not comes_filled


def _is_kept(claim: SeenChild) -> bool:
    annotations = drift.unpacked(claim.content)["metadata"].get("annotations") or {}
    return KEPT_ANNOTATION in annotations
