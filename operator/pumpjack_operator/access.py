"""Whether the platform lets a connection's worker run: where its device is, what it may write.

A device that is given by address is judged here. A name is judged by the worker, on the address
that it finds at each connect, and by the NetworkPolicy: it may change what it stands for.
"""

from __future__ import annotations

from pumpjack_core.manifests.device import address_of, device, listed, not_writable
from pumpjack_core.manifests.objects import ScadaConnection
from pumpjack_core.networks import Address, Network, is_allowed, parse_networks
from pumpjack_operator.platform import Platform


def refusal(connection: ScadaConnection, tenant: str, platform: Platform) -> str | None:
    """Why no worker may run for this connection, as a sentence; None when it may."""
    try:
        host, _ = device(connection.spec)
    except ValueError as error:
        return f"spec.opcua.endpoint cannot be read: {error}"
    networks = parse_networks(platform.device_networks(tenant))
    if not networks:
        return (
            f"the platform lists no network for tenant {tenant}, so its workers may reach no "
            "device; ask the platform team to list the device's in deviceNetworks"
        )
    address = address_of(host)
    if address is not None and (why := _not_a_device(address, platform, networks)):
        return (
            f"{host} {why}; tenant {tenant} may reach {listed(networks)}. Correct the address, "
            "or ask the platform team to add its network to the tenant's deviceNetworks"
        )
    return None


def write_refusal(connection: ScadaConnection, tenant: str, platform: Platform) -> str | None:
    """Why the tags of a connection that is read may not be written, as a sentence.

    None when they may be, when it does not ask for it, or when no worker may run at all.
    """
    if not connection.spec.writes.enabled or refusal(connection, tenant, platform) is not None:
        return None
    host, _ = device(connection.spec)
    reachable = parse_networks(platform.device_networks(tenant))
    why = not_writable(host, reachable, parse_networks(platform.tenants[tenant].write_networks))
    if why is None:
        return None
    return (
        f"the device is read, and commands are refused: {why}. Set spec.writes.enabled to "
        "false, or ask the platform team to add the device's network to the tenant's writeNetworks"
    )


def _not_a_device(
    address: Address, platform: Platform, networks: tuple[Network, ...]
) -> str | None:
    if address.is_unspecified or address.is_multicast:
        return "is no address that one device has"
    if is_allowed(address, networks):
        return None
    if address.is_loopback:
        return "is the worker's own pod"
    if address.is_link_local:
        return "is link-local, where clouds keep credentials and no device is"
    if is_allowed(address, parse_networks(platform.reserved_networks)):
        return "belongs to the cluster itself, to its nodes, pods or services"
    return "is in no network that the tenant may reach"
