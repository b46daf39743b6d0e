"""What a server may send and take: nothing of it may cost memory without bound, or hang."""

# mypy: disable-error-code="attr-defined, arg-type"
from __future__ import annotations

import asyncio
import copy
import struct
from typing import Any

import pytest

from pumpjack_core.errors import NotConnected
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.opcua.channel import MOST_CHUNKS, MOST_DECODED_BYTES
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.contract import PATIENCE_S
from tests.workers.adapters.opcua.reading import read_until
from tests.workers.adapters.opcua.rig import INTERVAL_S, SimulatedRig

NODES = 150
NAMES = [f"ns=2;s=a.well.with.a.name.of.some.length.{at:04}" for at in range(NODES)]
TAGS = [Tag("w1", f"n{at}", name, "float64", INTERVAL_S) for at, name in enumerate(NAMES)]


def acknowledgement(receives: int) -> bytes:
    return b"ACKF" + struct.pack("<IIIIII", 28, 0, receives, 65_535, 0, 0)


def chunk(number: int) -> bytes:
    """A part of a message that never ends, on a channel that nobody opened."""
    return b"MSGC" + struct.pack("<IIIIIQ", 32, 0, 0, number, 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        acknowledgement(100),
        acknowledgement(0),
        b"".join(chunk(at + 1) for at in range(MOST_CHUNKS + 10)),
        b"MSGF" + struct.pack("<I", 2**32 - 1) + bytes(64),
    ],
    ids=["takes 100 bytes", "takes none", "parts without end", "a chunk of 4 GB"],
)
async def test_what_a_hello_must_not_be_answered_with_ends_the_connection(answer: bytes) -> None:
    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        writer.write(answer)
        await reader.read(1_000)
        writer.close()

    lying = await asyncio.start_server(lie, "127.0.0.1", 0)
    async with lying, FaultProxy(lying.sockets[0].getsockname()) as proxy:
        rig = SimulatedRig(SimulatedServer({}), proxy)
        adapter = rig.make(TAGS[0], connection=rig.connection(timeout="20s"))
        with pytest.raises(NotConnected) as caught:
            await adapter.connect()
        await adapter.close()
    assert caught.value.reason == "Garbled"


@pytest.mark.parametrize("limit", ["max_message_size", "max_chunk_count"])
async def test_a_server_that_takes_short_messages_only_is_read_whole(limit: str) -> None:
    """It would hang up on a longer one, each time anew."""
    async with SimulatedServer(dict.fromkeys(NAMES, ("float64", 1.0))) as server:
        limits = server._running.limits
        limits.max_recv_buffer = limits.max_send_buffer = 8_192
        setattr(limits, limit, 8_192 if limit == "max_message_size" else 1)
        async with FaultProxy(("127.0.0.1", server.port)) as proxy:
            rig = SimulatedRig(server, proxy)
            adapter = rig.make(*TAGS)
            await adapter.connect()
            seen = await read_until(adapter, lambda seen: len(seen.rows) >= NODES)
            await adapter.close()
    assert {row.name for row in seen.rows} == {tag.name for tag in TAGS}
    assert adapter.rejected == {}


async def test_a_list_of_endpoints_without_end_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with SimulatedServer({NAMES[0]: ("float64", 1.0)}) as server:
        internal = server._running.iserver
        honest = internal.get_endpoints

        async def endless(*args: Any, **more: Any) -> Any:
            (one, *_) = await honest(*args, **more)
            large = copy.deepcopy(one)
            large.ServerCertificate = bytes(64_000)
            return [large] * (MOST_DECODED_BYTES // 64_000 + 1)

        monkeypatch.setattr(internal, "get_endpoints", endless)
        async with FaultProxy(("127.0.0.1", server.port)) as proxy:
            rig = SimulatedRig(server, proxy)
            adapter = rig.make(TAGS[0], connection=rig.connection(timeout="20s"))
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(NotConnected, match="bytes in answer") as caught:
                    await adapter.connect()
            await adapter.close()
    assert caught.value.reason == "Garbled"
