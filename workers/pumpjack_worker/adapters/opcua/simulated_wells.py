"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.objects import ScadaConnection, Secret
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.opcua.endpoints import host_and_port
from pumpjack_worker.simulation import own_wells as own
from pumpjack_worker.simulation.connections import connections_of

MOST_WELLS = 1_000


class Wanted(Struct, frozen=True):
    """A server to simulate.

    security, policy  the one endpoint that it offers, as in spec.opcua
    users             name to password; None: everybody may read
    """

    tags: tuple[Tag, ...]
    security: str = "None"
    policy: str = "Basic256Sha256"
    users: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Wanted({len(self.tags)} tags, {self.security})"


def wanted_by_port(paths: Sequence[str | Path], connection: str | None = None) -> dict[int, Wanted]:
    """The opcua connections of these manifests, by the port of their endpoint.

    A connection whose Secret is among the manifests is served with its username and password.
    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    wanted: dict[int, Wanted] = {}
    owners: dict[int, ScadaConnection] = {}
    secrets = load_paths(paths).secrets
    for one in connections_of(paths, "opcua", connection):
        spec = one.connection.spec.opcua
        assert spec is not None
        host, port = host_and_port(spec.endpoint)
        here = Wanted(
            one.tags.tags, spec.security, spec.security_policy, _users(one.connection, secrets)
        )
        if port in wanted:
            before = wanted[port]
            _check_same(owners[port], one.connection, host, port)
            here = Wanted(
                (*before.tags, *here.tags),
                here.security,
                here.policy,
                {**(before.users or {}), **(here.users or {})} or None,
            )
        owners.setdefault(port, one.connection)
        wanted[port] = here
    return wanted


def own_tags(count: int) -> list[Tag]:
    """The tags of wells of the simulator's own."""
    return own.own_tags(count, MOST_WELLS, lambda well, tag: f"ns=2;s=well-{well}.{tag.name}")


def manifests(count: int, port: int) -> str:
    """YAML that reads the simulator's own wells."""
    opcua = {"endpoint": f"opc.tcp://127.0.0.1:{port}", "security": "None"}
    return own.manifests({"protocol": "opcua", "opcua": opcua}, own_tags(count))


def _check_same(first: ScadaConnection, second: ScadaConnection, host: str, port: int) -> None:
    """Two connections of one port are two readers of one server. Raises ManifestError."""
    one, other = first.spec.opcua, second.spec.opcua
    assert one is not None
    assert other is not None
    if host_and_port(one.endpoint)[0] != host:
        what = "are different servers"
    elif (one.security, one.security_policy) != (other.security, other.security_policy):
        what = "want different security"
    else:
        return
    raise ManifestError(
        f"{first.metadata.id} and {second.metadata.id} {what} on port {port}; simulate one of "
        "them with --connection"
    )


def _users(connection: ScadaConnection, secrets: Sequence[Secret]) -> dict[str, str] | None:
    """Who may log in: the user of the connection's Secret, where the manifests hold it."""
    reference = connection.spec.credentials_secret_ref
    if reference is None:
        return None
    for secret in secrets:
        here = (secret.metadata.namespace, secret.metadata.name)
        if here == (connection.metadata.namespace, reference.name) and "username" in secret.values:
            name, password = (secret.values.get(key, b"") for key in ("username", "password"))
            return {_line(name): _line(password)}
    return None


def _line(content: bytes) -> str:
    """As pumpjack_core.credentials reads it."""
    return content.decode().removesuffix("\n").removesuffix("\r")
