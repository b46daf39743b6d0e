"""What the platform decides, and no tenant: from the chart's values, as a mounted file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from pumpjack_core.errors import ManifestError
from pumpjack_core.networks import parse_networks, without_reserved


class Rules(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What one tenant may do.

    device_networks  CIDRs of its devices
    write_networks   CIDRs of devices whose tags may be written as well
    """

    device_networks: tuple[str, ...] = ()
    write_networks: tuple[str, ...] = ()


class Peer(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Something in or outside the cluster that workers talk to, as NetworkPolicy names it.

    cidr                one of cidr and namespace must be there
    namespace           name of the namespace
    pods                labels of its pods, none: all of them
    """

    port: int
    cidr: str | None = None
    namespace: str | None = None
    pods: dict[str, str] = field(default_factory=dict)


class Platform(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Everything that is the platform's to say.

    image                  of the worker
    tenants                tenant to its rules; a tenant that is not in it reaches no device
    tenant_by_name         a namespace without the label is the tenant of its name: to try out
    reserved_networks      never reached unless listed for a tenant: pods, services, nodes
    stores                 database, Redis, or the pooler before it
    dns                    where names are resolved
    watchers               who may read metrics and status: the operator, monitoring
    stores_secret          name of the Secret with database-url and redis-url, in each tenant's
                           namespace
    drain_s                how long a worker may store what waits when it stops [s]
    """

    image: str
    tenants: dict[str, Rules] = field(default_factory=dict)
    tenant_by_name: bool = False
    reserved_networks: tuple[str, ...] = ()
    stores: tuple[Peer, ...] = ()
    dns: tuple[Peer, ...] = ()
    watchers: tuple[Peer, ...] = ()
    stores_secret: str = "pumpjack-stores"  # noqa: S105 - a name
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    priority_class: str | None = None
    drain_s: int = 30
    requests: dict[str, str] = field(default_factory=lambda: {"cpu": "50m", "memory": "128Mi"})
    limits: dict[str, str] = field(default_factory=lambda: {"memory": "512Mi"})

    def device_networks(self, tenant: str) -> tuple[str, ...]:
        """What a tenant's workers may reach, as CIDRs, reserved ranges cut out."""
        rules = self.tenants.get(tenant, Rules())
        return _open(rules.device_networks, (*ALWAYS_RESERVED, *self.reserved_networks))


MOST_TENANTS = 4_096
ALWAYS_RESERVED = ("0.0.0.0/8", "127.0.0.0/8", "::/127", "169.254.0.0/16", "fe80::/10")
"""This host, loopback, and link-local, where clouds keep credentials (RFC 1122, 3927, 4291)."""


@lru_cache(maxsize=MOST_TENANTS)
def _open(listed: tuple[str, ...], reserved: tuple[str, ...]) -> tuple[str, ...]:
    """Remembered, since it is asked for each answer of each worker."""
    found = without_reserved(parse_networks(listed), parse_networks(reserved))
    return tuple(str(network) for network in found)


def read(path: Path) -> Platform:
    """Read the mounted file. Raises ManifestError that names the field."""
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=Platform)
        _check(found)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise ManifestError(f"{path}: {error}") from error
    return found


def _check(platform: Platform) -> None:
    """Raise ValueError for what the types do not tell."""
    parse_networks(platform.reserved_networks)
    for name, rules in platform.tenants.items():
        for key in ("device_networks", "write_networks"):
            cidrs: Any = getattr(rules, key)
            try:
                parse_networks(cidrs)
            except ValueError as error:
                raise ValueError(f"tenants.{name}: {error}") from None
    for peer in (*platform.stores, *platform.dns, *platform.watchers):
        if (peer.cidr is None) == (peer.namespace is None):
            raise ValueError("a peer needs exactly one of cidr and namespace")
