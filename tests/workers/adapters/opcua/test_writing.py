"""What servers make of writes, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from pumpjack_core.errors import DeviceError, Unanswered, WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.rig import SimulatedRig

ANY = Write(low=-1e9, high=1e9)
NODES = {
    "ns=2;s=speed": SimulatedNode("float32", 30.0, writable=True),
    "ns=2;s=steps": SimulatedNode("int16", 3, writable=True),
    "ns=2;s=locked": SimulatedNode("float32", 30.0),
    "ns=2;s=empty": SimulatedNode("float64", None, writable=True),
    "ns=2;s=name": SimulatedNode("text", "pump 7", writable=True),
}
BAD_OUT_OF_RANGE = 0x803C0000
LEAVES_OPEN = {
    "BadTimeout": 0x800A0000,
    "BadInternalError": 0x80020000,
    "BadUnexpectedError": 0x80010000,
    "BadDeviceFailure": 0x808B0000,
    "BadRequestInterrupted": 0x80840000,
}


def tag(name: str = "speed", data_type: str = "float32", **more: Any) -> Tag:
    more = {"write": ANY, **more}
    return Tag("w1", name, f"ns=2;s={name}", data_type, 1.0, stale_s=0.0, **more)


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    async with SimulatedServer(NODES) as server:
        yield server


@contextlib.asynccontextmanager
async def connected(rig: SimulatedRig, *tags: Tag, **settings: Any) -> AsyncIterator[Adapter]:
    adapter = rig.make(*(tags or (tag(),)), connection=rig.connection(**settings))
    await adapter.connect()
    yield adapter
    await adapter.close()


@pytest.fixture
async def rig(server: SimulatedServer) -> AsyncIterator[SimulatedRig]:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        yield SimulatedRig(server, proxy)


async def test_scaled_values_are_written_as_the_node_has_them(
    rig: SimulatedRig, server: SimulatedServer
) -> None:
    tenths = tag("steps", "int16", scale=0.1)
    async with connected(rig, tenths) as adapter:
        await adapter.write(tenths, 4.5)
        assert await adapter.read_back(tenths) == pytest.approx(4.5)
    assert server.written == [("ns=2;s=steps", 45)]


async def test_a_value_is_written_in_the_nodes_type_whatever_the_tag_says(
    rig: SimulatedRig, server: SimulatedServer
) -> None:
    declared_otherwise = tag("steps", "float64")
    async with connected(rig, declared_otherwise) as adapter:
        await adapter.write(declared_otherwise, 7.0)
        assert await adapter.read_back(declared_otherwise) == 7.0
        with pytest.raises(WriteRefused, match=r"int16 and cannot hold 7\.5"):
            await adapter.write(declared_otherwise, 7.5)
        with pytest.raises(WriteRefused, match="no int16"):
            await adapter.write(declared_otherwise, 40_000.0)
    assert server.written == [("ns=2;s=steps", 7)]


async def test_a_node_without_a_value_yet_can_be_written(rig: SimulatedRig) -> None:
    empty = tag("empty", "float64")
    async with connected(rig, empty) as adapter:
        with pytest.raises(DeviceError, match="BadWaitingForInitialData"):
            await adapter.read_back(empty)
        await adapter.write(empty, 1.5)
        assert await adapter.read_back(empty) == 1.5


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("locked", "BadUserAccessDenied|BadNotWritable"),
        ("nowhere", "BadNodeIdUnknown"),
        ("name", "no single number"),
    ],
)
async def test_what_cannot_be_written_is_refused_in_the_servers_words(
    rig: SimulatedRig, server: SimulatedServer, name: str, why: str
) -> None:
    async with connected(rig) as adapter:
        with pytest.raises(WriteRefused, match=why):
            await adapter.write(tag(name), 45.0)
    assert server.written == []


async def test_a_server_that_says_no_is_quoted(rig: SimulatedRig, server: SimulatedServer) -> None:
    server.write_flaws.refuses = BAD_OUT_OF_RANGE
    async with connected(rig) as adapter:
        with pytest.raises(WriteRefused, match=r"BadOutOfRange.*narrower"):
            await adapter.write(tag(), 45.0)
    assert len(server.written) == 1


@pytest.mark.parametrize("name", LEAVES_OPEN)
async def test_a_server_that_failed_in_the_middle_leaves_open_what_was_done(
    rig: SimulatedRig, server: SimulatedServer, name: str
) -> None:
    server.write_flaws.refuses = LEAVES_OPEN[name]
    async with connected(rig) as adapter:
        with pytest.raises(Unanswered, match=f"nobody knows.*{name}"):
            await adapter.write(tag(), 45.0)


async def test_a_server_that_lies_or_clamps_is_found_out_by_reading_back(
    rig: SimulatedRig, server: SimulatedServer
) -> None:
    async with connected(rig) as adapter:
        server.on_write(lambda _node, raw: min(raw, 40.0))
        await adapter.write(tag(), 45.0)
        assert await adapter.read_back(tag()) == 40.0
        server.write_flaws.lies = True
        await adapter.write(tag(), 20.0)
        assert await adapter.read_back(tag()) == 40.0


async def test_an_answer_that_comes_too_late_ends_no_session_and_is_told_as_unknown(
    rig: SimulatedRig, server: SimulatedServer
) -> None:
    server.write_flaws.late_s = 2.5
    async with connected(rig, timeout="2s") as adapter:
        with pytest.raises(Unanswered, match="did not answer to WriteRequest"):
            await adapter.write(tag(), 45.0)
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(DeviceError):
                    if await adapter.read_back(tag()) == 45.0:
                        break
    assert len(server.written) == 1


async def test_a_setpoint_may_be_another_node_than_what_is_read(
    rig: SimulatedRig, server: SimulatedServer
) -> None:
    elsewhere = replace(tag("locked"), write=replace(ANY, address="ns=2;s=speed"))
    async with connected(rig, elsewhere) as adapter:
        await adapter.write(elsewhere, 45.0)
        assert await adapter.read_back(elsewhere) == 30.0, "read from where it is read"
    assert server.written == [("ns=2;s=speed", 45.0)]
