"""Every published example is valid and reads what it says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pumpjack_core.manifests.load import Loaded, load_paths
from pumpjack_core.manifests.resolve import Resolution, resolve

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
PICTURES = ROOT / "gateway" / "pumpjack_gateway" / "templates"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())


def resolved(folder: Path) -> tuple[Loaded, Resolution]:
    loaded = load_paths([folder])
    return loaded, resolve(loaded.connections, loaded.mappings, loaded.tenants)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_is_valid_and_every_tag_is_read(folder: Path) -> None:
    loaded, resolution = resolved(folder)
    assert [str(problem) for problem in loaded.problems] == []
    assert resolution.refused == ()
    for mapping in resolution.mappings:
        assert mapping.problem is None
        assert mapping.rejected == ()


def test_the_oilfield_is_five_wells_of_two_tenants_over_three_protocols() -> None:
    _, resolution = resolved(EXAMPLES / "oilfield")
    wells = {
        (found.tenant, well): [tag for tag in found.tags.tags if tag.well_id == well]
        for found in resolution.connections
        for well in found.tags.wells
    }
    assert {well: len(tags) for well, tags in wells.items()} == {
        ("bakken", "bakken-b1"): 22,
        ("bakken", "bakken-b2"): 26,
        ("permian", "permian-a1"): 24,
        ("permian", "permian-a2"): 24,
        ("permian", "permian-a3"): 22,
    }
    protocols = {found.connection.spec.protocol for found in resolution.connections}
    assert protocols == {"modbus-tcp", "mqtt", "opcua"}


def test_the_picture_of_every_well_of_the_oilfield_is_filled_in_its_own_units() -> None:
    _, resolution = resolved(EXAMPLES / "oilfield")
    pictures = Counter[str]()
    for found in resolution.connections:
        for well in found.tags.facts:
            pictures[well.type] += 1
            assert well.title
            assert well.pad
            assert well.route
            assert well.time_zone in ("America/Chicago", "America/Denver")
            tags = {tag.name: tag for tag in found.tags.tags if tag.well_id == well.well_id}
            roles = json.loads((PICTURES / f"{well.type}.json").read_text())["roles"]
            for role, about in roles.items():
                tag = tags[well.roles.get(role, role)]
                assert tag.unit == about.get("unit", "")
                assert tag.state_names == about.get("states", {})
            assert len(roles) >= 15
            assert len(well.key_tags) == 5
            assert all(tag.title for tag in tags.values())
            for tag in (tags[name] for name in well.key_tags):
                assert tag.state_names or None not in (
                    tag.normal_low,
                    tag.normal_high,
                    tag.digits,
                )
    assert pictures == {"rod-pump": 2, "gas-lift": 2, "esp": 1}


def test_a_pad_behind_a_gateway_is_one_mapping_and_a_well_a_unit() -> None:
    _, resolution = resolved(EXAMPLES / "pad-with-gateway")
    assert [found.tags.wells for found in resolution.connections] == [
        ("pad3-separator", "pad3-1"),
        ("pad3-2",),
        ("pad3-3",),
    ]


def test_every_well_of_the_oilfield_raises_alarms_that_say_what_to_do_and_takes_commands() -> None:
    _, resolution = resolved(EXAMPLES / "oilfield")
    for found in resolution.connections:
        assert found.connection.spec.writes.enabled
        for well in found.tags.wells:
            tags = [tag for tag in found.tags.tags if tag.well_id == well]
            writable = {tag.name for tag in tags if tag.write is not None}
            assert len(writable - {"choke", "wing_valve"}) == 1
            assert {"choke", "wing_valve"} < writable
            urgent = [alarm for tag in tags for alarm in tag.alarms if alarm.priority < 3]
            assert len(urgent) >= 5
            assert all(alarm.message and alarm.consequence and alarm.response for alarm in urgent)
