"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pumpjack_core.manifests.resolve import ResolvedConnection
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import Placed, place
from pumpjack_worker.simulation import own_wells as own
from pumpjack_worker.simulation.connections import by_port

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
    return {
        port: [one for known in found for one in place(known.tags.tags, _unit_of(known))]
        for port, found in by_port(paths, "modbus-tcp", connection).items()
    }


def _unit_of(known: ResolvedConnection) -> int:
    spec = known.connection.spec.modbus_tcp
    assert spec is not None
    return spec.unit_id


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
