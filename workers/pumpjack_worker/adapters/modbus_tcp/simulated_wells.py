"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.resolve import ResolvedConnection
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import Placed, place
from pumpjack_worker.simulation import own_wells as own
from pumpjack_worker.simulation.connections import connections_of

MOST_WELLS = 247
"""Units that one Modbus line can have."""
ADDRESSES = {
    "tubing_pressure": "holding:40001",
    "casing_pressure": "holding:40003",
    "flowline_pressure": "holding:40005",
    "flowline_temperature": "holding:40007",
    "oil_rate": "holding:40009",
    "water_rate": "holding:40011",
    "gas_rate": "holding:40013",
    "oil_tank_level": "holding:40015",
    "water_tank_level": "holding:40017",
    "pump_speed": "holding:40019",
    "motor_current": "holding:40021",
    "run_hours": "input:30001",
    "pump_running": "coil:1",
    "esd_tripped": "holding:40100.3",
}
"""Where the tags of one well of the simulator's own lie, each well a unit."""


def placed_by_port(
    paths: Sequence[str | Path], connection: str | None = None
) -> dict[int, list[Placed]]:
    """The tags of the modbus-tcp connections of these manifests, by the port they are read on.

    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    ports: dict[int, list[Placed]] = {}
    owners: dict[int, ResolvedConnection] = {}
    for one in connections_of(paths, "modbus-tcp", connection):
        spec = one.connection.spec.modbus_tcp
        assert spec is not None
        first = owners.setdefault(spec.port, one).connection
        assert first.spec.modbus_tcp is not None
        if first.spec.modbus_tcp.host != spec.host:
            raise ManifestError(
                f"{first.metadata.id} and {one.connection.metadata.id} are different devices on "
                f"port {spec.port}; simulate one of them with --connection"
            )
        ports.setdefault(spec.port, []).extend(place(one.tags.tags, spec.unit_id))
    return ports


def own_tags(count: int) -> list[Tag]:
    """The tags of wells of the simulator's own: well N is unit N."""
    return own.own_tags(count, MOST_WELLS, lambda unit, tag: f"{ADDRESSES[tag.name]};unit={unit}")


def own_wells(count: int) -> list[Placed]:
    """Wells of the simulator's own, placed."""
    return place(own_tags(count), default_unit=1)


def manifests(count: int, port: int) -> str:
    """YAML that reads the simulator's own wells."""
    spec = {"protocol": "modbus-tcp", "modbusTcp": {"host": "127.0.0.1", "port": port}}
    return own.manifests(spec, own_tags(count))
