"""Brings the children of a connection to what was rendered: applies, repairs, prunes.

What was applied or compared once is remembered by the child's resource version, so that looking
again costs a hash and writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_core.log import get_logger
from pumpjack_operator import drift, seen, volumes
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import JournalUnchanged, NotFound, Refused
from pumpjack_operator.cluster import SeenChild, SeenConnection
from pumpjack_operator.events import Events
from pumpjack_operator.kinds import CHILDREN, CLAIM, NETWORK_POLICY, STATEFUL_SET
from pumpjack_operator.metrics import Metrics
from pumpjack_operator.names import KEPT_ANNOTATION
from pumpjack_operator.specs.wanted import Manifest
from pumpjack_operator.store import ChildId, Store

INVALID = 422
"""HTTP status of an object that breaks a rule of its kind."""
MOST_PATHS = 5
"""So many of the changed fields are named in an Event."""

_log = get_logger("operator.children")


class _Right(Struct, frozen=True):
    """A child was seen to be what was rendered."""

    rendered: str
    version: int


class Children:
    """Applies rendered manifests. Owns the memory of what is right already."""

    def __init__(self, api: Api, store: Store, events: Events, metrics: Metrics) -> None:
        self._api = api
        self._store = store
        self._events = events
        self._metrics = metrics
        self._right: dict[tuple[str, ChildId], _Right] = {}
        self._stubborn: dict[tuple[str, ChildId], str] = {}
        """Child to fields of others that come back when they are removed: defaults."""

    async def bring(self, of: SeenConnection, manifests: Sequence[Manifest]) -> int:
        """Make the children what the manifests say, in their order; returns how many it wrote.

        Raises ApiError for the first that the API server does not take; JournalUnchanged only after
        all the others were made, for a volume that is there stops no worker.
        """
        wrote = 0
        unchanged: JournalUnchanged | None = None
        for manifest in manifests:
            try:
                if manifest["kind"] == CLAIM.kind:
                    wrote += await self._claim(of, manifest)
                else:
                    wrote += await self._one(of, manifest)
            except JournalUnchanged as error:
                unchanged = error
            except Refused as error:
                error.child = f"{manifest['kind']} {manifest['metadata']['name']}"
                raise
        wrote += await self._prune(of, manifests)
        if unchanged is not None:
            raise unchanged
        return wrote

    def right(self, namespace: str, manifests: Sequence[Manifest]) -> dict[ChildId, int] | None:
        """Version at which each child was what was rendered; None while one of them is not."""
        found = {}
        for manifest in manifests:
            id_ = (manifest["kind"], manifest["metadata"]["name"])
            known = self._right.get((namespace, id_))
            if known is None:
                return None
            found[id_] = known.version
        return found

    def forget(self, namespace: str, id_: ChildId) -> None:
        """A child is gone."""
        self._right.pop((namespace, id_), None)
        self._stubborn.pop((namespace, id_), None)

    async def _one(self, of: SeenConnection, manifest: Manifest) -> int:
        id_ = (manifest["kind"], manifest["metadata"]["name"])
        place = (of.key.namespace, id_)
        rendered = fingerprint(manifest)
        live = self._store.children(of.key).get(id_)
        if live is None:
            await self._apply(manifest, rendered)
            return 1
        if live.ending:
            return 0  # it is made anew when it is gone
        known = self._right.get(place)
        if known is not None and known == _Right(rendered, live.version):
            return 0
        return await self._repair(of, manifest, live, rendered)

    async def _claim(self, of: SeenConnection, manifest: Manifest) -> int:
        """Bring a journal's volume as near to its manifest as it can come."""
        wrote = await self._adopt(of, manifest)
        live = self._store.children(of.key).get((CLAIM.kind, manifest["metadata"]["name"]))
        if live is None:
            return wrote + await self._one(of, manifest)
        content = drift.unpacked(live.content)
        asked = f"change {CLAIM.kind} {live.key}"
        try:
            wrote += await self._one(of, volumes.possible(manifest, content))
        except Refused as error:
            if error.ending:
                raise
            why = volumes.not_larger(manifest, content, error.said)
            raise JournalUnchanged(asked, why, code=error.code) from error
        if (other := volumes.of_another_class(manifest, content)) is not None:
            unchanged = JournalUnchanged(asked, other)
            unchanged.for_good = True
            raise unchanged
        return wrote

    async def _adopt(self, of: SeenConnection, manifest: Manifest) -> int:
        """A journal that was kept when its connection was deleted is in use again."""
        live = self._store.children(of.key).get((CLAIM.kind, manifest["metadata"]["name"]))
        if live is None:
            return 0
        about = drift.unpacked(live.content)["metadata"]
        if KEPT_ANNOTATION not in (about.get("annotations") or {}):
            return 0
        patch = {"metadata": {"annotations": {KEPT_ANNOTATION: None}}}
        raw = await self._api.merge(CLAIM, live.key.namespace, live.key.name, patch)
        child = seen.child(raw, CLAIM.kind)
        assert child is not None, "what is its connection's says so"
        self._store.put_child(child)
        return 1

    async def _repair(
        self, of: SeenConnection, manifest: Manifest, live: SeenChild, rendered: str
    ) -> int:
        """Bring a child that is there, and may have been changed, to its manifest."""
        content = drift.unpacked(live.content)
        changed = list(drift.differences(manifest, content))
        extra = self._extra(live, manifest, content)
        if not changed and not extra:
            self._right[_place(live)] = _Right(rendered, live.version)
            return 0
        if drift.is_fixed(live.kind, changed, extra, content):
            return await self._replace(of, live, changed, extra)
        was_ours = self._was_ours(live, rendered)
        wrote = 0
        now = live
        if changed:
            try:
                now = await self._apply(manifest, rendered)
            except Refused as error:
                if not extra or error.code != INVALID:
                    raise
                # of a list whose items are told apart by what was changed, both would stay
                await self._remove(live, manifest, rendered)
                now = await self._apply(manifest, rendered)
            wrote += 1
        if extra and now.meddlers:
            now = await self._remove(now, manifest, rendered)
            wrote += 1
        if now.version == live.version:
            return 0  # the same to the API server, in other words
        if live.meddlers or was_ours:
            self._tell(of, live, changed, extra)
        return wrote

    async def _replace(
        self, of: SeenConnection, live: SeenChild, changed: list[str], extra: dict[str, Any]
    ) -> int:
        """Delete a child that cannot be changed to what it should be; the watch has it made anew.

        The pod of a StatefulSet reads on meanwhile, and the new one takes it over, unless it would
        not find it.
        """
        orphan = live.kind == STATEFUL_SET.kind and not _has_another_selector(changed, extra)
        self.forget(*_place(live))
        await delete(self._api, self._store, live, orphan=orphan)
        if live.meddlers:
            self._tell(of, live, changed, extra)
        else:
            _log.info("made anew, since it cannot be changed", kind=live.kind, child=str(live.key))
        return 1

    def _was_ours(self, live: SeenChild, rendered: str) -> bool:
        """Whether the operator itself had made it what was rendered, so that another changed it."""
        known = self._right.get(_place(live))
        return known is not None and known.rendered == rendered and known.version != live.version

    def _extra(
        self, live: SeenChild, manifest: Manifest, content: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A patch that takes away what others added, {} when there is nothing to take."""
        patch: dict[str, Any] = {}
        for meddler in live.meddlers:
            _join(patch, drift.removal(meddler.fields, manifest, content))
        if patch and self._stubborn.get(_place(live)) == fingerprint(patch):
            return {}
        return patch

    async def _apply(self, manifest: Manifest, rendered: str) -> SeenChild:
        kind = CHILDREN[manifest["kind"]]
        return self._taken(await self._api.apply(kind, manifest), kind.kind, rendered)

    async def _remove(self, live: SeenChild, manifest: Manifest, rendered: str) -> SeenChild:
        content = drift.unpacked(live.content)
        patch = self._extra(live, manifest, content)
        if not patch:
            return live
        kind = CHILDREN[live.kind]
        guarded = {**patch, "metadata": {"resourceVersion": str(live.version)}}
        raw = await self._api.merge(kind, live.key.namespace, live.key.name, guarded)
        now = self._taken(raw, live.kind, rendered)
        if now.meddlers and (left := self._extra(now, manifest, drift.unpacked(now.content))):
            self._stubborn[_place(now)] = fingerprint(left)
        return now

    def _taken(self, raw: dict[str, Any], kind: str, rendered: str) -> SeenChild:
        """Take an answer over, before the watch brings it."""
        child = seen.child(raw, kind)
        assert child is not None, "every manifest bears the annotation"
        self._store.put_child(child)
        self._right[_place(child)] = _Right(rendered, child.version)
        return child

    def _tell(
        self, of: SeenConnection, live: SeenChild, changed: list[str], extra: dict[str, Any]
    ) -> None:
        """One Event that names who changed what."""
        self._metrics.drift_repairs.labels(live.kind).inc()
        fields = (
            [path for one in live.meddlers for path in drift.paths(one.fields)] if extra else []
        )
        named = list(dict.fromkeys([*changed, *fields]))
        who = ", ".join(dict.fromkeys(one.manager for one in live.meddlers)) or "somebody"
        what = ", ".join(islice(named, MOST_PATHS))
        more = f" and {len(named) - MOST_PATHS} more" if len(named) > MOST_PATHS else ""
        message = (
            f"{who} changed {what}{more} of {live.kind} {live.key.name}; it was put back. "
            "Change the ScadaConnection or the platform's settings instead"
        )
        _log.warning(message, connection=str(of.key))
        self._events.about_connection(of, "DriftRepaired", message, warning=True)

    async def _prune(self, of: SeenConnection, manifests: Sequence[Manifest]) -> int:
        """Delete the children that are rendered no more, but never a journal.

        A NetworkPolicy stays until the pod is gone: without one it would reach everything.
        """
        kept = {(one["kind"], one["metadata"]["name"]) for one in manifests}
        children = self._store.children(of.key)
        runs = self._store.pod(of.key) is not None or any(
            kind == STATEFUL_SET.kind for kind, _ in children
        )
        wrote = 0
        for id_, live in list(children.items()):
            if id_ in kept or id_[0] == CLAIM.kind or live.ending:
                continue
            if id_[0] == NETWORK_POLICY.kind and runs:
                continue
            await delete(self._api, self._store, live)
            self.forget(of.key.namespace, id_)
            wrote += 1
        return wrote


async def delete(api: Api, store: Store, live: SeenChild, *, orphan: bool = False) -> None:
    """Delete a child, and what it owns unless that is orphaned; that it is gone is as good."""
    kind = CHILDREN[live.kind]
    try:
        await api.delete(kind, live.key.namespace, live.key.name, live.uid, orphan=orphan)
    except NotFound:
        id_ = (live.kind, live.key.name)
        store.remove_child(live.key.namespace, id_, live.uid, live.version)


def fingerprint(value: Any) -> str:
    """Hash of a manifest."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def _place(child: SeenChild) -> tuple[str, ChildId]:
    return child.key.namespace, (child.kind, child.key.name)


def _has_another_selector(changed: Iterable[str], extra: Mapping[str, Any]) -> bool:
    return drift.is_below(changed, "spec.selector") or "selector" in (extra.get("spec") or ())


def _join(patch: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(patch.get(key), dict):
            _join(patch[key], value)
        else:
            patch[key] = value
