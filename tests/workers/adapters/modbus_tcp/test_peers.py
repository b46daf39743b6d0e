"""Reading Modbus servers that others wrote: pymodbus, modbus-serial (npm) and libmodbus (C)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from pumpjack_core.errors import WriteRefused
from tests.faults import FaultProxy
from tests.peers.node import CACHE, installed, node
from tests.workers.adapters.contract import ReadingContract, WritingContract
from tests.workers.adapters.modbus_tcp.registers import COILS, INPUTS, WORDS, WRITABLE, ModbusRig

PEERS = Path(__file__).parents[3] / "peers" / "modbus"
APT_LIMIT_S = 180


def lines(*, counted: bool) -> bytes:
    """The registers as a peer reads them from stdin."""
    rows = ((len(row), *row) if counted else row for row in (WORDS, COILS, INPUTS))
    return "\n".join(" ".join(map(str, row)) for row in rows).encode()


@contextlib.asynccontextmanager
async def peer(command: Sequence[str], stdin: bytes, cwd: Path) -> AsyncIterator[ModbusRig]:
    """Run a server that prints its port."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(stdin)
        process.stdin.close()
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        async with FaultProxy(("127.0.0.1", port)) as proxy:
            yield ModbusRig(proxy)
    finally:
        process.kill()
        await process.wait()


class TestPymodbus(ReadingContract, WritingContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        def bits(values: list[int]) -> list[SimData]:
            return [SimData(0, values=[bool(value) for value in values], datatype=DataType.BITS)]

        words = [SimData(0, values=WORDS, datatype=DataType.REGISTERS)]
        device = SimDevice(1, simdata=(bits(COILS), bits(INPUTS), words, words))
        server = ModbusTcpServer(device, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        try:
            async with FaultProxy(("127.0.0.1", port)) as proxy:
                yield ModbusRig(proxy)
        finally:
            await server.shutdown()


@pytest.mark.peers
class TestModbusSerial(ReadingContract, WritingContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ModbusRig]:
        place = installed(PEERS)
        async with peer([node(), "server.js"], lines(counted=False), place) as rig:
            rig.writable = [one for one in rig.writable if not one[0].name.startswith("bit")]
            yield rig

    async def test_a_bit_is_refused_by_a_server_that_has_no_mask_write(
        self, rig: ModbusRig
    ) -> None:
        bit = next(tag for tag, _ in WRITABLE if tag.name == "bit_1")
        adapter = rig.make(bit)
        await adapter.connect()
        with pytest.raises(WriteRefused, match="function 22"):
            await adapter.write(bit, 1.0)
        assert await adapter.read_back(bit) == 0.0
        await adapter.close()


@pytest.fixture(scope="session")
def libmodbus_server() -> Iterator[Path]:
    """The C server, compiled; apt brings libmodbus where that is possible."""
    if not shutil.which("gcc"):
        pytest.skip("peer-missing: gcc")
    if not Path("/usr/include/modbus/modbus.h").exists():
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("peer-missing: libmodbus-dev, and neither root nor apt to install it")
        for command in (["update"], ["install", "-y", "libmodbus-dev"]):
            done = subprocess.run(
                ["apt-get", "-qq", *command], capture_output=True, timeout=APT_LIMIT_S, check=False
            )
        if done.returncode != 0:
            pytest.skip("peer-missing: apt cannot install libmodbus-dev")
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / f"libmodbus-server-{os.getpid()}"
    subprocess.run(
        [
            "gcc",
            "-O1",
            "-Wall",
            "-I/usr/include/modbus",
            "-o",
            program,
            PEERS / "server.c",
            "-lmodbus",
        ],
        check=True,
    )
    yield program
    program.unlink()


@pytest.mark.peers
class TestLibmodbus(ReadingContract, WritingContract):
    @pytest.fixture
    async def rig(self, libmodbus_server: Path) -> AsyncIterator[ModbusRig]:
        async with peer([str(libmodbus_server)], lines(counted=True), PEERS) as rig:
            yield rig
