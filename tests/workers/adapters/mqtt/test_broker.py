"""The simulator's broker keeps what MQTT promises, as mosquitto does in the same tests."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from pumpjack_core.errors import PumpjackError
from pumpjack_worker.adapters.mqtt import packets, properties, simulated_session
from pumpjack_worker.adapters.mqtt.packets import (
    NO_RETAINED,
    SEND_RETAINED_IF_NEW,
    V5,
    V311,
    Subscription,
    Version,
)
from pumpjack_worker.adapters.mqtt.simulated_broker import Broker
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto, program
from tests.peers.node import installed, node
from tests.workers.adapters.contract import (
    AcknowledgementContract,
    FaultContract,
    ReadingContract,
)
from tests.workers.adapters.mqtt.broker import MqttRig
from tests.workers.adapters.mqtt.plain_client import PlainClient

PEERS = Path(__file__).parents[3] / "peers" / "mqtt"
TAKEN_OVER, QUOTA_EXCEEDED, KEEP_ALIVE_TIMEOUT = 0x8E, 0x97, 0x8D
MALFORMED, BAD_LOGIN, TOO_LARGE = 0x81, 0x87, 0x95
PEER_LIMIT_S = 60.0


class Running(Protocol):
    """A broker that answers."""

    @property
    def port(self) -> int: ...


Start = Callable[..., AbstractAsyncContextManager[Running]]


@contextlib.asynccontextmanager
async def ours(users: dict[str, str] | None = None) -> AsyncIterator[Running]:
    async with Broker(logins=users) as broker:
        yield broker


@contextlib.asynccontextmanager
async def mosquitto(users: dict[str, str] | None = None) -> AsyncIterator[Running]:
    async with Mosquitto(users=users) as broker:
        yield broker


@pytest.fixture(params=[ours, pytest.param(mosquitto, marks=pytest.mark.peers)])
def start(request: pytest.FixtureRequest) -> Start:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def port(start: Start) -> AsyncIterator[int]:
    async with start() as broker:
        yield broker.port


both_versions = pytest.mark.parametrize("version", [V5, V311], ids=["5", "3.1.1"])
connect = PlainClient.connect


def payloads(messages: list[packets.Publish]) -> list[bytes]:
    return [message.payload for message in messages]


class TestPromisesOfQos1:
    @both_versions
    async def test_what_comes_while_the_client_is_away_waits_for_it(
        self, port: int, version: Version
    ) -> None:
        async with await connect(port, "worker", version=version) as worker:
            assert await worker.subscribe("pads/#") == (1,)
        sent = [b"%d" % number for number in range(500)]
        async with await connect(port, "device", version=version) as device:
            for payload in sent:
                assert (await device.publish("pads/7", payload)).code == 0
        async with await connect(port, "worker", version=version) as worker:
            assert worker.answer.session_present
            came = await worker.acknowledged(500)
            assert payloads(came) == sent
            assert not any(message.dup for message in came)
            await worker.assert_quiet()

    @both_versions
    async def test_what_was_not_acknowledged_comes_again_marked_and_under_its_packet_id(
        self, port: int, version: Version
    ) -> None:
        async with await connect(port, "device", version=version) as device:
            async with await connect(port, "worker", version=version) as worker:
                await worker.subscribe("pads/#")
                for number in range(10):
                    await device.publish("pads/7", b"%d" % number)
                first = await worker.messages(10)
                await worker.acknowledge(*first[:3], first[5])
                await worker.send(packets.Pingreq())
                await worker.next(packets.Pingresp)  # so the broker has the acknowledgements
            async with await connect(port, "worker", version=version) as worker:
                await device.publish("pads/7", b"new")
                again = await worker.acknowledged(7)
        old = first[3:5] + first[6:]
        assert [(one.packet_id, one.payload) for one in again[:6]] == [
            (one.packet_id, one.payload) for one in old
        ]
        assert [one.dup for one in again] == [True] * 6 + [False]
        assert again[6].payload == b"new"

    async def test_no_more_is_in_flight_than_the_client_allows(self, port: int) -> None:
        told = {properties.SESSION_EXPIRY: 600, properties.RECEIVE_MAXIMUM: 3}
        async with await connect(port, "device") as device:
            async with await connect(port, "worker", told=told) as worker:
                await worker.subscribe("pads/#")
                for number in range(8):
                    await device.publish("pads/7", b"%d" % number)
                assert payloads(await worker.messages(3)) == [b"0", b"1", b"2"]
                await worker.assert_quiet()

    async def test_each_acknowledgement_lets_one_more_out_also_after_a_reconnect(self) -> None:
        """Only ours: mosquitto 2.0.11 lets two out, and sends again beside its window."""
        told = {properties.SESSION_EXPIRY: 600, properties.RECEIVE_MAXIMUM: 3}
        async with ours() as broker, await connect(broker.port, "device") as device:
            async with await connect(broker.port, "worker", told=told) as worker:
                await worker.subscribe("pads/#")
                for number in range(8):
                    await device.publish("pads/7", b"%d" % number)
                held = await worker.messages(3)
                await worker.assert_quiet()
                await worker.acknowledge(held[1])
                await worker.messages(1)
                await worker.assert_quiet()
            async with await connect(broker.port, "worker", told=told) as worker:
                again = await worker.messages(3)
                await worker.assert_quiet()
                assert payloads(again) == [b"0", b"2", b"3"]
                assert len({one.packet_id for one in again}) == 3
                await worker.acknowledge(*again)
                assert payloads(await worker.acknowledged(4)) == [b"4", b"5", b"6", b"7"]

    async def test_packet_ids_are_used_again_but_never_of_what_is_in_flight(self) -> None:
        session = simulated_session.Session("worker")
        session.begin(10)
        message = simulated_session.Message("t", b"", 1)
        seen: list[int] = []
        for _ in range(simulated_session.LAST_PACKET_ID + 5):
            session.keep(simulated_session.Outgoing(message, 1))
            sending = session.next_sending(0.0)
            assert sending is not None
            seen.append(sending.packet_id)
            if sending.packet_id != 2:
                session.acknowledged(sending.packet_id)
        assert seen[-5:] == [1, 3, 4, 5, 6]
        assert 0 not in seen

    async def test_a_message_with_an_end_is_not_delivered_after_it(self, port: int) -> None:
        async with await connect(port, "worker") as worker:
            await worker.subscribe("pads/#")
        async with await connect(port, "device") as device:
            for number, told in enumerate(({properties.MESSAGE_EXPIRY: 1}, {})):
                await device.send(
                    packets.Publish(b"pads/7", b"%d" % number, 1, number + 1, properties=told)
                )
                await device.next(packets.Puback)
        await asyncio.sleep(2.1)  # the broker's clock counts in seconds
        async with await connect(port, "worker") as worker:
            assert payloads(await worker.acknowledged(1)) == [b"1"]
            await worker.assert_quiet()


class TestSessions:
    @both_versions
    async def test_a_clean_start_forgets_the_session(self, port: int, version: Version) -> None:
        async with await connect(port, "worker", version=version) as worker:
            await worker.subscribe("pads/#")
        async with await connect(port, "worker", version=version, clean=True) as worker:
            assert not worker.answer.session_present
            assert (await worker.publish("pads/7", b"1")).code in (0, 0x10)
            await worker.assert_quiet()

    async def test_a_session_ends_when_its_time_is_over(self, port: int) -> None:
        for expiry_s, present in ((0, False), (1, False), (600, True)):
            name = f"worker-{expiry_s}"
            told = {properties.SESSION_EXPIRY: expiry_s}
            async with await connect(port, name, told=told) as worker:
                await worker.subscribe("pads/#")
            await asyncio.sleep(expiry_s * 2.1 if expiry_s < 10 else 0)
            async with await connect(port, name, told=told) as worker:
                assert worker.answer.session_present == present, expiry_s

    @both_versions
    async def test_a_second_client_with_the_same_name_takes_the_session_over(
        self, port: int, version: Version
    ) -> None:
        async with await connect(port, "device", version=version) as device:
            async with await connect(port, "worker", version=version) as first:
                await first.subscribe("pads/#")
                await device.publish("pads/7", b"1")
                assert payloads(await first.messages(1)) == [b"1"]
                async with await connect(port, "worker", version=version) as second:
                    assert await first.ended() in (None, TAKEN_OVER)
                    assert second.answer.session_present
                    assert payloads(await second.acknowledged(1)) == [b"1"]
                    await device.publish("pads/7", b"2")
                    assert payloads(await second.acknowledged(1)) == [b"2"]

    async def test_a_silent_client_is_taken_for_gone_after_its_keep_alive(self, port: int) -> None:
        async with await connect(port, "worker", keep_alive_s=2) as worker:
            await asyncio.sleep(1.0)
            await worker.send(packets.Pingreq())
            await worker.next(packets.Pingresp)
            assert await worker.ended() in (None, KEEP_ALIVE_TIMEOUT)

    @both_versions
    async def test_only_who_has_a_login_may_come(self, start: Start, version: Version) -> None:
        refused = BAD_LOGIN if version == V5 else 5
        async with start(users={"worker": "right"}) as broker:
            for login, code in (
                (("worker", "right"), 0),
                (("worker", "wrong"), refused),
                (("nobody", "right"), refused),
                (("nobody", ""), refused),
                (None, refused),
            ):
                async with await connect(broker.port, "w", version=version, login=login) as client:
                    assert client.answer.code == code, login


class TestTopics:
    @pytest.mark.parametrize(
        ("wanted", "topic", "comes"),
        [
            ("pads/7/casing", "pads/7/casing", True),
            ("pads/7/casing", "pads/7/casings", False),
            ("pads/+/casing", "pads/7/casing", True),
            ("pads/+/casing", "pads/7/8/casing", False),
            ("pads/+", "pads/", True),
            ("pads/#", "pads", True),
            ("pads/#", "pads/7/8/9", True),
            ("+/+", "/finance", True),
            ("+", "/finance", False),
            ("Pads/#", "pads/7", False),
        ],
    )
    async def test_a_filter_gets_the_topics_that_it_matches(
        self, port: int, wanted: str, topic: str, comes: bool
    ) -> None:
        async with await connect(port, "worker") as worker:
            assert await worker.subscribe(wanted, "end") == (1, 1)
            async with await connect(port, "device") as device:
                await device.publish(topic, b"1")
                await device.publish("end", b"2")
            came = await worker.acknowledged(2 if comes else 1)
            assert [one.topic.decode() for one in came] == [topic, "end"][0 if comes else 1 :]

    async def test_wildcards_do_not_show_topics_that_begin_with_a_dollar(self) -> None:
        """Only ours: mosquitto lets nobody publish there."""
        async with ours() as broker, await connect(broker.port, "worker") as worker:
            await worker.subscribe("#", "+/7")
            async with await connect(broker.port, "device") as device:
                await device.publish("$inside/7", b"1")
                await worker.assert_quiet()
                await worker.subscribe("$inside/#")
                await device.publish("$inside/7", b"2")
                assert payloads(await worker.acknowledged(1)) == [b"2"]

    @both_versions
    async def test_two_filters_of_one_client_give_a_message_once_with_the_higher_qos(
        self, version: Version
    ) -> None:
        """Only ours: mosquitto sends one for each filter, which MQTT allows too."""
        async with ours() as broker:
            async with await connect(broker.port, "worker", version=version) as worker:
                await worker.subscribe(Subscription("pads/#", 0), Subscription("pads/7", 1))
                async with await connect(broker.port, "device", version=version) as device:
                    await device.publish("pads/7", b"1")
                (came,) = await worker.acknowledged(1)
                assert came.qos == 1
                await worker.assert_quiet()

    async def test_who_unsubscribes_gets_no_more(self, port: int) -> None:
        async with await connect(port, "worker") as worker:
            await worker.subscribe("pads/#", "plants/#")
            await worker.send(packets.Unsubscribe(2, ("pads/#", "never")))
            assert (await worker.next(packets.Unsuback)).codes == (0, 0x11)
            async with await connect(port, "device") as device:
                await device.publish("pads/7", b"1")
                await device.publish("plants/7", b"2")
            assert payloads(await worker.acknowledged(1)) == [b"2"]

    async def test_retained_messages_come_to_new_subscriptions_as_they_ask(self, port: int) -> None:
        async with await connect(port, "device") as device:
            await device.publish("pads/7", b"old", retain=True)
            await device.publish("pads/7", b"kept", retain=True)
            await device.publish("pads/8", b"gone", retain=True)
            await device.publish("pads/8", b"", retain=True)
            async with await connect(port, "worker") as worker:
                await worker.subscribe("pads/#")
                (came,) = await worker.acknowledged(1)
                assert (came.payload, came.retain, came.topic) == (b"kept", True, b"pads/7")
                await worker.subscribe(Subscription("pads/#", 1, SEND_RETAINED_IF_NEW))
                await worker.subscribe(Subscription("pads/+", 1, NO_RETAINED))
                await worker.assert_quiet()
                await worker.subscribe("pads/#")
                assert payloads(await worker.acknowledged(1)) == [b"kept"]

    async def test_nothing_retained_comes_to_a_shared_subscription(self) -> None:
        """Only ours: mosquitto 2.0.11 sends it."""
        async with ours() as broker, await connect(broker.port, "worker") as worker:
            await worker.publish("pads/7", b"1", retain=True)
            await worker.subscribe("$share/readers/pads/7")
            await worker.assert_quiet()

    async def test_a_shared_subscription_gives_each_message_to_one_of_its_clients(
        self, port: int
    ) -> None:
        async with await connect(port, "device") as device:
            async with await connect(port, "worker-1") as one:
                async with await connect(port, "worker-2") as other:
                    for worker in (one, other):
                        assert await worker.subscribe("$share/readers/pads/#") == (1,)
                    for number in range(20):
                        await device.publish("pads/7", b"%d" % number)
                    came = [await one.acknowledged(10), await other.acknowledged(10)]
                    await other.send(packets.Disconnect())
                    await other.ended()
                numbers = [int(payload) for half in came for payload in payloads(half)]
                assert sorted(numbers) == list(range(20))
                await device.publish("pads/7", b"to who is there")
                assert payloads(await one.acknowledged(1)) == [b"to who is there"]

    async def test_what_waits_for_a_client_that_is_gone_for_good_goes_to_another(self) -> None:
        """Only ours: MQTT says that a broker should, and mosquitto does not."""
        async with ours() as broker:
            async with await connect(broker.port, "worker-1") as one:
                await one.subscribe("$share/readers/pads/#")
                async with await connect(broker.port, "worker-2", told={}) as other:
                    await other.subscribe("$share/readers/pads/#")
                    async with await connect(broker.port, "device") as device:
                        for number in range(20):
                            await device.publish("pads/7", b"%d" % number)
                    await other.messages(10)
                came = payloads(await one.acknowledged(20))
            assert sorted(map(int, came)) == list(range(20))

    @pytest.mark.parametrize("wanted", ["pads/#/x", "pads#", "pa+ds", "$share/g", "$share/+/pads"])
    async def test_a_filter_that_is_none_is_refused_alone(self, wanted: str) -> None:
        async with ours() as broker, await connect(broker.port, "worker") as worker:
            refused, granted = await worker.subscribe(wanted, "pads/#")
            assert refused >= 0x80
            assert granted == 1


class TestContract(ReadingContract, FaultContract, AcknowledgementContract):
    """What the adapter must do with mosquitto (test_contract.py), it does with ours."""

    @pytest.fixture
    async def rig(self, version: str, tmp_path: Path) -> AsyncIterator[MqttRig]:
        async with Broker() as broker, FaultProxy((broker.host, broker.port)) as proxy:
            yield MqttRig(proxy, broker, version, tmp_path / "state")


class TestLimits:
    """Of our own broker; others draw theirs elsewhere."""

    async def test_a_session_that_overflows_ends_as_a_whole_and_its_client_can_tell(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(simulated_session, "MOST_MESSAGES", 50)
        told: list[str] = []
        async with Broker(tell=told.append) as broker:
            async with await connect(broker.port, "worker") as worker:
                await worker.subscribe("pads/#")
            async with await connect(broker.port, "other") as other:
                await other.subscribe("pads/#")
                for number in range(51):
                    broker.publish("pads/7", b"%d" % number)
                    await other.acknowledged(1)
            assert "the session of worker ended: 50 messages waited" in told[0]
            async with await connect(broker.port, "worker") as worker:
                assert not worker.answer.session_present

    async def test_a_client_that_acknowledges_nothing_is_sent_away_when_its_queue_is_full(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(simulated_session, "MOST_BYTES", 1_000)
        allowed = {properties.SESSION_EXPIRY: 600, properties.RECEIVE_MAXIMUM: 1}
        async with Broker() as broker:
            async with await connect(broker.port, "worker", told=allowed) as worker:
                await worker.subscribe("pads/#")
                for _ in range(4):
                    broker.publish("pads/7", bytes(400))
                assert await worker.ended() == QUOTA_EXCEEDED

    async def test_a_message_that_is_too_large_for_a_client_is_not_sent_to_it(self) -> None:
        told: list[str] = []
        async with Broker(tell=told.append) as broker:
            limit = {properties.MAXIMUM_PACKET_SIZE: 100}
            async with await connect(broker.port, "worker", told=limit) as worker:
                await worker.subscribe("pads/#")
                broker.publish("pads/7", bytes(200))
                broker.publish("pads/7", b"small")
                assert payloads(await worker.acknowledged(1)) == [b"small"]
        assert "too large for worker, which takes 100" in told[0]

    async def test_garbage_and_packets_out_of_turn_end_the_connection(self) -> None:
        async with ours() as broker:
            async with await connect(broker.port, "worker") as worker:
                worker._writer.write(b"GET / HTTP/1.1\r\n\r\n")
                assert await worker.ended() == MALFORMED
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            writer.write(packets.encode(packets.Pingreq(), V5))
            async with asyncio.timeout(60):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()

    async def test_a_busy_port_is_told(self) -> None:
        async with Broker() as broker:
            with pytest.raises(PumpjackError, match=f"port {broker.port} of 127.0.0.1 is in use"):
                await Broker(port=broker.port).start()

    async def test_sessions_survive_a_pause_of_the_broker(self) -> None:
        async with Broker() as broker:
            async with await connect(broker.port, "worker") as worker:
                await worker.subscribe("pads/#")
                broker.stop()
                assert await worker.ended() == 0x8B
            broker.publish("pads/7", b"1")
            with pytest.raises(ConnectionRefusedError):
                await connect(broker.port, "worker")
            await broker.start()
            async with await connect(broker.port, "worker") as worker:
                assert payloads(await worker.acknowledged(1)) == [b"1"]


async def run(*command: Any, stdin: bytes = b"") -> list[str]:
    """The lines that a program printed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PEER_LIMIT_S):
            said, complaints = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    return said.decode().splitlines()


