"""The simulated PLCs, read by the real adapter."""

from __future__ import annotations

import asyncio
import io
import math
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import ManifestError, PumpjackError
from pumpjack_core.quality import BAD_DEVICE, GOOD, Reason, reason_of
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import SimulatedPlc
from pumpjack_worker.adapters.modbus_tcp.simulated_wells import (
    manifests,
    own_wells,
    placed_by_port,
)
from pumpjack_worker.adapters.modbus_tcp.simulator import Options, plcs_of
from pumpjack_worker.simulation.ledger import HEADER, Ledger, Served
from tests.faults import FaultProxy
from tests.workers.adapters.contract import read
from tests.workers.adapters.modbus_tcp.registers import ModbusRig

OILFIELD = Path(__file__).parents[4] / "examples" / "oilfield"
T0_US = 1_767_000_000_000_000


def test_the_example_is_laid_out_from_its_manifests_alone() -> None:
    ports = placed_by_port([OILFIELD])
    assert sorted(ports) == [15020, 15021]
    assert {one.address.unit for one in ports[15020]} == {1, 2}
    assert {one.tag.well_id for one in ports[15020]} == {"permian-a1", "permian-a2"}
    assert {one.tag.well_id for one in ports[15021]} == {"bakken-b1"}


def test_one_connection_can_be_picked() -> None:
    assert sorted(placed_by_port([OILFIELD], "b1-plc")) == [15021]
    assert sorted(placed_by_port([OILFIELD], "permian-ops/pad-a")) == [15020]
    with pytest.raises(ManifestError, match=r"they hold bakken-ops/b1-plc, .*permian-ops/pad-a"):
        placed_by_port([OILFIELD], "pad-z")


def test_a_port_is_for_one_device() -> None:
    with pytest.raises(ManifestError, match="pick one with --connection"):
        plcs_of(Options(files=(str(OILFIELD),), port=1600))
    assert sorted(plcs_of(Options(files=(str(OILFIELD),), connection="pad-a", port=1600))) == [1600]


def test_manifests_with_errors_are_not_simulated(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: ScadaConnection\n")
    with pytest.raises(ManifestError, match="pumpjack validate"):
        placed_by_port([tmp_path])


def test_the_manifests_of_its_own_wells_read_its_own_wells(tmp_path: Path) -> None:
    (tmp_path / "wells.yaml").write_text(manifests(3, 15020))
    [(port, placed)] = placed_by_port([tmp_path]).items()
    own = own_wells(3)
    assert port == 15020
    assert {(one.tag.well_id, one.tag.name, one.address) for one in placed} == {
        (one.tag.well_id, one.tag.name, one.address) for one in own
    }


@pytest.mark.parametrize("port", [15020, 15021])
async def test_the_adapter_reads_exactly_what_the_ledger_says_was_served(port: int) -> None:
    """In every data type, order and scale of the example."""
    placed = placed_by_port([OILFIELD])[port]
    plc = SimulatedPlc(placed, seed=4)
    ledger = Ledger()
    plc.attach(ledger)
    tags = TagTable(tuple(one.tag for one in placed))
    got: list[tuple[str, str, float]] = []
    async with DeviceServer({0: plc.device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            adapter = ModbusTcpAdapter(ModbusRig(proxy).connection(), tags, SystemClock())
            for second in range(8):
                plc.step(T0_US + second * 1_000_000)
                await adapter.connect()  # makes everything due
                seen: set[int] = set()
                while len(seen) < len(tags):
                    batch = await read(adapter)
                    seen |= set(batch.tag_index.tolist())
                    for index, value, quality in zip(
                        batch.tag_index, batch.value, batch.quality, strict=True
                    ):
                        tag = tags.tags[index]
                        if quality == GOOD:
                            got.append((tag.well_id, tag.name, float(value)))
            await adapter.close()
    served = [(one.well_id, one.tag_name, one.value) for one in ledger.entries]
    assert len(got) >= 8 * len(tags) - 20
    assert set(got) <= set(served)
    assert sorted(got) == sorted(one for one in served if not math.isnan(one[2]))


async def test_a_dead_sensor_is_no_number_in_a_float_and_refused_in_an_integer() -> None:
    placed = placed_by_port([OILFIELD])[15020]
    plc = SimulatedPlc(placed)
    tags = TagTable(tuple(one.tag for one in plc.placed))
    plc.step(T0_US)
    names = {tag.name: at for at, tag in enumerate(tags.tags) if tag.well_id == "permian-a1"}
    for name in ("casing_pressure", "motor_current"):
        plc.field.kill(names[name], until_s=T0_US / 1e6 + 60)
    plc.step(T0_US + 1_000_000)
    async with DeviceServer({0: plc.device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            adapter = ModbusTcpAdapter(ModbusRig(proxy).connection(), tags, SystemClock())
            await adapter.connect()
            quality: dict[int, int] = {}
            while len(quality) < len(tags):
                batch = await read(adapter)
                quality |= dict(zip(batch.tag_index.tolist(), batch.quality.tolist(), strict=True))
            await adapter.close()
    assert reason_of(quality[names["casing_pressure"]]) is Reason.NOT_A_NUMBER
    assert quality[names["motor_current"]] == BAD_DEVICE
    assert sorted(quality.values())[:-2] == [GOOD] * (len(tags) - 2)


def test_a_change_is_known_by_its_time() -> None:
    plc = SimulatedPlc(own_wells(1))
    plc.step(T0_US)
    first = list(plc.shown)
    plc.step(T0_US + 1_000_000)
    for before, now, changed_us in zip(first, plc.shown, plc.changed_us, strict=True):
        assert changed_us == (T0_US if before == now else T0_US + 1_000_000)
    assert T0_US + 1_000_000 in plc.changed_us


def test_the_ledger_can_be_a_file() -> None:
    file = io.StringIO()
    Ledger(file).write(Served(2, 1, "w1", "oil_rate", 3.5))
    assert file.getvalue() == HEADER + "2,1,w1,oil_rate,3.5\n"


async def test_a_busy_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PumpjackError, match=f"port {port} of 127.0.0.1 is in use"):
            async with DeviceServer({port: SimulatedDevice()}):
                pass


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield port


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_as_a_program_and_a_signal_ends_it_cleanly(
    name: signal.Signals, free_port: int, tmp_path: Path
) -> None:
    module = "pumpjack_worker.adapters.modbus_tcp.simulator"
    ledger = tmp_path / "ledger.csv"
    command = [sys.executable, "-m", module, "--port", str(free_port), "--ledger", str(ledger)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert f"127.0.0.1:{free_port} serves 42 tags" in program.stderr.readline()
        asyncio.run(_read_one_register(free_port))
        program.send_signal(name)
        assert program.wait(60) == 0
        assert "Traceback" not in program.stderr.read()
    assert ledger.read_text().startswith(HEADER)
    assert "well-1,tubing_pressure" in ledger.read_text()


async def _read_one_register(port: int) -> None:
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes.fromhex("0001 0000 0006 01 03 0000 0002"))
        assert (await reader.readexactly(9)).hex() == "000100000007010304"
        writer.close()


def test_a_busy_port_ends_the_program_with_a_sentence(free_port: int) -> None:
    module = "pumpjack_worker.adapters.modbus_tcp.simulator"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", module, "--port", str(free_port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {free_port} of 127.0.0.1 is in use")
