"""What waits in the queue: which object needs a look, and which look."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pumpjack_operator.cluster import Key


class Work(NamedTuple):
    """One thing to look at.

    what  namespace: whose it is; group: the tags of a tenant; connection; mapping
    name  of a namespace, of a group, or namespace/name
    """

    what: Literal["namespace", "group", "connection", "mapping"]
    name: str

    @property
    def key(self) -> Key:
        """The connection or mapping."""
        namespace, _, name = self.name.partition("/")
        return Key(namespace, name)


def connection_work(key: Key) -> Work:
    """Bring a connection's children and status to what they should be."""
    return Work("connection", str(key))


def mapping_work(key: Key) -> Work:
    """Bring a mapping's status to what it should be."""
    return Work("mapping", str(key))
