"""Commands by way of a broker: what is published, and how the next reading tells."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from pumpjack_core.clock import SystemClock, since_boot_s
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import DeviceError, NotConnected, Unanswered, WriteRefused
from pumpjack_core.storage.commands import Claim
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.adapters.mqtt.adapter import MqttAdapter
from pumpjack_worker.adapters.mqtt.packets import Packet, Puback, Publish
from pumpjack_worker.adapters.mqtt.simulated_broker import Broker
from pumpjack_worker.adapters.mqtt.simulated_devices import SimulatedDevices
from pumpjack_worker.adapters.mqtt.simulated_places import place
from pumpjack_worker.adapters.mqtt.simulated_publisher import Publisher as SimulatedPublisher
from pumpjack_worker.adapters.mqtt.writing import payload_of, place_of
from pumpjack_worker.commands.carrying_out import CarryingOut
from pumpjack_worker.commands.readings import Readings
from pumpjack_worker.commands.standing import Standing, Told
from tests.mosquitto import Mosquitto
from tests.workers.adapters.contract import read
from tests.workers.adapters.mqtt.broker import MqttRig
from tests.workers.adapters.mqtt.reading import make
from tests.workers.adapters.mqtt.scripted import ScriptedBroker
from tests.workers.pipeline.scripted import until

COMMAND_ID = UUID(int=7)
SET = Write(low=0.0, high=20.0, address="pads/7/set;path=$.pump.speed", verify_s=4.0)


def tag(data_type: str = "float64", write: Write | None = SET, **more: Any) -> Tag:
    address = "pads/7/telemetry;path=$.speed_setpoint"
    return Tag("w1", "speed_setpoint", address, data_type, 0.1, unit="spm", write=write, **more)


PUBLISHED = {
    "a number as text": ("pads/7/set", "float64", 12.5, b"12.5"),
    "a whole number": ("pads/7/set", "int16", 12, b"12"),
    "a float32 in its own digits": ("pads/7/set", "float32", 0.10000000149011612, b"0.1"),
    "a switch as text": ("pads/7/set", "bool", True, b"1"),
    "within JSON": ("pads/7/set;path=$.pump.speed", "float64", 12.5, b'{"pump":{"speed":12.5}}'),
    "a switch within JSON": ("pads/7/set;path=$.run", "bool", False, b'{"run":false}'),
}


@pytest.mark.parametrize(("address", "kind", "raw", "payload"), PUBLISHED.values(), ids=PUBLISHED)
def test_what_is_published(address: str, kind: str, raw: Any, payload: bytes) -> None:
    one = tag(kind, replace(SET, address=address))
    assert payload_of(place_of(one), raw, kind) == payload


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "no topic for commands; set write.address"),
        ("pads/+/set", "wildcard"),
        ("pads/7/set;path=$.rows[0]", "names members of objects"),
        ("pads/7/set;path=$.rows[*]", "names members of objects"),
        ("pads/7/set;path=$.v;time=$.t", "no time"),
    ],
)
def test_a_place_that_nothing_can_be_published_to_is_refused(address: str, why: str) -> None:
    with pytest.raises(WriteRefused, match=why):
        place_of(tag(write=replace(SET, address=address)))


class Pad:
    """A worker's adapter and commands at a broker, and a device that the test starts."""

    def __init__(self, rig: MqttRig) -> None:
        self.rig = rig
        self.adapter = MqttAdapter(
            rig.connection(timeout="2s"), TagTable((tag(),)), SystemClock(), rig.surroundings
        )
        self.readings = Readings()
        self.told: list[Told] = []
        self.seen: list[float] = []
        connection = replace(rig.connection(), writes=True)
        standing = Standing(WorkerConfig(connection, TagTable((tag(),))), "connected", None, 1)
        self._commands = CarryingOut(self.adapter, lambda: standing, self.readings, SystemClock())

    async def command(self, value: float) -> Told:
        """Carry one out: how it ended."""
        claim = Claim(COMMAND_ID, "w1", "speed_setpoint", value, 1, since_boot_s() + 60.0)
        await self._commands.carry_out(claim, self.told.append)
        return self.told[-1]

    @contextlib.asynccontextmanager
    async def device(self, *, deaf: bool = False) -> AsyncIterator[SimulatedDevices]:
        """A device that publishes, and listens for commands."""
        devices = SimulatedDevices([place(tag())])
        devices.deaf = deaf
        publisher = SimulatedPublisher(
            "127.0.0.1",
            self.rig.broker.port,
            "device",
            tell=print,
            topics=devices.commands,
            on_message=devices.command,
        )

        async def live() -> None:
            while True:
                for topic, payload in devices.step(SystemClock().now_us()):
                    publisher.publish(topic, payload)
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(publisher.run()), asyncio.create_task(live())]
        try:
            yield devices
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def read_forever(self) -> None:
        """What the pipeline does."""
        while True:
            batch = await read(self.adapter)
            self.readings.saw(batch)
            self.seen += batch.value.tolist()


@pytest.fixture
async def pad(rig: MqttRig) -> AsyncIterator[Pad]:
    pad = Pad(rig)
    await pad.adapter.connect()
    task = asyncio.create_task(pad.read_forever())
    yield pad
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pad.adapter.close()