@pytest.mark.peers
class TestClientsThatOthersWrote:
    @pytest.mark.parametrize("version", ["5", "311"])
    async def test_mosquitto_s_clients_lose_nothing_while_away(self, version: str) -> None:
        numbers = [str(number) for number in range(3_000)]
        lines = "".join(f"{number}\n" for number in numbers).encode()
        async with Broker() as broker:
            where = ("-h", broker.host, "-p", broker.port, "-q", 1, "-V", version)
            lasting = ("-x", 600) if version == "5" else ()
            worker = (program("mosquitto_sub"), *where, *lasting, "-i", "w", "-c", "-t", "pads/+")
            await run(*worker, "-E")
            await run(program("mosquitto_pub"), *where, "-l", "-t", "pads/7", stdin=lines)
            assert await run(*worker, "-C", len(numbers)) == numbers

    @pytest.mark.parametrize("version", ["5", "4"])
    async def test_npm_clients_get_everything_though_the_network_breaks(self, version: str) -> None:
        place = installed(PEERS)
        numbers = [str(number) for number in range(5_000)]
        lines = "".join(f"pads/7\t{number}\n" for number in numbers).encode()
        async with Broker() as broker:
            url = f"mqtt://{broker.host}:{broker.port}"
            reading = asyncio.create_task(
                run(node(), place / "subscribe.js", url, version, "w", "pads/#", len(numbers))
            )
            async with asyncio.timeout(PEER_LIMIT_S):
                while not broker.routing.sessions.get(
                    "w", simulated_session.Session("")
                ).subscriptions:
                    await asyncio.sleep(0.01)
            publishing = asyncio.create_task(
                run(node(), place / "publish.js", url, version, stdin=lines)
            )
            for _ in range(4):
                await asyncio.sleep(0.1)
                broker.hang_up()
            assert await publishing == [str(len(numbers))]
            seen = {line.partition("\t")[2] for line in await reading if "\t" in line}
            # subscribe.js leaves after so many, and some came twice; the rest waits
            waiting = broker.routing.sessions["w"].left_over()
            seen |= {one.message.payload.decode() for one in waiting}
        assert seen == set(numbers)
