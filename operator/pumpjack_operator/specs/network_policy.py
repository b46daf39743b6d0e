"""Whom the worker talks to: its device, names, the stores; and who may ask it."""

from __future__ import annotations

import ipaddress

from pumpjack_core.manifests.device import device
from pumpjack_core.networks import is_allowed, parse_networks
from pumpjack_operator.names import selector
from pumpjack_operator.platform import Peer
from pumpjack_operator.specs.wanted import STATUS_PORT, Manifest, Wanted, metadata

DNS_PROTOCOLS = ("UDP", "TCP")


def network_policy(wanted: Wanted) -> Manifest:
    """Everything that is not named is closed, in both directions.

    Nobody owns it: the garbage collector would take it with the connection, and a worker that still
    drains would then reach everything.
    """
    platform = wanted.platform
    egress = [_rule("to", peer, DNS_PROTOCOLS) for peer in platform.dns]
    egress += [_rule("to", peer) for peer in platform.stores]
    host, port = device(wanted.connection.spec)
    if (pods := wanted.service) is not None:
        to: list[Manifest] = [{"podSelector": {"matchLabels": dict(pods.labels)}}]
        egress.append({"to": to, "ports": [{"protocol": "TCP", "port": pods.port}]})
    elif to := _device_peers(wanted, host):
        egress.append({"to": to, "ports": [{"protocol": "TCP", "port": port}]})
    watchers = [_peer(peer) for peer in platform.watchers]
    ingress = [{"from": watchers, "ports": [{"protocol": "TCP", "port": STATUS_PORT}]}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(wanted, outlives=True),
        "spec": {
            "podSelector": {"matchLabels": selector(wanted.connection.metadata.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress if watchers else [],
            "egress": egress,
        },
    }


def _device_peers(wanted: Wanted, host: str) -> list[Manifest]:
    """An address is opened by itself, a name by the networks that its tenant may reach.

    An address that the tenant may not reach is not opened at all.
    """
    networks = wanted.config.connection.allowed_networks
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [{"ipBlock": {"cidr": cidr}} for cidr in networks]
    if not is_allowed(address, parse_networks(networks)):
        return []
    return [{"ipBlock": {"cidr": str(ipaddress.ip_network(address))}}]


def _rule(direction: str, peer: Peer, protocols: tuple[str, ...] = ("TCP",)) -> Manifest:
    ports = [{"protocol": protocol, "port": peer.port} for protocol in protocols]
    return {direction: [_peer(peer)], "ports": ports}


def _peer(peer: Peer) -> Manifest:
    if peer.cidr is not None:
        return {"ipBlock": {"cidr": peer.cidr}}
    found: Manifest = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": peer.namespace}}
    }
    if peer.pods:
        found["podSelector"] = {"matchLabels": dict(peer.pods)}
    return found