@pytest.mark.peers
async def test_a_command_is_verified_by_the_devices_next_reading(pad: Pad) -> None:
    async with pad.device():
        await until(lambda: pad.seen)
        told = await pad.command(4.5)
        assert [one.state for one in pad.told] == ["accepted", "verified"]
        assert told.detail["read"] == 4.5


@pytest.mark.peers
async def test_a_device_that_does_not_obey_is_a_mismatch_with_its_reading(pad: Pad) -> None:
    async with pad.device(deaf=True):
        await until(lambda: pad.seen)
        told = await pad.command(19.0)
        assert (told.state, told.detail["read"]) == ("mismatch", pad.seen[-1])


@pytest.mark.peers
async def test_a_command_that_nobody_listens_to_is_refused_or_never_verified(
    pad: Pad, version: str
) -> None:
    """MQTT 5 has a code for it, 3.1.1 has not."""
    told = await pad.command(4.5)
    if version == "5":
        assert told.state == "refused"
        assert "nobody is subscribed to pads/7/set" in told.detail["message"]
    else:
        assert (told.state, told.detail["read"]) == ("timeout", None)


@pytest.mark.peers
async def test_a_command_waits_for_no_device_at_a_broker_with_mqtt_5(
    rig: MqttRig, version: str
) -> None:
    if version != "5":
        pytest.skip("no-expiry: MQTT 3.1.1 has none")
    soon = tag(write=replace(SET, verify_s=1.0))
    pad = Pad(rig)
    await pad.adapter.connect()
    async with pad.device():  # its session at the broker outlives it
        task = asyncio.create_task(pad.read_forever())
        await until(lambda: pad.seen)
    await pad.adapter.write(soon, 4.5)
    await asyncio.sleep(3.5)  # by the broker's clock, in whole seconds, it expires
    async with pad.device() as devices:
        pad.seen.clear()
        await until(lambda: len(pad.seen) > 5)
        assert devices.field.value[0] != 4.5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pad.adapter.close()


@pytest.mark.peers
async def test_what_the_broker_did_not_acknowledge_is_unknown_and_not_published_again(
    rig: MqttRig, broker: Mosquitto
) -> None:
    adapter = rig.make(tag(), connection=rig.connection(**rig.quick))
    await adapter.connect()
    rig.proxy.stall()
    with pytest.raises(Unanswered, match="pads/7/set"):
        await adapter.write(tag(), 4.5)
    with pytest.raises(NotConnected):
        await adapter.write(tag(), 4.5)
    rig.proxy.hang_up()
    rig.proxy.resume()
    heard: list[bytes] = []
    listener = SimulatedPublisher(
        "127.0.0.1",
        broker.port,
        "listener",
        tell=print,
        topics=["pads/7/set"],
        on_message=lambda _topic, payload: heard.append(payload),
    )
    task = asyncio.create_task(listener.run())
    await adapter.connect()
    async with asyncio.timeout(20):
        while not heard:  # until the listener's subscription stands
            with contextlib.suppress(WriteRefused):
                await adapter.write(tag(), 5.0)
            await asyncio.sleep(0.05)
    assert set(heard) == {b'{"pump":{"speed":5.0}}'}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await adapter.close()


class Says(ScriptedBroker):
    """Acknowledges what is published with a reason code."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code

    def _answer(self, packet: Packet) -> None:
        if isinstance(packet, Publish):
            self.send(Puback(packet.packet_id, self.code))
        else:
            super()._answer(packet)


REASON_CODES = {
    "unspecified error": (0x80, WriteRefused),
    "not authorized": (0x87, WriteRefused),
    "quota exceeded": (0x97, WriteRefused),
    "packet identifier in use": (0x91, Unanswered),
    "none of the specification": (0xEE, Unanswered),
}


@pytest.mark.parametrize(("code", "error"), REASON_CODES.values(), ids=REASON_CODES)
async def test_a_command_is_refused_only_where_the_broker_certainly_did_not_pass_it_on(
    code: int, error: type[DeviceError]
) -> None:
    async with Says(code) as broker:
        adapter = make(broker.port, tag())
        await adapter.connect()
        with pytest.raises(error, match="pads/7/set"):
            await adapter.write(tag(), 4.5)
        await adapter.close()


async def test_a_command_that_may_not_go_any_more_is_not_published() -> None:
    def too_late() -> None:
        raise WriteRefused("it has expired")

    async with Says(0) as broker:
        adapter = make(broker.port, tag())
        await adapter.connect()
        with pytest.raises(WriteRefused, match="expired"):
            await adapter.write(tag(), 4.5, too_late)
        await adapter.write(tag(), 5.0)
        published = [packet.payload for packet in broker.got if isinstance(packet, Publish)]
        assert published == [b'{"pump":{"speed":5.0}}']
        await adapter.close()


async def test_the_simulators_own_broker_gives_commands_to_its_devices() -> None:
    devices = SimulatedDevices([place(tag())])
    async with Broker() as broker:
        broker.routing.on_publish = devices.command
        broker.publish("pads/7/set", b'{"pump":{"speed":4.5}}')
        broker.publish("pads/7/set", b'{"pump":"fast"}')
        broker.publish("pads/7/set", b"no JSON")
        broker.publish("pads/8/set", b'{"pump":{"speed":9}}')
    ((topic, payload),) = devices.step(SystemClock().now_us())
    assert (topic, json.loads(payload)["speed_setpoint"]) == ("pads/7/telemetry", 4.5)
