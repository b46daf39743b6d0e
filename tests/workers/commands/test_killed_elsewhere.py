"""A worker that is killed while an OPC UA server, or a device behind a broker, is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from pumpjack_core import config, wire
from pumpjack_core.manifests.types import Mqtt, Opcua, ScadaConnectionSpec
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.adapters.mqtt.packets import Publish
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.plain_client import PlainClient
from tests.workers.commands.site import CONNECTION, TENANT, Site
from tests.workers.commands.test_killed import Program
from tests.workers.pipeline.scripted import until

pytestmark = [pytest.mark.servers, pytest.mark.peers]

NODE, TOPIC = "ns=2;s=speed", "pads/7/speed"
FIRST = 30.0


class Device(Protocol):
    """What the test sees of it. asked: the values that it was told to take, in their order."""

    asked: list[float]
    obeys: bool
    on_asked: Callable[[], None]
    spec: ScadaConnectionSpec
    tag: Tag


class OpcuaDevice:
    def __init__(self, server: SimulatedServer) -> None:
        self.asked: list[float] = []
        self.obeys = True
        self.on_asked: Callable[[], None] = lambda: None
        target = Opcua(endpoint=server.url, security="None", publishing_interval="50ms")
        self.spec = ScadaConnectionSpec(protocol="opcua", opcua=target)
        self.tag = Tag(
            *("a1", "speed", NODE, "float64", 0.1),
            write=Write(low=0.0, high=60.0, verify_s=2.0),
        )
        server.on_write(self._ask)

    def _ask(self, _node: str, value: float) -> float:
        self.asked.append(value)
        self.on_asked()
        return value if self.obeys else FIRST

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Device]:
        async with SimulatedServer({NODE: SimulatedNode(value=FIRST, writable=True)}) as server:
            yield cls(server)


class MqttDevice:
    """It tells its speed ten times a second."""

    def __init__(self, broker: Mosquitto) -> None:
        self.asked: list[float] = []
        self.obeys = True
        self.on_asked: Callable[[], None] = lambda: None
        self._shown = FIRST
        target = Mqtt(host=broker.host, port=broker.port, tls=False)
        self.spec = ScadaConnectionSpec(protocol="mqtt", mqtt=target)
        self.tag = Tag(
            *("a1", "speed", TOPIC, "float64", 0.1),
            write=Write(low=0.0, high=60.0, verify_s=2.0, address=f"{TOPIC}/set"),
        )

    async def hear(self, client: PlainClient) -> None:
        await client.subscribe(f"{TOPIC}/set")
        while True:
            message = await client.next(Publish)
            self.asked.append(float(message.payload))
            self.on_asked()
            if self.obeys:
                self._shown = self.asked[-1]
            await client.acknowledge(message)

    async def tell(self, client: PlainClient) -> None:
        while True:
            await client.publish(TOPIC, str(self._shown).encode())
            await asyncio.sleep(0.1)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Device]:
        async with (
            Mosquitto() as broker,
            await PlainClient.connect(broker.port, "pad-ear", keep_alive_s=0) as ear,
            await PlainClient.connect(broker.port, "pad-mouth", keep_alive_s=0) as mouth,
        ):
            device = cls(broker)
            tasks = [asyncio.create_task(device.hear(ear))]
            tasks.append(asyncio.create_task(device.tell(mouth)))
            try:
                yield device
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


DEVICES = {"OPC UA": OpcuaDevice, "MQTT": MqttDevice}


@pytest.fixture(params=DEVICES.values(), ids=list(DEVICES))
async def device(request: pytest.FixtureRequest) -> AsyncIterator[Device]:
    async with request.param.open() as device:
        yield device


@pytest.fixture
async def program(site: Site, device: Device, tmp_path: Path) -> AsyncIterator[Program]:
    config.save(
        config.worker_config(
            tenant_id=TENANT,
            connection_id=CONNECTION,
            spec=device.spec,
            allowed_networks=("127.0.0.0/8",),
            tags=TagTable((device.tag,)),
            writes=True,
        ),
        tmp_path / "config",
    )
    program = Program(site, tmp_path)
    await program.start()

    async def connected() -> bool:
        text = await site.redis.hget(wire.heartbeat_key(TENANT), CONNECTION)
        return text is not None and msgspec.json.decode(text)["state"] == "connected"

    await until(connected, 40.0)
    yield program
    await program.kill()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("obeys", [True, False], ids=["it does it", "it does not"])
async def test_killed_while_the_device_is_asked(
    site: Site, device: Device, program: Program, obeys: bool
) -> None:
    device.obeys, device.on_asked = obeys, program.kill_now
    command = await site.request(45.0, expires_s=10.0)
    await until(lambda: device.asked)
    device.on_asked = lambda: None
    await program.kill()
    steps = await site.steps(command)
    assert steps[-1] in ("sent", "accepted"), "on record before the device was asked"
    await program.start()
    state, detail = await site.end(command)
    assert detail["recovered"] is True
    if obeys:
        assert (state, detail["read"]) == ("verified", 45.0)
    else:  # a yes that is on record makes it a lie
        assert state == ("mismatch" if "accepted" in steps else "timeout")
        assert detail["read"] == FIRST
    assert device.asked == [45.0], "written once"
