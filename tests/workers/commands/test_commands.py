"""What happens to a command, from its row to the device and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from pumpjack_core import wire
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_core.tags import Write
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import Wish
from pumpjack_worker.commands import loop
from tests.faults import FaultProxy
from tests.workers.commands.site import TAGS, TENANT, Site, shown, speed
from tests.workers.pipeline.scripted import Worker, until

pytestmark = pytest.mark.servers


@pytest.fixture
async def worker(site: Site, tmp_path: Path) -> AsyncIterator[Worker]:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    yield worker
    await worker.stop()


async def test_a_value_is_written_read_back_and_told_at_each_step(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    command = await site.request(45.0)
    state, detail = await site.end(command)
    assert state == "verified", detail
    assert await site.steps(command) == [
        *("requested", "validated", "approved"),
        *("sent", "accepted", "verified"),
    ]
    assert (detail["written"], detail["read"]) == (45.0, 45.0)
    assert detail["message"] == "the device shows 45 Hz"
    assert shown(device) == 45.0
    assert len(device.written) == 1


async def test_what_rounding_makes_of_a_value_is_told(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    state, detail = await site.end(await site.request(45.04))
    assert state == "verified"
    assert (detail["written"], detail["rounded"], shown(device)) == (45.0, True, 45.0)


async def test_a_switch_is_turned(site: Site, device: SimulatedDevice, worker: Worker) -> None:
    assert (await site.end(await site.request(1, "valve")))[0] == "verified"
    assert (await site.end(await site.request(0, "valve")))[0] == "verified"
    assert [wish.content for wish in device.written] == [b"\1", b"\0"]


async def test_a_device_that_says_no_is_quoted(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.flaws.refuses = 3
    command = await site.request(45.0)
    state, detail = await site.end(command)
    assert state == "refused"
    assert "exception 3, illegal data value" in detail["message"]
    assert len(device.written) == 1
    assert "accepted" not in await site.steps(command)


async def test_a_device_that_says_yes_and_does_nothing_is_a_mismatch_with_what_it_shows(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.flaws.lies = True
    command = await site.request(45.0)
    state, detail = await site.end(command)
    assert state == "mismatch"
    assert detail["read"] == 30.0
    assert detail["message"] == "the device shows 30 Hz instead of 45 Hz"
    assert "accepted" in await site.steps(command)
    assert len(device.written) == 1


async def test_a_device_that_clamps_is_a_mismatch_with_what_it_took(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.on_write = lambda wish: min(wish.content, (400).to_bytes(2, "big"))
    state, detail = await site.end(await site.request(45.0))
    assert (state, detail["read"]) == ("mismatch", 40.0)


async def test_a_device_that_does_it_and_does_not_answer_is_verified_and_that_is_told(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.flaws.mute = True
    command = await site.request(45.0)
    state, detail = await site.end(command)
    assert (state, detail["unanswered"]) == ("verified", True)
    assert "did not answer" in detail["message"]
    assert "accepted" not in await site.steps(command)
    assert len(device.written) == 1


async def test_a_device_that_neither_does_it_nor_answers_is_a_timeout_with_what_it_shows(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.flaws.mute = device.flaws.lies = True
    state, detail = await site.end(await site.request(45.0))
    assert (state, detail["read"]) == ("timeout", 30.0)
    assert len(device.written) == 1


async def test_a_device_that_is_slow_to_do_it_is_waited_for(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    asked = 0

    def later(_unit: int, _area: Area, _start: int, _count: int) -> None:
        nonlocal asked
        asked += 1
        if asked == 5:
            device.memory(1, Area.HOLDING).write(0, (450).to_bytes(2, "big"))

    device.flaws.lies = True

    def on_write(wish: Wish) -> bytes:
        device.on_read = later
        return wish.content

    device.on_write = on_write
    state, detail = await site.end(await site.request(45.0))
    assert (state, detail["read"]) == ("verified", 45.0)


async def test_nothing_is_kept_for_a_device_that_is_away(
    site: Site, device: SimulatedDevice, proxy: FaultProxy, worker: Worker
) -> None:
    await proxy.refuse()
    await until(lambda: worker.pipeline.status().state == "disconnected")
    state, detail = await site.end(await site.request(45.0))
    assert state == "refused"
    assert "not connected" in detail["message"]
    assert str(proxy.port) in detail["message"], "the device's own reason"
    await proxy.accept()
    await until(lambda: worker.pipeline.status().state == "connected")
    assert (await site.end(await site.request(20.0)))[0] == "verified"
    assert len(device.written) == 1


async def test_a_session_that_ends_before_the_answer_leaves_no_second_write(
    site: Site, device: SimulatedDevice, proxy: FaultProxy, worker: Worker
) -> None:
    def on_write(wish: Wish) -> bytes:
        proxy.hang_up()
        return wish.content

    device.on_write = on_write
    state, detail = await site.end(await site.request(45.0))
    assert (state, detail.get("unanswered"), detail["read"]) == ("verified", True, 45.0)
    assert len(device.written) == 1


async def test_a_suspended_connection_refuses(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    worker = await site.worker(tmp_path / "journal", site.config(suspend=True))
    state, detail = await site.end(await site.request(45.0))
    assert state == "refused"
    assert "suspended" in detail["message"]
    await worker.stop()
    assert device.written == []


async def test_writes_that_are_off_in_the_worker_are_refused_whatever_the_row_says(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    first = await site.worker(tmp_path / "journal")
    await first.stop()
    command = await site.request(45.0)
    worker = await site.worker(tmp_path / "journal", site.config(writes=False))
    state, detail = await site.end(command)
    assert state == "refused"
    assert "write" in str(detail)
    await worker.stop()
    assert device.written == []


async def test_a_worker_keeps_the_limits_that_it_knows_whatever_the_row_says(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    low = replace(speed(), write=Write(low=0.0, high=40.0))
    worker = await site.worker(tmp_path / "journal", site.config((low, *TAGS[1:])))
    await until(lambda: worker.pipeline.status().state == "connected")
    await site.database.execute("UPDATE pumpjack.tag_definition SET write_high = 60")
    state, detail = await site.end(await site.request(45.0))
    assert state == "refused"
    assert "45 is outside the limits of speed, 0 to 40 Hz" in detail["message"], detail
    await worker.stop()
    assert device.written == []


async def test_an_expired_command_is_not_written(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    first = await site.worker(tmp_path / "journal")
    await first.stop()
    command = await site.request(45.0)
    await site.database.execute(
        "UPDATE pumpjack.commands SET expires_at = clock_timestamp() WHERE command_id = $1", command
    )
    worker = await site.worker(tmp_path / "journal")
    assert (await site.end(await site.request(1, "valve")))[0] == "verified"
    assert "sent" not in await site.steps(command)
    await worker.stop()
    assert len(device.written) == 1


async def test_a_worker_that_was_replaced_claims_nothing(
    site: Site, device: SimulatedDevice, worker: Worker, tmp_path: Path
) -> None:
    second = await site.worker(tmp_path / "another", site.config(suspend=True))
    for _ in range(3):
        state, detail = await site.end(await site.request(45.0))
        assert state == "refused"
        assert "suspended" in detail["message"], "the second's answer"
    await second.stop()
    assert device.written == []


async def test_a_worker_that_was_replaced_claims_nothing_of_a_database_that_has_forgotten_it(
    site: Site, device: SimulatedDevice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.1)
    looks = 0

    class Counted(Orders):
        async def unfinished_commands(self, connection_id: str, fence: int) -> list[Claim]:
            nonlocal looks
            looks += 1
            return await super().unfinished_commands(connection_id, fence)

    site.orders = Counted
    worker = await site.worker(tmp_path / "journal")
    fence = worker.pipeline.writer.fence
    second = await site.worker(tmp_path / "another", site.config(suspend=True))
    await until(lambda: worker.pipeline.standing().state == "fenced")
    await second.stop()
    await site.database.execute("UPDATE pumpjack.connection SET fence = $1", fence)
    command = await site.request(45.0)
    before = looks
    await until(lambda: looks > before + 2)
    assert (await site.steps(command))[-1] == "approved"
    assert device.written == []
    await worker.stop()


async def test_commands_on_two_tags_do_not_wait_for_one_another_and_reading_goes_on(
    site: Site, device: SimulatedDevice, worker: Worker
) -> None:
    device.flaws.lies = True
    slow = await site.request(45.0)
    await until(lambda: _has(site, slow, "accepted"))
    device.flaws.lies = False
    read_before = worker.pipeline.status().readings
    assert (await site.end(await site.request(1, "valve")))[0] == "verified"
    assert (await site.end(slow))[0] == "mismatch"
    await until(lambda: worker.pipeline.status().readings > read_before + 6)
    assert worker.pipeline.status().state == "connected"


async def test_without_redis_a_command_is_found_by_looking(
    site: Site, device: SimulatedDevice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loop, "LOOK_S", 0.1)
    site.redis_url = "redis://127.0.0.1:1"
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    assert (await site.end(await site.request(45.0, wake=False)))[0] == "verified"
    await worker.stop()


async def test_gateways_are_woken_when_something_was_told(site: Site, worker: Worker) -> None:
    listener = site.redis.pubsub()
    await listener.subscribe(wire.alarms_channel(TENANT))
    await site.end(await site.request(45.0))
    kinds: list[str] = []

    async def heard() -> bool:
        message = await listener.get_message(ignore_subscribe_messages=True, timeout=0.1)
        if message is not None:
            told = msgspec.json.decode(message["data"])
            kinds.append(told["type"])
        return "commands-stored" in kinds

    await until(heard)
    await listener.aclose()


async def test_a_stop_waits_for_the_command_under_way(
    site: Site, device: SimulatedDevice, tmp_path: Path
) -> None:
    worker = await site.worker(tmp_path / "journal")
    await until(lambda: worker.pipeline.status().state == "connected")
    device.flaws.late_s = 0.2
    command = await site.request(45.0)
    await until(lambda: device.written)
    await worker.stop()
    assert (await site.steps(command))[-1] == "verified"


async def _has(site: Site, command: UUID, state: str) -> bool:
    return state in await site.steps(command)
