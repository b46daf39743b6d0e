"""Commands that somebody was torn from: the worker, the database. Nothing is written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.errors import StorageUnavailable
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import Wish
from pumpjack_worker.commands import carrying_out
from tests.faults import FaultProxy
from tests.workers.commands.site import Site
from tests.workers.pipeline.scripted import until

pytestmark = pytest.mark.servers


async def test_what_an_earlier_worker_sent_is_read_back_and_never_written_again(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    await (await site.worker(tmp_path / "journal")).stop()
    command = await site.claimed_before(45.0)
    worker = await site.worker(tmp_path / "journal")
    state, detail = await site.end(command)
    assert (state, detail["read"], detail["recovered"]) == ("timeout", 30.0, True)
    await worker.stop()
    assert device.written == []


async def test_what_an_earlier_worker_sent_and_the_device_has_done_is_verified(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    await (await site.worker(tmp_path / "journal")).stop()
    command = await site.claimed_before(45.0)
    device.memory(1, Area.HOLDING).write(0, (450).to_bytes(2, "big"))
    worker = await site.worker(tmp_path / "journal")
    state, detail = await site.end(command)
    assert (state, detail["read"], detail["recovered"]) == ("verified", 45.0, True)
    await worker.stop()
    assert device.written == []


async def test_what_an_earlier_worker_sent_to_a_device_that_is_gone_since_is_a_timeout(
    site: Site,
    device: SimulatedDevice,
    proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrying_out, "RECOVERY_S", 0.5)
    await (await site.worker(tmp_path / "journal")).stop()
    command = await site.claimed_before(45.0)
    await proxy.refuse()
    worker = await site.worker(tmp_path / "journal")
    state, detail = await site.end(command)
    assert (state, detail["read"]) == ("timeout", None)
    assert "look at the device" in detail["message"]
    await worker.stop()


async def test_what_became_of_a_command_is_told_once_the_database_is_back(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")

    def on_write(wish: Wish) -> bytes:
        site.cut()
        return wish.content

    device.on_write = on_write
    command = await site.request(45.0)
    await until(lambda: device.written)
    asked = sum(device.requests.values())
    await until(lambda: sum(device.requests.values()) > asked + 20)
    assert (await site.steps(command))[-1] == "sent"
    site.reachable = True
    state, detail = await site.end(command)
    assert (state, detail["read"]) == ("verified", 45.0)
    assert "recovered" not in detail, "told from memory"
    await worker.stop()
    assert len(device.written) == 1


async def test_a_claim_whose_answer_was_lost_is_told_as_not_written(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    class Forgetful(Orders):
        lost = 0

        async def claim_command(self, connection_id: str, fence: int) -> Claim | None:
            claim = await super().claim_command(connection_id, fence)
            if claim is not None and not Forgetful.lost:
                Forgetful.lost += 1
                raise StorageUnavailable("the connection broke before the answer came")
            return claim

    site.orders = Forgetful
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    state, detail = await site.end(await site.request(45.0))
    assert (state, device.written) == ("refused", [])
    assert "nothing was written" in detail["message"]
    assert (await site.end(await site.request(45.0)))[0] == "verified"
    await worker.stop()


async def test_a_worker_that_must_stop_in_the_middle_leaves_the_truth_to_the_next(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    device.flaws.lies = True
    command = await site.request(45.0, expires_s=10.0)

    async def said_yes() -> bool:
        return "accepted" in await site.steps(command)

    await until(said_yes)
    await worker.stop(drain_s=0.0)
    assert (await site.steps(command))[-1] == "accepted"
    second = await site.worker(tmp_path / "journal")
    state, detail = await site.end(command)
    assert (state, detail["read"]) == ("mismatch", 30.0), "it had said yes"
    await second.stop()
    assert len(device.written) == 1
