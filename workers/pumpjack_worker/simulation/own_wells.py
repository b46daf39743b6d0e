"""Wells of a simulator's own, without manifests, and the manifests that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec
import yaml

from pumpjack_core.errors import ManifestError
from pumpjack_core.tags import Tag

NAMESPACE, TENANT = "simulated-ops", "simulated"


def _tag(name: str, unit: str = "", high: float | None = None, data_type: str = "float32") -> Tag:
    low = None if high is None else 0.0
    return Tag("", name, "", data_type, 1.0, unit=unit, low=low, high=high)


WELL_TAGS = (
    _tag("tubing_pressure", "psi", 3000),
    _tag("casing_pressure", "psi", 3000),
    _tag("flowline_pressure", "psi", 1500),
    _tag("flowline_temperature", "degF", 300),
    _tag("oil_rate", "bbl/d", 2000),
    _tag("water_rate", "bbl/d", 5000),
    _tag("gas_rate", "mcf/d", 5000),
    _tag("oil_tank_level", "ft", 20),
    _tag("water_tank_level", "ft", 20),
    _tag("pump_speed", "spm", 20),
    _tag("motor_current", "A", 200),
    _tag("run_hours", "h", data_type="uint32"),
    _tag("pump_running", data_type="bool"),
    _tag("esd_tripped", data_type="bool"),
)
"""What is measured at one well; the address is the protocol's."""


def own_tags(count: int, most: int, address: Callable[[int, Tag], str]) -> list[Tag]:
    """The tags of well-1 to well-count.

    address: of a tag of WELL_TAGS at the well with this number. Raises ManifestError for a count
    past most.
    """
    if not 1 <= count <= most:
        raise ManifestError(f"--wells is 1 to {most}, not {count}")
    return [
        msgspec.structs.replace(tag, well_id=f"well-{number}", address=address(number, tag))
        for number in range(1, count + 1)
        for tag in WELL_TAGS
    ]


def manifests(spec: Mapping[str, Any], tags: Iterable[Tag]) -> str:
    """YAML that reads these tags: a connection with this spec, and a mapping for each well."""
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
            "spec": dict(spec),
        },
        *(_mapping(well, of_well) for well, of_well in groupby(tags, key=lambda tag: tag.well_id)),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


def _mapping(well_id: str, of_well: Iterable[Tag]) -> dict[str, Any]:
    tags: list[dict[str, Any]] = []
    for tag in of_well:
        written = {"name": tag.name, "address": tag.address}
        written |= {"dataType": tag.data_type} | ({"unit": tag.unit} if tag.unit else {})
        limits = {} if tag.high is None else {"range": {"min": tag.low, "max": tag.high}}
        tags.append(written | limits)
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "TagMapping",
        "metadata": {"name": well_id, "namespace": NAMESPACE},
        "spec": {"connectionRef": {"name": "simulator"}, "wellId": well_id, "tags": tags},
    }
