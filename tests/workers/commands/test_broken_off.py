"""Commands that somebody was torn from: the worker, the database. Nothing is written twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpjack_core.errors import StorageUnavailable
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import Wish
from pumpjack_worker.commands import carrying_out, loop
from pumpjack_worker.commands.standing import Told
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


async def test_a_command_that_the_database_has_forgotten_to_be_sent_is_told_again_not_written_again(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    """A standby took over that had not got the last commits."""
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    command = await site.request(45.0)
    assert (await site.end(command))[0] == "verified"
    device.memory(1, Area.HOLDING).write(0, (300).to_bytes(2, "big"))  # somebody else's word since
    await site.forget(command, "approved")
    await site.wake()
    assert (await site.end(command))[0] == "verified"
    await worker.stop()
    assert len(device.written) == 1


async def test_a_command_that_is_forgotten_while_it_is_carried_out_is_written_once(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    device.flaws.lies = True
    command = await site.request(45.0)

    async def said_yes() -> bool:
        return "accepted" in await site.steps(command)

    await until(said_yes)
    await site.forget(command, "approved")
    await site.wake()
    assert (await site.end(command))[0] == "mismatch"
    assert (await site.end(await site.request(1, "valve")))[0] in ("mismatch", "verified")
    await worker.stop()
    assert len(device.written) == 2, "the speed, and the valve"


async def test_a_command_whose_end_the_database_has_forgotten_ends_so_again(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.1)
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    command = await site.request(45.0)
    assert (await site.end(command))[0] == "verified"
    await site.forget(command, "sent")
    assert (await site.end(command))[0] == "verified", "not: nothing was written"
    await worker.stop()
    assert len(device.written) == 1


async def test_a_command_of_this_workers_fence_that_it_does_not_know_is_read_back(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fence that was lost with the last commits is given to two: nobody knows who wrote."""
    monkeypatch.setattr(loop, "LOOK_S", 0.1)
    worker = await site.worker(tmp_path / "journal", site.config(suspend=True))
    command = await site.claimed_before(45.0)
    device.memory(1, Area.HOLDING).write(0, (450).to_bytes(2, "big"))
    state, detail = await site.end(command)
    assert (state, detail.get("recovered")) == ("timeout", True), "a suspended one reads nothing"
    await worker.stop()


async def test_a_claim_that_commits_after_the_worker_gave_it_up_is_found_by_looking(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.1)
    looked = 0

    class GivesUp(Orders):
        lost = False

        async def unfinished_commands(self, connection_id: str, fence: int) -> list[Claim]:
            nonlocal looked
            looked += GivesUp.lost
            if GivesUp.lost and looked == 2:  # it commits only now
                late = await Orders.connect(site.writer_url)
                await late.claim_command(connection_id, fence)
                await late.close()
            return await super().unfinished_commands(connection_id, fence)

        async def claim_command(self, connection_id: str, fence: int) -> Claim | None:
            if not GivesUp.lost:
                GivesUp.lost = True
                raise StorageUnavailable("no answer came in time")
            return None

    site.orders = GivesUp
    command = await site.requested_without_a_worker(45.0, tmp_path)
    worker = await site.worker(tmp_path / "journal")
    state, detail = await site.end(command)
    assert (state, device.written) == ("refused", [])
    assert "nothing was written" in detail["message"]
    await worker.stop()


async def test_without_writes_what_an_earlier_worker_sent_is_told_before_the_loop_ends(
    site: Site, device: SimulatedDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end becomes known while the loop asks for more."""
    told = asyncio.Event()
    tell = loop.Commands._tell

    def telling(self: loop.Commands, what: Told) -> None:
        tell(self, what)
        told.set()

    class Slow(Orders):
        async def claim_command(self, connection_id: str, fence: int) -> Claim | None:
            await told.wait()
            await asyncio.sleep(0)  # the command's task ends
            return await super().claim_command(connection_id, fence)

    await (await site.worker(tmp_path / "journal")).stop()
    command = await site.claimed_before(45.0)
    monkeypatch.setattr(loop.Commands, "_tell", telling)
    site.orders = Slow
    worker = await site.worker(tmp_path / "journal", site.config(writes=False))
    assert (await site.end(command))[0] == "timeout"
    await worker.stop()


async def test_a_command_that_the_database_knows_no_more_holds_up_no_other(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    """It was failed over to a standby that had nothing of it."""
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")

    def on_write(wish: Wish) -> bytes:
        site.cut()
        return wish.content

    device.on_write = on_write
    command = await site.request(45.0)
    await until(lambda: device.written)
    device.on_write = None
    await site.database.execute("DELETE FROM pumpjack.command_steps WHERE command_id = $1", command)
    await site.database.execute("DELETE FROM pumpjack.commands WHERE command_id = $1", command)
    site.reachable = True
    state, _ = await site.end(await site.request(1.0, "valve"))
    assert state == "verified"
    await worker.stop()
