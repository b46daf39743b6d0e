"""What is to run on this machine, from manifests: pure, but for reading the files."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pumpjack_cli.verdict import judge, secret_of, secret_problems
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import ManifestError, SetupError
from pumpjack_core.manifests.device import device, not_writable
from pumpjack_core.manifests.load import SUFFIXES, Loaded, load_paths
from pumpjack_core.manifests.objects import TENANT_LABEL, Metadata, Namespace, ScadaConnection
from pumpjack_core.manifests.problems import Problem
from pumpjack_core.manifests.resolve import resolve, worker_configs
from pumpjack_core.networks import Network, parse_networks

DEFAULT_NETWORKS = (
    *("127.0.0.0/8", "::1/128"),
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
)
"""What a worker may reach unless told otherwise: this machine and private networks (RFC 1918,
RFC 4193)."""
DEFAULT_WRITE_NETWORKS = ("127.0.0.0/8", "::1/128")
"""Where commands may be written unless told otherwise: what is simulated on this machine."""
LINK_LOCAL = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))
"""Never reached: cloud machines answer there with credentials (RFC 3927, RFC 4291)."""
_HOW_TO_ADD = "docs/manifests.md shows how to write one"


@dataclass(frozen=True)
class Plan:
    """Which workers run, with what.

    configs   by connection id
    secrets   by connection id, of those that name a Secret: what it holds, never to be shown
    tenants   namespace to tenant, of the namespaces with connections
    remarks   what a person should know of it, a sentence each
    """

    configs: Mapping[str, WorkerConfig] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    tenants: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def tenant_ids(self) -> list[str]:
        """Each tenant once."""
        return sorted(set(self.tenants.values()))


@dataclass(frozen=True)
class Changes:
    """What leads from what runs to what is to run: connection ids."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class WrongManifests(ManifestError):
    """Everything that is wrong with the manifests, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def make_plan(
    paths: Iterable[str | Path],
    networks: Sequence[str],
    write_networks: Sequence[str] | None = None,
) -> Plan:
    """Read manifests and resolve them.

    networks: CIDRs that workers may reach; write_networks: those where they may write commands,
    None: nobody means to.

    A tag that cannot be read is left out with a remark. Raises WrongManifests when the API server
    would refuse one of them or a connection's Secret is not among them, and ManifestError when a
    file cannot be read.
    """
    loaded = load_paths(paths)
    if not loaded.valid:
        raise WrongManifests([str(p) for p in loaded.problems if p.severity == "error"])
    unusable = [str(problem) for _, problem in secret_problems(loaded)]
    if unusable:
        raise WrongManifests([f"{problem}; {_HOW_TO_ADD}" for problem in unusable])
    labelled, remarks = with_local_tenants(loaded)
    verdict = judge(labelled)
    tenants = {
        connection.metadata.namespace: labelled.tenants[connection.metadata.namespace]
        for connection in labelled.connections
    }
    resolution = resolve(labelled.connections, labelled.mappings, tenants)
    allowed = dict.fromkeys(tenants.values(), networks)
    secrets = {
        connection.metadata.id: secret.values
        for connection in labelled.connections
        if (secret := secret_of(labelled, connection)) is not None
    }
    asking = [
        c for c in labelled.connections if c.spec.writes.enabled and write_networks is not None
    ]
    read_only = dict(_read_only(asking, networks, write_networks or ()))
    written = {connection.metadata.id for connection in asking}
    return Plan(
        worker_configs(resolution, allowed, written - read_only.keys()),
        secrets,
        tenants,
        (*remarks, *(_remark(problem) for problem in verdict.problems), *read_only.values()),
    )


def _read_only(
    connections: Iterable[ScadaConnection], networks: Sequence[str], write_networks: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Connections that ask for commands and get none, by id, and why."""
    reachable, writable = parse_networks(networks), parse_networks(write_networks)
    for connection in connections:
        why = not_writable(device(connection.spec)[0], reachable, writable)
        if why is not None:
            identity = connection.metadata.id
            yield (
                identity,
                f"connection {identity} is read, and commands are refused: {why}. Name its "
                "network by --write-network, or set spec.writes.enabled to false",
            )


def with_local_tenants(loaded: Loaded) -> tuple[Loaded, list[str]]:
    """Let a namespace without the tenant label stand for a tenant of its own name.

    Only here, where whoever writes the files is the platform too. Raises WrongManifests when that
    name is another tenant's: its wells would be mixed up with theirs.
    """
    tenants = loaded.tenants
    missing = sorted({c.metadata.namespace for c in loaded.connections} - tenants.keys())
    taken = sorted(set(missing) & set(tenants.values()))
    if taken:
        raise WrongManifests(
            [
                f"namespace {name} has no label {TENANT_LABEL}, and its name is that of a tenant; "
                "add a Namespace document with the label"
                for name in taken
            ]
        )
    known = [namespace for namespace in loaded.namespaces if namespace.tenant is not None]
    made = [Namespace(Metadata(name, "default", {TENANT_LABEL: name})) for name in missing]
    remarks = [
        f"namespace {name} has no label {TENANT_LABEL}; its tenant is taken to be {name!r}"
        for name in missing
    ]
    return dataclasses.replace(loaded, namespaces=(*known, *made)), remarks


def changes(old: Mapping[str, WorkerConfig], new: Mapping[str, WorkerConfig]) -> Changes:
    """Compare what runs with what is to run, by connection id."""
    return Changes(
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(n for n, config in new.items() if n in old and old[n].hash != config.hash),
    )


def device_networks(cidrs: Sequence[str], *, option: str = "--device-network") -> tuple[str, ...]:
    """What workers may reach. Link-local addresses are cut out of wider networks.

    Raises SetupError for what is no network, or link-local only.
    """
    found: list[Network] = []
    for cidr in cidrs:
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError as error:
            raise SetupError(
                f"{option} {cidr!r} is no network ({error}); write for example 10.1.0.0/16"
            ) from error
        found += _without_link_local(network, option)
    return tuple(str(network) for network in found)


def _without_link_local(network: Network, option: str) -> list[Network]:
    for forbidden in LINK_LOCAL:
        if network.version != forbidden.version or not network.overlaps(forbidden):
            continue
        if network.subnet_of(forbidden):  # type: ignore[arg-type]
            raise SetupError(
                f"{option} {network} is link-local, which is never allowed: "
                "cloud machines hand out credentials there"
            )
        return sorted(network.address_exclude(forbidden))  # type: ignore[arg-type]
    return [network]


def fingerprint(paths: Iterable[str | Path]) -> dict[str, tuple[int, int, int]]:
    """What changes when a manifest is edited: time, size and inode of each file."""
    found: dict[str, tuple[int, int, int]] = {}
    for given in paths:
        path = Path(given)
        files = [f for f in path.rglob("*") if f.suffix in SUFFIXES] if path.is_dir() else [path]
        for file in files:
            try:
                stat = file.stat()
            except OSError:
                continue
            found[str(file)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def _remark(problem: Problem) -> str:
    return str(problem)
