"""Publishers that others wrote: mosquitto_pub and the npm client, over a real mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import NotConnected
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import MEMOS_KEPT, Delivery, Surroundings
from pumpjack_worker.adapters.mqtt import session
from pumpjack_worker.adapters.mqtt.adapter import MqttAdapter
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.peers.node import installed, node
from tests.workers.adapters.contract import PATIENCE_S, ReadingContract, reconnect
from tests.workers.adapters.mqtt.broker import PAYLOADS, MqttRig, tag

pytestmark = pytest.mark.peers

PEERS = Path(__file__).parents[3] / "peers" / "mqtt"
MESSAGES = 5_000
TAG = tag("pads/7/telemetry;path=$.value;time=$.at")


def numbered(numbers: range) -> list[str]:
    """A payload for each number, each with a time of its own."""
    return [f'{{"value":{number},"at":{1_767_000_000_000 + number}}}' for number in numbers]


async def npm_publish(port: int, version: str, messages: list[tuple[str, str]]) -> int:
    """Publish with the npm client, on one connection; how many the broker took."""
    place = installed(PEERS)
    url = f"mqtt://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        node(),
        place / "publish.js",
        url,
        {"5": "5", "3.1.1": "4"}[version],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    lines = "".join(f"{topic}\t{payload}\n" for topic, payload in messages)
    try:
        said, _ = await process.communicate(lines.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return int(said)


class MosquittoPubRig(MqttRig):
    """Published to by mosquitto_pub."""

    async def stir(self) -> None:
        assert isinstance(self.broker, Mosquitto)
        for topic, payload in PAYLOADS.items():
            await self.broker.publish(topic, payload)


class NpmRig(MqttRig):
    """Published to by the npm client."""

    async def stir(self) -> None:
        messages = [(topic, payload.decode()) for topic, payload in PAYLOADS.items()]
        await npm_publish(self.broker.port, self.version, messages)


@pytest.fixture
async def proxy(broker: Mosquitto) -> AsyncIterator[FaultProxy]:
    async with FaultProxy((broker.host, broker.port)) as proxy:
        yield proxy


class TestMosquittoPub(ReadingContract):
    @pytest.fixture
    def rig(self, broker: Mosquitto, proxy: FaultProxy, version: str, tmp_path: Path) -> MqttRig:
        return MosquittoPubRig(proxy, broker, version, tmp_path / "state")


class TestNpmMqtt(ReadingContract):
    @pytest.fixture
    def rig(self, broker: Mosquitto, proxy: FaultProxy, version: str, tmp_path: Path) -> MqttRig:
        return NpmRig(proxy, broker, version, tmp_path / "state")


class Worker:
    """Takes what comes into a journal, in memory, and acknowledges it then.

    values  what the journal has, in its order
    """

    def __init__(self, rig: MqttRig) -> None:
        self._rig = rig
        self._memos: list[bytes] = []
        self.values: list[int] = []
        self._start()

    async def take(self, count: int) -> None:
        """Read until the journal has so many values, whatever the network and the broker do."""
        async with asyncio.timeout(3 * PATIENCE_S):
            while len(self.values) < count:
                await self._keep(await self._next())

    async def subscribe(self) -> None:
        """Have the session, and go away."""
        await self._adapter.connect()
        await self._adapter.close()
        self._start()

    async def kill(self) -> None:
        """Read a delivery that never reaches the journal, end without a word, and start anew."""
        async with asyncio.timeout(PATIENCE_S):
            while not len((delivery := await self._next()).batch):
                await self._keep(delivery)
            await self._adapter._session.subscribe(["pads/7/other"])  # a round trip
        self._rig.proxy.hang_up()
        await self._adapter.close()
        self._start()

    async def nothing_more_comes(self) -> None:
        """Whatever the broker still has is known already."""
        before = len(self.values)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.take(before + 1)
        assert self.values[before:] == []
        await self._adapter.close()

    async def _next(self) -> Delivery:
        while True:
            try:
                return await self._adapter.read_batch()
            except NotConnected:
                await reconnect(self._adapter)

    async def _keep(self, delivery: Delivery) -> None:
        self.values += map(int, delivery.batch.value.tolist())
        if delivery.memo:
            self._memos = [*self._memos, delivery.memo][-MEMOS_KEPT:]
        await delivery.ack()

    def _start(self) -> None:
        state = self._rig.surroundings.state
        self._adapter = MqttAdapter(
            self._rig.connection(**self._rig.quick),
            TagTable((TAG,)),
            SystemClock(),
            Surroundings(state=state, memos=tuple(self._memos)),
        )


@pytest.fixture
def away(
    broker: Mosquitto,
    proxy: FaultProxy,
    version: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MqttRig:
    """Few messages at a time come to the worker, so that much is left at each fault."""
    monkeypatch.setattr(session, "RECEIVE_MAXIMUM", 200)
    return MqttRig(proxy, broker, version, tmp_path / "state")


async def test_nothing_is_lost_or_doubled_while_worker_broker_and_network_come_and_go(
    away: MqttRig, broker: Mosquitto
) -> None:
    worker = Worker(away)
    await worker.subscribe()
    half = MESSAGES // 2
    await broker.publish_lines("pads/7/telemetry", numbered(range(half)))
    await broker.stop()
    await broker.start()
    await broker.publish_lines("pads/7/telemetry", numbered(range(half, MESSAGES)))

    await worker.take(500)
    away.proxy.hang_up()
    await worker.take(1_500)
    await worker.kill()
    await worker.take(2_500)
    await broker.stop()
    await broker.start()
    await worker.take(MESSAGES)
    assert sorted(worker.values) == list(range(MESSAGES))
    await worker.nothing_more_comes()


async def test_what_the_npm_client_publishes_over_a_restart_of_the_broker_all_arrives(
    away: MqttRig, broker: Mosquitto, version: str
) -> None:
    """The publisher sends again what was not acknowledged to it, so some may come twice."""
    worker = Worker(away)
    await worker.subscribe()
    messages = [("pads/7/telemetry", payload) for payload in numbered(range(MESSAGES))]
    publishing = asyncio.create_task(npm_publish(broker.port, version, messages))
    await worker.take(500)
    await broker.stop()
    await broker.start()
    assert await publishing == MESSAGES
    await worker.take(MESSAGES)
    while len(set(worker.values)) < MESSAGES:
        await worker.take(len(worker.values) + 1)
    await worker.nothing_more_comes()
    assert set(worker.values) == set(range(MESSAGES))
