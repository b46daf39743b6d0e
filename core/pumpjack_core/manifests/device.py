"""Where a connection's device is, as far as its spec tells, and whether it may be written to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.networks import Address, Network, is_allowed
from pumpjack_core.protocols import PROTOCOLS

OPCUA_PORT = 4840
MQTT_PORT, MQTT_TLS_PORT = 1883, 8883
_MOST_LISTED = 4


def member(spec: ScadaConnectionSpec) -> Any:
    """The one member that spec.protocol names: the settings of its protocol."""
    found = getattr(spec, PROTOCOLS[spec.protocol].member)
    assert found is not None, "the CRD's rules allow no connection without its member"
    return found


def device(spec: ScadaConnectionSpec) -> tuple[str, int]:
    """Host and TCP port of a connection's device. Raises ValueError for a URL that is none."""
    found = member(spec)
    if spec.opcua is not None:
        url = urlsplit(spec.opcua.endpoint)
        return url.hostname or "", url.port or OPCUA_PORT
    if spec.mqtt is not None:
        return spec.mqtt.host, spec.mqtt.port or (MQTT_TLS_PORT if spec.mqtt.tls else MQTT_PORT)
    return found.host, found.port


def address_of(host: str) -> Address | None:
    """The address that a host is, also as C libraries read it (127.1, 0x7f000001); None: a name."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


def not_writable(
    host: str, reachable: Sequence[Network], writable: Sequence[Network]
) -> str | None:
    """Why no command may be written to a device, as a part of a sentence; None when it may be.

    A name can stand for whatever may be reached, so all of that must be writable.
    """
    if not writable:
        return "there is no network where commands may be written"
    address = address_of(host)
    if address is not None:
        if is_allowed(address, writable):
            return None
        return f"{host} is not in {listed(writable)}, where commands may be written"
    if reachable and all(_within(network, writable) for network in reachable):
        return None
    return (
        f"{host} is a name that can stand for addresses outside of {listed(writable)}, where "
        "commands may be written (an address would tell)"
    )


def listed(networks: Sequence[Network]) -> str:
    """Networks for a sentence; of many the first."""
    named = ", ".join(str(network) for network in networks[:_MOST_LISTED])
    return (named + (" …" if len(networks) > _MOST_LISTED else "")) or "no network"


def _within(network: Network, others: Sequence[Network]) -> bool:
    return any(
        network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
        for other in others
    )
