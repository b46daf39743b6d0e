"""Which addresses a tenant may reach is the platform's decision (design, section 4).

Checked on the resolved address at each connect, so that a name which changes its address
(DNS rebinding) is caught.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from pumpjack_core.errors import HostNotAllowed, NotConnected

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(cidrs: Sequence[str]) -> tuple[Network, ...]:
    """CIDRs as networks. Raises ValueError naming the one that is none."""
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


def endpoint(host: str, port: int) -> str:
    """Host and port as they are written together.

    >>> endpoint("::1", 502)
    '[::1]:502'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks lists the address; none listed, none allowed."""
    mapped = getattr(address, "ipv4_mapped", None)
    real = mapped if mapped is not None else address
    return any(real.version == network.version and real in network for network in networks)


def without_reserved(listed: Sequence[Network], reserved: Sequence[Network]) -> tuple[Network, ...]:
    """What is listed, but for the reserved ranges within it.

    A reserved range, or a part of one, that is listed itself is meant: it stays.
    """
    found: list[Network] = []
    for network in listed:
        pieces = [network]
        for range_ in reserved:
            pieces = [piece for one in pieces for piece in _cut(one, range_)]
        found += sorted(pieces, key=lambda piece: piece.network_address.packed)
    return tuple(dict.fromkeys(found))


def _cut(network: Network, reserved: Network) -> list[Network]:
    if (
        network == reserved
        or network.version != reserved.version
        or not reserved.subnet_of(network)  # type: ignore[arg-type]
    ):
        return [network]
    return list(network.address_exclude(reserved))  # type: ignore[arg-type]


async def resolve_allowed(
    host: str, port: int, networks: Sequence[Network], *, timeout_s: float
) -> str:
    """Resolve host and return the first address that the platform allows, as text.

    Connect to the returned address, never to the name again. Raises NotConnected
    (NameNotFound) when the name has no address, HostNotAllowed when none is permitted.
    """
    try:
        async with asyncio.timeout(timeout_s):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError, UnicodeError) as error:
        raise NotConnected(
            f"the name {host} has no address ({error or 'no answer'}); check the host, "
            "and that the worker's DNS knows it",
            reason="NameNotFound",
        ) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        if is_allowed(ipaddress.ip_address(text.partition("%")[0]), networks):
            return text
    listed = ", ".join(str(network) for network in networks) or "none"
    raise HostNotAllowed(
        f"{host} is {', '.join(addresses)}, which is in no network that this tenant may reach "
        f"(allowed: {listed}); ask the platform to add it to the tenant's deviceNetworks"
    )
