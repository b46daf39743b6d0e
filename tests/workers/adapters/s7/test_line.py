"""One controller: what it refuses as a whole, requests that are given up, blocks that come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pumpjack_core.quality import BAD_DEVICE, GOOD
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.s7.address import Area
from pumpjack_worker.adapters.s7.frames import Codec, Refusal
from pumpjack_worker.adapters.s7.link import Link
from pumpjack_worker.adapters.s7.simulated_plc import SimulatedPlc
from tests.workers.adapters.contract import PATIENCE_S, read
from tests.workers.adapters.s7.rig import S7Rig, tag


async def test_a_no_to_a_whole_request_blames_no_tag_and_passes(
    rig: S7Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = rig.make()
    await adapter.connect()
    assert set((await read(adapter)).quality.tolist()) == {GOOD}

    def busy(_codec: Codec, _pdu: bytes) -> dict[str, object]:
        raise Refusal(0, 0x8500, "the controller is busy")

    with monkeypatch.context() as patch:
        patch.setattr(Codec, "parsed", busy)
        async with asyncio.timeout(PATIENCE_S):
            while set((await read(adapter)).quality.tolist()) != {BAD_DEVICE}:
                pass
        assert adapter.rejected == {}
    async with asyncio.timeout(PATIENCE_S):
        while set((await read(adapter)).quality.tolist()) != {GOOD}:
            pass
    await adapter.close()


async def test_a_request_that_is_given_up_ends_before_the_next_begins(
    rig: S7Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way: list[int] = []
    ask = Link.ask

    async def counted(self: Link, number: int, *more: Any) -> dict[str, object]:
        under_way.append(number)
        assert len(under_way) == 1
        try:
            return await ask(self, number, *more)
        finally:
            under_way.remove(number)

    monkeypatch.setattr(Link, "ask", counted)
    adapter = rig.make(connection=rig.connection(timeout="5s"))
    await adapter.connect()
    rig.proxy.delay_s = 0.1
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await adapter.read_back(rig.tags[0])
    assert set((await read(adapter)).quality.tolist()) == {GOOD}
    await adapter.close()


async def test_a_block_that_comes_back_is_read_again_in_one_piece(
    plc: tuple[SimulatedPlc, int], rig: S7Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller, _ = plc
    pieces: list[int] = []
    read_request = Codec.read

    def counted(self: Codec, blocks: Any) -> tuple[int, bytes]:
        pieces.append(len(blocks))
        return read_request(self, blocks)

    monkeypatch.setattr(Codec, "read", counted)
    tags = [tag(f"t{at}", f"DB50.DBD{4 * at}", "float32") for at in range(10)]
    adapter = rig.make(*tags)
    await adapter.connect()
    assert set((await read(adapter)).quality.tolist()) == {BAD_DEVICE}
    controller.register((Area.BLOCK, 50), 40)
    await adapter.connect()
    pieces.clear()
    assert set((await read(adapter)).quality.tolist()) == {GOOD}
    assert pieces == [1]
    adapter.apply_tags(TagTable(()))
    await adapter.close()
