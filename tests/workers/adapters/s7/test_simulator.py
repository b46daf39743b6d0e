"""The simulated controllers, read by the real adapter."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import ManifestError, SetupError
from pumpjack_core.manifests.types import S7, ScadaConnectionSpec
from pumpjack_core.quality import GOOD
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.s7.adapter import S7Adapter
from pumpjack_worker.adapters.s7.simulated_plc import SimulatedPlc, placed
from pumpjack_worker.adapters.s7.simulated_wells import manifests, own_tags, placed_by_port
from pumpjack_worker.adapters.s7.simulator import Options, plcs_of
from tests.workers.adapters.contract import LOOPBACK, read_all, until_read_back

EXAMPLE = Path(__file__).parents[4] / "examples" / "protocols" / "s7.yaml"


def adapter_of(port: int, plc: SimulatedPlc) -> S7Adapter:
    spec = ScadaConnectionSpec("s7", s7=S7("127.0.0.1", port))
    connection = Connection("t", "ops/plc", spec, LOOPBACK, "")
    return S7Adapter(connection, TagTable(tuple(one.tag for one in plc.tags)), SystemClock())


async def test_the_example_is_read_and_obeys() -> None:
    (port,) = free_ports(1)
    with SimulatedPlc(placed_by_port([EXAMPLE])[15102]) as plc:
        plc.step(time.time_ns() // 1000)
        plc.listen("127.0.0.1", port)
        adapter = adapter_of(port, plc)
        await adapter.connect()
        seen = await read_all(adapter, len(plc.tags))
        assert len(seen) == 7
        assert {quality for _, quality in seen.values()} == {GOOD}
        (setpoint,) = [one.tag for one in plc.tags if one.tag.name == "speed_setpoint"]
        await adapter.write(setpoint, 1200.0)
        plc.step(time.time_ns() // 1000)
        await until_read_back(adapter, setpoint, 1200.0)
        await adapter.close()


def test_wells_of_its_own_are_data_blocks_and_their_manifests_read_them(tmp_path: Path) -> None:
    (tmp_path / "wells.yaml").write_text(manifests(2, 15102))
    found = placed_by_port([tmp_path])[15102]
    assert [one.tag.address for one in found] == [tag.address for tag in own_tags(2)]
    assert {one.place.block for one in found} == {1, 2}
    taken = {(one.place.block, one.place.start, one.place.bit) for one in found}
    assert len(taken) == len(found)


def test_a_port_that_is_taken_and_a_port_for_many_are_told() -> None:
    with SimulatedPlc(placed(own_tags(1))) as first, SimulatedPlc([]) as second:
        (port,) = free_ports(1)
        first.listen("127.0.0.1", port)
        with pytest.raises(SetupError, match=f"127.0.0.1:{port} cannot be listened on"):
            second.listen("127.0.0.1", port)
    with pytest.raises(ManifestError, match="--wells is 1 to 500"):
        plcs_of(Options(wells=501))
