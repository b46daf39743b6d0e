"""What the operator knows of an object in the cluster, as far as it uses it."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from pumpjack_core.manifests.objects import ScadaConnection, TagMapping
from pumpjack_core.manifests.types import ScadaConnectionStatus, TagMappingStatus
from pumpjack_operator.facts import Pod


class Key(NamedTuple):
    """Name of a namespaced object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class SeenNamespace(Struct, frozen=True):
    """A namespace. label: the tenant that it is labelled with; ending: it is being deleted."""

    name: str
    label: str | None
    ending: bool


class SeenConnection(Struct, frozen=True):
    """A ScadaConnection.

    object   None when its spec cannot be read
    problem  why it cannot be read, a sentence
    ending   it is being deleted, and waits for others
    """

    key: Key
    uid: str
    generation: int
    object: ScadaConnection | None
    problem: str | None
    status: ScadaConnectionStatus | None
    ending: bool
    version: int = 0


class SeenMapping(Struct, frozen=True):
    """A TagMapping. object: None when its spec cannot be read; problem: why."""

    key: Key
    uid: str
    generation: int
    object: TagMapping | None
    problem: str | None
    status: TagMappingStatus | None
    version: int = 0


class Meddler(Struct, frozen=True):
    """Who else has set fields of a child.

    fields  those below the parts that are the operator's alone, as managedFields has them
    """

    manager: str
    fields: dict[str, Any]


class SeenChild(Struct, frozen=True):
    """An object that the operator made.

    connection  name of the connection that it was made for
    owners      uids of its owners
    content     what can be compared with a manifest, compressed JSON (drift.packed)
    meddlers    who else has a hand in it
    """

    kind: str
    key: Key
    connection: str
    uid: str
    version: int
    owners: tuple[str, ...]
    content: bytes
    meddlers: tuple[Meddler, ...]
    ending: bool


class SeenPod(Struct, frozen=True):
    """A worker's pod.

    child     value of its label pumpjack.dev/child-of
    address   its IP address, "" before it has one
    exit_code of a worker that has ended, None while it runs
    ending    it is being deleted
    has_claim its journal is on a volume that outlives it
    """

    key: Key
    child: str
    uid: str
    state: Pod
    address: str
    exit_code: int | None
    ending: bool
    has_claim: bool = True
