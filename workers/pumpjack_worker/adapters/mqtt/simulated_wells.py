"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pumpjack_core.errors import AddressError, ManifestError
from pumpjack_core.manifests.resolve import ResolvedConnection
from pumpjack_core.manifests.types import Mqtt
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.mqtt.simulated_places import Placed, place
from pumpjack_worker.simulation import own_wells as own
from pumpjack_worker.simulation.connections import connections_of

MOST_WELLS = 1_000
PLAIN_PORT, TLS_PORT = 1883, 8883
SWITCHES = ("pump_running", "esd_tripped")
"""Tags of the simulator's own wells that have a topic each; the others share a JSON payload."""


def placed_by_port(
    paths: Sequence[str | Path], connection: str | None = None
) -> dict[int, list[Placed]]:
    """The tags of the mqtt connections of these manifests, by the port of their broker.

    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    ports: dict[int, list[Placed]] = {}
    owners: dict[int, ResolvedConnection] = {}
    for one in connections_of(paths, "mqtt", connection):
        spec = one.connection.spec.mqtt
        assert spec is not None
        port = spec.port or (TLS_PORT if spec.tls else PLAIN_PORT)
        first = owners.setdefault(port, one).connection
        assert first.spec.mqtt is not None
        if first.spec.mqtt.host != spec.host:
            raise ManifestError(
                f"{first.metadata.id} and {one.connection.metadata.id} have different brokers on "
                f"port {port}; simulate one of them with --connection"
            )
        ports.setdefault(port, []).extend(_placed(one.tags.tags, spec))
    return ports


def with_tls(paths: Sequence[str | Path], connection: str | None = None) -> list[str]:
    """Those of the mqtt connections that ask for TLS, which the simulator's broker has not."""
    return [
        one.connection.metadata.id
        for one in connections_of(paths, "mqtt", connection)
        if one.connection.spec.mqtt is not None and one.connection.spec.mqtt.tls
    ]


def own_tags(count: int) -> list[Tag]:
    """The tags of wells of the simulator's own."""
    return own.own_tags(count, MOST_WELLS, _own_address)


def own_wells(count: int) -> list[Placed]:
    """Wells of the simulator's own, placed."""
    return [place(tag) for tag in own_tags(count)]


def manifests(count: int, port: int, host: str = "127.0.0.1") -> str:
    """YAML that reads the simulator's own wells."""
    mqtt = {"host": host, "port": port, "tls": False}
    return own.manifests({"protocol": "mqtt", "mqtt": mqtt}, own_tags(count))


def _own_address(number: int, tag: Tag) -> str:
    if tag.name in SWITCHES:
        return f"wells/{number}/{tag.name}"
    return f"wells/{number}/telemetry;path=$.{tag.name};time=$.at"


def _placed(tags: Sequence[Tag], spec: Mqtt) -> list[Placed]:
    """The tags that a device can publish; one whose address is wrong is published nowhere."""
    found: list[Placed] = []
    for tag in tags:
        try:
            found.append(place(tag, time_path=spec.time_path, time_form=spec.time_format))
        except AddressError:
            continue
    return found
