"""Commands whose turn comes too late: they are not written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Permit, permitted
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from tests.workers.commands.site import Site, shown
from tests.workers.pipeline.scripted import Worker, until

pytestmark = pytest.mark.servers


class Held:
    """Holds each write of a worker's adapter where it waits for its turn."""

    def __init__(self, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits, self.goes = asyncio.Event(), asyncio.Event()
        adapter = worker.adapter
        write = adapter.write

        async def held(tag: Tag, value: float, permit: Permit = permitted) -> None:
            self.waits.set()
            await self.goes.wait()
            await write(tag, value, permit)  # type: ignore[call-arg]

        monkeypatch.setattr(adapter, "write", held)


async def test_a_command_that_expires_while_it_waits_for_its_turn_is_not_written(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    held = Held(worker, monkeypatch)
    command = await site.request(45.0, expires_s=2.0)
    await held.waits.wait()

    async def expired() -> bool:
        left = "SELECT expires_at < clock_timestamp() FROM pumpjack.commands WHERE command_id = $1"
        return bool(await site.database.fetchval(left, command))

    await until(expired)
    held.goes.set()
    state, detail = await site.end(command)
    assert (state, device.written) == ("refused", [])
    assert "expired before it was its turn" in detail["message"]
    await worker.stop()


async def test_a_worker_that_was_replaced_while_its_write_waited_does_not_send_it(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    held = Held(worker, monkeypatch)
    command = await site.request(45.0)
    await held.waits.wait()
    second = await site.worker(tmp_path / "another", site.config(suspend=True))
    await until(lambda: worker.pipeline.standing().state == "fenced")
    held.goes.set()
    assert (await site.end(command))[0] == "refused"
    await worker.stop()
    await second.stop()
    assert device.written == []


async def test_a_no_is_told_of_an_earlier_workers_command_only_once_it_cannot_be_written_any_more(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    """The earlier worker may be frozen, and wake."""
    await (await site.worker(tmp_path / "journal")).stop()
    command = await site.claimed_before(45.0, expires_s=30.0)
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    asked = 0

    def woken(_unit: int, area: Area, _start: int, count: int) -> None:
        nonlocal asked
        asked += area is Area.HOLDING and count == 1  # read back, not polled
        if asked == 6:  # some 2 s after the first: later than the tag has to be verified
            device.memory(1, Area.HOLDING).write(0, (450).to_bytes(2, "big"))

    device.on_read = woken
    state, detail = await site.end(command)
    assert (state, detail["read"]) == ("verified", 45.0)
    await worker.stop()
    assert shown(device) == 45.0


async def test_a_command_that_is_claimed_while_the_worker_stops_is_not_written(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    claimed, goes = asyncio.Event(), asyncio.Event()

    class Slow(Orders):
        async def claim_command(self, connection_id: str, fence: int) -> Claim | None:
            claim = await super().claim_command(connection_id, fence)
            if claim is not None:
                claimed.set()
                await goes.wait()
            return claim

    site.orders = Slow
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    command = await site.request(45.0)
    await claimed.wait()
    stop = asyncio.create_task(worker.stop())
    await until(worker.pipeline._stopping.is_set)
    goes.set()
    await stop
    state, detail = await site.end(command)
    assert (state, device.written) == ("refused", [])
    assert "stopping" in detail["message"]
