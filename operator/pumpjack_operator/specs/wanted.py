"""What every builder is given, and what they all put into their manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pumpjack_core.config import WorkerConfig
from pumpjack_core.manifests.objects import ScadaConnection
from pumpjack_operator.names import CONNECTION_ANNOTATION, child_name, labels
from pumpjack_operator.platform import Platform

Manifest = dict[str, Any]
API_VERSION = "pumpjack.dev/v1alpha1"
STATUS_PORT = 9464
AUTHORITIES_DIR = "/etc/pumpjack/stores"
DATABASE_CA, REDIS_CA = "database-ca.crt", "redis-ca.crt"
"""Keys of the stores' Secret, and files, with the authorities that the stores are checked by."""


class Behind(Struct, frozen=True):
    """Pods of the same namespace behind a Service, and their own port: a number or its name."""

    labels: Mapping[str, str]
    port: int | str


class Wanted(Struct, frozen=True):
    """One connection whose worker is to run.

    uid        of the ScadaConnection: its children go when it goes
    config     what the worker is told
    secret     name of the device's Secret, None where there is none of the right type
    service    the pods behind the device's host, where that is a Service of the namespace
    stores_version  changes when the tenant's logins to database and Redis do: the pod starts anew
    """

    connection: ScadaConnection
    uid: str
    config: WorkerConfig
    platform: Platform
    secret: str | None = None
    service: Behind | None = None
    stores_version: str = ""

    @property
    def name(self) -> str:
        """Name of the children."""
        return child_name(self.connection.metadata.name)


def metadata(wanted: Wanted, name: str | None = None, *, outlives: bool = False) -> Manifest:
    """Name, labels and owner of a child; one that outlives its connection has no owner."""
    of = wanted.connection.metadata
    found = {
        "name": name or wanted.name,
        "namespace": of.namespace,
        "labels": labels(of.name),
        "annotations": {CONNECTION_ANNOTATION: of.name},
    }
    if outlives:
        return found
    owner = {
        "apiVersion": API_VERSION,
        "kind": "ScadaConnection",
        "name": of.name,
        "uid": wanted.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**found, "ownerReferences": [owner]}
