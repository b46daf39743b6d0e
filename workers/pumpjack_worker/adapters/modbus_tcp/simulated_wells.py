"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.resolve import ResolvedConnection, resolve
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import Placed, place

MOST_WELLS = 247
"""Units that one Modbus line can have."""
NAMESPACE, TENANT = "simulated-ops", "simulated"


def _tag(name: str, address: str, unit: str = "", high: float | None = None, **more: Any) -> Tag:
    low = None if high is None else 0.0
    tag = Tag("", name, address, "float32", 1.0, unit=unit, low=low, high=high)
    return msgspec.structs.replace(tag, **more)


WELL_TAGS = (
    _tag("tubing_pressure", "holding:40001", "psi", 3000),
    _tag("casing_pressure", "holding:40003", "psi", 3000),
    _tag("flowline_pressure", "holding:40005", "psi", 1500),
    _tag("flowline_temperature", "holding:40007", "degF", 300),
    _tag("oil_rate", "holding:40009", "bbl/d", 2000),
    _tag("water_rate", "holding:40011", "bbl/d", 5000),
    _tag("gas_rate", "holding:40013", "mcf/d", 5000),
    _tag("oil_tank_level", "holding:40015", "ft", 20),
    _tag("water_tank_level", "holding:40017", "ft", 20),
    _tag("pump_speed", "holding:40019", "spm", 20),
    _tag("motor_current", "holding:40021", "A", 200),
    _tag("run_hours", "input:30001", "h", data_type="uint32"),
    _tag("pump_running", "coil:1", data_type="bool"),
    _tag("esd_tripped", "holding:40100.3", data_type="bool"),
)
"""The tags of one well of the simulator's own, each well a unit."""


def placed_by_port(
    paths: Sequence[str | Path], connection: str | None = None
) -> dict[int, list[Placed]]:
    """The tags of the modbus-tcp connections of these manifests, by the port they are read on.

    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    loaded = load_paths(paths)
    if not loaded.valid:
        raise ManifestError(
            "the manifests have errors; see them with: pumpjack validate "
            + " ".join(str(path) for path in paths)
        )
    tenants = {one.metadata.namespace: one.metadata.namespace for one in loaded.connections}
    resolution = resolve(loaded.connections, loaded.mappings, tenants | loaded.tenants)
    found = [one for one in resolution.connections if _is_wanted(one, connection)]
    if not found:
        what = f"connection {connection!r}" if connection else "connection with modbus-tcp"
        names = ", ".join(one.connection.metadata.id for one in resolution.connections) or "none"
        raise ManifestError(f"the manifests hold no {what}; they hold {names}")
    ports: dict[int, list[Placed]] = {}
    owners: dict[int, ResolvedConnection] = {}
    for one in found:
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


def _is_wanted(one: ResolvedConnection, connection: str | None) -> bool:
    metadata = one.connection.metadata
    if one.connection.spec.modbus_tcp is None:
        return False
    return connection in (None, metadata.name, metadata.id)


def own_wells(count: int) -> list[Placed]:
    """Wells of the simulator's own: well N is unit N."""
    if not 1 <= count <= MOST_WELLS:
        raise ManifestError(f"--wells is 1 to {MOST_WELLS}, the units of one line, not {count}")
    return [
        placed
        for unit in range(1, count + 1)
        for placed in place(
            (msgspec.structs.replace(tag, well_id=f"well-{unit}") for tag in WELL_TAGS), unit
        )
    ]


def manifests(count: int, port: int) -> str:
    """YAML that reads the simulator's own wells: a connection, and a mapping for each well."""
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"pumpjack.dev/tenant": TENANT}},
        },
        {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": "ScadaConnection",
            "metadata": {"name": "simulator", "namespace": NAMESPACE},
            "spec": {
                "protocol": "modbus-tcp",
                "modbusTcp": {"host": "127.0.0.1", "port": port},
            },
        },
        *(_mapping(unit) for unit in range(1, count + 1)),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


def _mapping(unit: int) -> dict[str, Any]:
    tags: list[dict[str, Any]] = []
    for tag in WELL_TAGS:
        written = {"name": tag.name, "address": f"{tag.address};unit={unit}"}
        written |= {"dataType": tag.data_type} | ({"unit": tag.unit} if tag.unit else {})
        limits = {} if tag.high is None else {"range": {"min": tag.low, "max": tag.high}}
        tags.append(written | limits)
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "TagMapping",
        "metadata": {"name": f"well-{unit}", "namespace": NAMESPACE},
        "spec": {
            "connectionRef": {"name": "simulator"},
            "wellId": f"well-{unit}",
            "tags": tags,
        },
    }
