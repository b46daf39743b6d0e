"""One list and watch: what is in the cluster, kept the same in the operator.

The API server's protocol (Kubernetes API concepts, "Efficient detection of changes"): a list, then
a watch from its resource version, listed again when that version has expired. Why this is ours and
no library's: docs/decisions/2026-11-22-own-watches.md.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from pumpjack_core.backoff import Backoff
from pumpjack_core.log import get_logger
from pumpjack_operator.api import Api
from pumpjack_operator.api_answers import METADATA_ONLY, METADATA_ONLY_WATCH, Trouble
from pumpjack_operator.api_errors import ApiError, Expired, Unavailable
from pumpjack_operator.kinds import Kind

RELIST_S = 600.0
PAGE = 500
TOGETHER = 50
"""So many objects of a page are taken before others get a turn."""
WATCH_S = 240.0
"""How long one watch lasts; half as long again at most, so that they do not all end together."""
LEAST_WATCH_S = 1.0
"""A list that is due so soon is made now."""
BRIEF_S = 0.5
"""A watch that did not last so long was none."""
SILENCE_S = 90.0
"""Bookmarks come every minute or so; a watch that says nothing for longer is dead."""
FIRST_PAUSE_S, MOST_PAUSE_S = 0.2, 30.0

_log = get_logger("operator.watch")


class Sink(Protocol):
    """Who is told."""

    def put(self, raw: dict[str, Any]) -> Hashable | None:
        """An object is there, new or changed or not; returns what it is known by, if at all."""
        ...

    def gone(self, known: Any, version: int) -> None:
        """What was known by this is not there any more, as of this version."""
        ...


class Watched(Struct, frozen=True):
    """What is watched: a kind, everywhere or in a namespace."""

    kind: Kind
    namespace: str | None = None
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False

    def __str__(self) -> str:
        return self.kind.resource + (f" in {self.namespace}" if self.namespace else "")

    @property
    def params(self) -> dict[str, str]:
        """Selectors, as the API has them."""
        found = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in found.items() if value}


class Reflector:
    """Lists and watches one kind for as long as run() runs."""

    def __init__(
        self,
        api: Api,
        watched: Watched,
        sink: Sink,
        *,
        key: Callable[[Mapping[str, Any]], Hashable],
        relist_s: float = RELIST_S,
    ) -> None:
        self._api = api
        self._watched = watched
        self._sink = sink
        self._key = key
        self._relist_s = relist_s
        self._known: dict[Hashable, Hashable] = {}
        """Name of an object to what the sink knows it by."""
        self._version = ""
        self._since_s = time.monotonic()
        self._well_s = float("-inf")
        """Since when it does not follow, and when it last began to [monotonic]."""
        self.listed = asyncio.Event()
        """Everything was listed once."""

    async def run(self) -> None:
        """Until cancelled. While it does not know the present state, api.troubled says why."""
        try:
            await self._follow()
        finally:
            self._api.troubled.pop(self._watched, None)

    async def _follow(self) -> None:
        pause = Backoff(first_s=FIRST_PAUSE_S, most_s=MOST_PAUSE_S)
        due = 0.0
        while True:
            try:
                if time.monotonic() > due - LEAST_WATCH_S or not self._version:
                    await self._list()
                    due = time.monotonic() + self._relist_s * random.uniform(0.9, 1.1)  # noqa: S311
                await self._watch(min(due - time.monotonic(), WATCH_S * random.uniform(1, 1.5)))  # noqa: S311
                if self._is_brief():
                    raise Unavailable(f"watch {self._watched}", "it ended as soon as it began")
                pause.reset()
            except Expired:
                _log.info(f"the watch of {self._watched} has expired; listing again")
                self._version = ""
                if self._is_brief():
                    await asyncio.sleep(pause.next_s())
            except ApiError as error:
                self._trouble(str(error))
                await asyncio.sleep(pause.next_s())

    def _trouble(self, why: str) -> None:
        """It does not follow; that it did for a moment since it last failed counts for nothing."""
        now = time.monotonic()
        known = self._api.troubled.get(self._watched)
        if known is None and not self._is_brief():
            self._since_s = now
        if known is None or known.why != why:
            _log.warning(f"{self._watched} cannot be watched: {why}")
        everywhere = self._watched.namespace is None
        self._api.troubled[self._watched] = Trouble(self._since_s, why, everywhere)

    def _well(self) -> None:
        self._api.troubled.pop(self._watched, None)
        self._well_s = time.monotonic()

    def _is_brief(self) -> bool:
        return time.monotonic() - self._well_s < BRIEF_S

    async def _list(self) -> None:
        """List page by page; what was known and is not listed is gone."""
        seen: set[Hashable] = set()
        params = {**self._watched.params, "limit": str(PAGE)}
        accept = METADATA_ONLY if self._watched.metadata_only else "application/json"
        while True:
            page = await self._api.list_page(
                self._watched.kind, self._watched.namespace, params, accept=accept
            )
            for at, item in enumerate(page.items or ()):
                raw = msgspec.json.decode(item)
                seen.add(self._key(raw))
                self._put(raw)
                if at % TOGETHER == TOGETHER - 1:
                    await asyncio.sleep(0)
            if not page.metadata.rest:
                break
            params["continue"] = page.metadata.rest
        self._version = page.metadata.resource_version
        for name in [name for name in self._known if name not in seen]:
            self._sink.gone(self._known.pop(name), int(self._version))
        self._well()
        self.listed.set()

    async def _watch(self, for_s: float) -> None:
        """Follow the changes for some time. Raises Expired when they cannot be followed."""
        params = {
            **self._watched.params,
            "resourceVersion": self._version,
            "timeoutSeconds": str(max(1, int(for_s))),
        }
        accept = METADATA_ONLY_WATCH if self._watched.metadata_only else "application/json"
        async with self._api.watch(
            self._watched.kind,
            self._watched.namespace,
            params,
            silence_s=SILENCE_S,
            accept=accept,
        ) as lines:
            self._well()
            async for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError as error:  # cut off as the server stopped
            raise Unavailable(f"watch {self._watched}", f"half an event: {error}") from error
        raw = event["object"]
        if event["type"] == "ERROR":
            raise _told(raw, str(self._watched))
        self._version = raw["metadata"]["resourceVersion"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._put(raw)
            case "DELETED":
                known = self._known.pop(self._key(raw), None)
                if known is not None:
                    self._sink.gone(known, int(self._version))

    def _put(self, raw: dict[str, Any]) -> None:
        name = self._key(raw)
        known, before = self._sink.put(raw), self._known.pop(name, None)
        if known is not None:
            self._known[name] = known
        if before is not None and before != known:
            self._sink.gone(before, int(raw["metadata"]["resourceVersion"]))


def _told(status: Mapping[str, Any], watched: str) -> ApiError:
    """The error that a watch ends with."""
    said = str(status.get("message") or "the watch failed")
    code = status.get("code", 0)
    kind = Expired if code == 410 else Unavailable
    return kind(f"watch {watched}", said, code=code)
