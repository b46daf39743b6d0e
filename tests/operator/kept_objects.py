"""Secrets and ConfigMaps in a dict, for tests that count writes and cut them off.

test_tenants_on_api_server.py holds the dict and a real API server to the same promises.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pumpjack_operator.objects import Conflict, Kind
from pumpjack_operator.specs.wanted import Manifest


class Killed(BaseException):
    """The process ended here."""


class InMemory:
    """Objects in a dict. fail_at: the write at which the process ends, before or after it."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], Manifest] = {}
        self.writes: list[tuple[str, str]] = []
        self.fail_before: int | None = None
        self.fail_after: int | None = None
        self._version = 0
        self._applied: dict[tuple[str, str, str], set[str]] = {}
        """The keys of data that the last apply had: those that the next one lacks go."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        return copy.deepcopy(self.stored.get((kind, namespace, name)))

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        return [
            copy.deepcopy(one)
            for (its_kind, its_namespace, _), one in self.stored.items()
            if (its_kind, its_namespace) == (kind, namespace)
            and labels.items() <= one["metadata"].get("labels", {}).items()
        ]

    async def create(self, manifest: Manifest) -> Manifest:
        if self._key(manifest) in self.stored:
            raise Conflict("it exists already")
        return self._store("create", manifest, {})

    async def apply(self, manifest: Manifest) -> Manifest:
        before = self.stored.get(self._key(manifest), {})
        wanted = manifest["metadata"].get("resourceVersion")
        if before and wanted not in (None, before["metadata"]["resourceVersion"]):
            raise Conflict("it has changed")
        return self._store("apply", manifest, before)

    def annotate(self, namespace: str, name: str, **annotations: str) -> None:
        """As `kubectl annotate secret` does."""
        found = self.stored["Secret", namespace, name]
        found["metadata"].setdefault("annotations", {}).update(annotations)
        found["metadata"]["resourceVersion"] = self._next()

    def add_data(self, namespace: str, name: str, **data: str) -> None:
        """As `kubectl patch` does."""
        self.stored["Secret", namespace, name]["data"].update(data)

    def _store(self, verb: str, manifest: Manifest, before: Manifest) -> Manifest:
        number = len(self.writes)
        if number == self.fail_before:
            raise Killed
        after: Any = copy.deepcopy(before)
        for key in self._applied.get(self._key(manifest), set()) - manifest["data"].keys():
            after["data"].pop(key, None)
        self._applied[self._key(manifest)] = set(manifest["data"])
        for key, value in manifest.items():
            merge = isinstance(value, dict)
            after[key] = {**after.get(key, {}), **copy.deepcopy(value)} if merge else value
        after["metadata"]["resourceVersion"] = self._next()
        self.stored[self._key(manifest)] = after
        self.writes.append((verb, manifest["metadata"]["name"]))
        if number == self.fail_after:
            raise Killed
        return copy.deepcopy(after)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)

    @staticmethod
    def _key(manifest: Manifest) -> tuple[str, str, str]:
        return (manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"])
