"""Every published example is valid and reads what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.manifests.load import Loaded, load_paths
from pumpjack_core.manifests.resolve import Resolution, resolve

EXAMPLES = Path(__file__).parents[3] / "examples"
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
        ("bakken", "bakken-b1"): 17,
        ("bakken", "bakken-b2"): 17,
        ("permian", "permian-a1"): 17,
        ("permian", "permian-a2"): 17,
        ("permian", "permian-a3"): 17,
    }
    protocols = {found.connection.spec.protocol for found in resolution.connections}
    assert protocols == {"modbus-tcp", "mqtt", "opcua"}
    assert len({frozenset(tag.name for tag in tags) for tags in wells.values()}) == 1


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
            assert writable == {"pump_speed_setpoint", "choke", "wing_valve"}
            urgent = [alarm for tag in tags for alarm in tag.alarms if alarm.priority < 3]
            assert len(urgent) >= 5
            assert all(alarm.message and alarm.consequence and alarm.response for alarm in urgent)
