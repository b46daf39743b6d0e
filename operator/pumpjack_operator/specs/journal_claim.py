"""The volume of the journal, which survives the pod."""

from __future__ import annotations

from pumpjack_core.units import size_bytes
from pumpjack_operator.specs.wanted import Manifest, Wanted, metadata

OVERHEAD_BYTES = 64 << 20
"""Of SQLite's log and of what is held back for a full disk, beside the journal itself."""


def journal_claim(wanted: Wanted) -> Manifest | None:
    """A claim, None when the journal goes with the node.

    Nobody owns it: the garbage collector would delete it with the connection, before its worker
    has said whether readings wait in it.
    """
    journal = wanted.connection.spec.journal
    if journal.storage != "pvc":
        return None
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume_size(journal.size)}},
    }
    if journal.storage_class_name:
        spec["storageClassName"] = journal.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(wanted, journal_name(wanted.name), outlives=True),
        "spec": spec,
    }


def journal_name(child: str) -> str:
    """Name of the claim."""
    return f"{child}-journal"


def volume_size(size: str) -> str:
    """Room for a journal of this size with all that belongs to it, as Kubernetes writes sizes.

    >>> volume_size("1Gi")
    '1344Mi'
    """
    return f"{(size_bytes(size) * 5 // 4 + OVERHEAD_BYTES) >> 20}Mi"
