"""A connection with its tags, as the operator finds them."""

from __future__ import annotations

from typing import Any

import msgspec

from pumpjack_core.config import worker_config
from pumpjack_core.manifests.objects import Metadata, ScadaConnection
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag, TagTable
from pumpjack_operator.platform import Peer, Platform, Rules
from pumpjack_operator.specs.wanted import Manifest, Wanted

UID = "6c1a1f6e-0000-4000-8000-000000000001"
PLATFORM = Platform(
    image="pumpjack/worker:1",
    tenants={"permian": Rules(device_networks=("10.1.0.0/16",))},
    reserved_networks=("10.1.250.0/24",),
    stores=(Peer(5432, namespace="stores", pods={"app": "db"}), Peer(6379, cidr="10.9.0.4/32")),
    dns=(Peer(53, namespace="kube-system", pods={"k8s-app": "kube-dns"}),),
    watchers=(Peer(9464, namespace="pumpjack", pods={"app": "operator"}),),
)  # fmt: skip


def wanted(
    spec: dict[str, Any] | None = None,
    *,
    name: str = "pad7-plc",
    namespace: str = "permian-ops",
    tags: int = 3,
    platform: Platform = PLATFORM,
    uid: str = UID,
    **more: Any,
) -> Wanted:
    """A Modbus connection, changed by spec."""
    given = {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.1.7.20"}, **(spec or {})}
    connection = ScadaConnection(
        Metadata(name, namespace, {"argocd.argoproj.io/instance": "wells", "pad": "7"}),
        msgspec.convert(given, ScadaConnectionSpec),
    )
    table = TagTable(
        tuple(Tag("w1", f"t{at}", f"holding:@{at}", "uint16", 1.0) for at in range(tags))
    )
    config = worker_config(
        tenant_id="permian",
        connection_id=connection.metadata.id,
        spec=connection.spec,
        allowed_networks=platform.device_networks("permian"),
        tags=table,
    )
    return Wanted(connection, uid, config, platform, **more)


def of_kind(children: tuple[Manifest, ...], kind: str) -> list[Manifest]:
    """The children of a kind."""
    return [child for child in children if child["kind"] == kind]


def only(children: tuple[Manifest, ...], kind: str) -> Manifest:
    """The one child of a kind."""
    (found,) = of_kind(children, kind)
    return found
