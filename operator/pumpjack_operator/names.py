"""Names and labels of the objects that the operator makes."""

from __future__ import annotations

import hashlib
import re

MANAGER = "pumpjack-operator"
"""Field manager of server-side apply, and value of app.kubernetes.io/managed-by."""
CONNECTION_LABEL = "pumpjack.dev/child-of"
"""On every child; its value is child_name(), which fits where a connection's name may not."""
CONNECTION_ANNOTATION = "pumpjack.dev/connection"
KEPT_ANNOTATION = "pumpjack.dev/journal-kept"
"""On the volume of a deleted connection in whose journal readings may wait."""
MOST_CHARACTERS = 52
"""A StatefulSet's pods bear a label of its name, a dash and ten more, of 63 characters at most."""
_DIGITS = 8
_PREFIX = "scada-"


def child_name(connection: str) -> str:
    """Name of a connection's StatefulSet, Service and so on: a DNS label, different for each.

    >>> child_name("pad7-plc")
    'scada-pad7-plc'
    >>> child_name("pad.7")
    'scada--pad-7-e165822d'
    """
    plain = re.sub(r"[^a-z0-9-]", "-", connection)
    name = f"{_PREFIX}{plain}"
    if plain == connection and len(name) <= MOST_CHARACTERS:
        return name
    digest = hashlib.sha256(connection.encode()).hexdigest()[:_DIGITS]
    # no name begins with a dash, so none that is short and plain can look like this
    cut = f"{_PREFIX}-{plain}"[: MOST_CHARACTERS - 1 - _DIGITS]
    return f"{cut.rstrip('-')}-{digest}"


def pod_name(child: str) -> str:
    """Name of the one pod that the StatefulSet of this name has."""
    return f"{child}-0"


def selector(connection: str) -> dict[str, str]:
    """The labels by which a connection's pods are found."""
    return {
        "app.kubernetes.io/name": "pumpjack-worker",
        CONNECTION_LABEL: child_name(connection),
    }


def labels(connection: str) -> dict[str, str]:
    """The labels of every child.

    The connection's own are never copied: GitOps tools prune by them.
    """
    return {**selector(connection), "app.kubernetes.io/managed-by": MANAGER}
