"""Devices that publish numbers to a real broker, and what the worker acknowledges of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from typing import Self

from pumpjack_core.manifests.types import (
    ConnectionClock,
    Mqtt,
    ScadaConnectionSpec,
    Writes,
)
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import V5, V311, Packet, Puback, Publish, Version
from pumpjack_worker.adapters.mqtt.properties import Malformed
from tests.chaos import level
from tests.chaos.ledger import Ledger, now_us
from tests.chaos.level import Written
from tests.chaos.mqtt_actuator import SET, STATE, Actuator
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import Publisher

TENANT, CONNECTION, WELL = "permian", "permian-ops/broker", "pad7-1"
PLAIN, TIMED, TEXT = "pads/7/plain", "pads/7/timed", "pads/7/text"
LEVEL = "pads/7/level"
BACK_US = 3 * 3_600 * 1_000_000
"""The times in payloads are so far back: hours that are over are rolled up during the run."""
PAUSE_S = 0.1
AT_ONCE = 2
TEXT_EVERY = 10
"""One in so many numbers also goes out as text, for the quarantine: it samples what comes often."""
AGAIN_S = 0.2
PIECE = 65_536


class MqttField:
    """A broker with two topics, each with numbers that grow: alone, and with a time beside them.

    worker_port  where the worker finds the broker
    plain, timed  ledgers of both
    text          of a third topic, whose numbers are in words that belong into quarantine
    """

    def __init__(self, version: str) -> None:
        self.plain = Ledger(TENANT, CONNECTION, WELL, "plain")
        self.timed = Ledger(TENANT, CONNECTION, WELL, "timed")
        self.text = Ledger(TENANT, CONNECTION, WELL, "text")
        self.ledgers = (self.plain, self.timed, self.text)
        self.unconfirmed: set[float] = set()
        """Published, and the broker did not say that it has them."""
        self.kills_us: list[int] = []
        self._version = version
        self.broker = Mosquitto(
            persistence=True,
            max_inflight=200,
            extra=["autosave_interval 1", "autosave_on_changes true"],
        )
        self.written: list[Written] = []
        self._tap = Tap(
            self.broker, V5 if version == "5" else V311, self._promised, self._commanded
        )
        self._actuator = Actuator(lambda: self.broker.port)
        self._next = 1
        self._stopping = False
        self._publishing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.broker.__aenter__()
        await self._tap.__aenter__()
        await self._actuator.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._actuator.__aexit__()
        await self._tap.__aexit__()
        await self.broker.__aexit__()

    @property
    def address(self) -> tuple[str, int]:
        """Where the worker finds the broker."""
        return (self._tap.host, self._tap.port)

    def spec(self, port: int) -> ScadaConnectionSpec:
        """The connection, at a port of this machine."""
        target = Mqtt(
            host="127.0.0.1",
            port=port,
            tls=False,
            version="5" if self._version == "5" else "3.1.1",
            keep_alive="2s",
            timeout="2s",
        )
        return ScadaConnectionSpec(
            protocol="mqtt",
            mqtt=target,
            clock=ConnectionClock(),
            writes=Writes(enabled=True),
        )

    tags = (
        Tag(WELL, "plain", PLAIN, "float64", 1.0, stale_s=0.0),
        Tag(WELL, "timed", f"{TIMED};path=$.p;time=$.t", "float64", 1.0, stale_s=0.0),
        Tag(WELL, "text", TEXT, "float64", 1.0, stale_s=0.0),
        level.level(WELL, f"{LEVEL};path=$.p;time=$.t", "float64", 1.0, stale_s=0.0),
        level.setpoint(WELL, STATE, "float64", to=SET, stale_s=0.0),
    )

    def begin(self) -> None:
        """Publish from now on. The worker must have subscribed before."""
        self._publishing = asyncio.create_task(self._publish_forever(), name="mqtt devices")

    async def stop(self) -> None:
        """Publish no more."""
        self._stopping = True
        if self._publishing is not None:
            await self._publishing

    async def kill_broker(self, away_s: float) -> None:
        """Kill -9 the broker, and start it after a while with what it had saved."""
        self.kills_us.append(now_us())
        await self.broker.kill()
        await asyncio.sleep(away_s)
        await self.broker.start()

    async def freeze_broker(self, length_s: float) -> None:
        """The broker stands still for so long."""
        os.kill(self.broker.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(length_s)
        finally:
            os.kill(self.broker.pid, signal.SIGCONT)

    async def _publish_forever(self) -> None:
        first_us = now_us() - BACK_US
        while not self._stopping:
            with contextlib.suppress(OSError, TimeoutError):
                async with Publisher(self.broker.port) as publisher:
                    while not self._stopping:
                        await self._publish_some(publisher, first_us)
                        await asyncio.sleep(PAUSE_S)
            await asyncio.sleep(AGAIN_S)

    async def _publish_some(self, publisher: Publisher, first_us: int) -> None:
        """A number is used once: what the broker did not confirm is not published again."""
        numbers = range(self._next, self._next + AT_ONCE)
        self._next = numbers.stop
        messages: list[tuple[str, bytes]] = []
        for number in numbers:
            source_us = first_us + number * 10_000
            self.plain.send(float(number))
            self.timed.send(float(number), source_us)
            messages.append((PLAIN, str(number).encode()))
            messages.append((TIMED, json.dumps({"p": number, "t": source_us}).encode()))
            if number % TEXT_EVERY == 0:
                self.text.send(float(number))
                messages.append((TEXT, f"number {number}".encode()))
        at_us = now_us()
        height = {"p": level.level_at(at_us), "t": at_us}
        messages.append((LEVEL, json.dumps(height).encode()))
        self.unconfirmed.update(map(float, numbers))
        await publisher.publish_all(messages)
        self.unconfirmed.difference_update(map(float, numbers))

    def _commanded(self, message: Publish) -> None:
        """What the worker publishes: nothing but commands."""
        self.written.append(Written(now_us(), float(bytes(message.payload))))

    def _promised(self, message: Publish) -> None:
        topic = bytes(message.topic).decode()
        content = bytes(message.payload).decode()
        if topic == PLAIN:
            self.plain.promised.add(float(content))
        elif topic == TIMED:
            self.timed.promised.add(float(json.loads(content)["p"]))
        elif topic == TEXT:
            self.text.promised.add(float(content.rpartition(" ")[2]))


class Tap:
    """Stands directly before the broker and listens: which messages were acknowledged to it."""

    host = "127.0.0.1"

    def __init__(
        self,
        broker: Mosquitto,
        version: Version,
        promised: Callable[[Publish], None],
        commanded: Callable[[Publish], None],
    ) -> None:
        self._broker = broker
        self._version = version
        self._promised = promised
        self._commanded = commanded
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far: asyncio.StreamWriter | None = None
        sent: dict[int, Publish] = {}

        def noted(packet: Packet) -> None:
            if isinstance(packet, Publish) and packet.qos:
                sent[packet.packet_id] = packet

        def acknowledged(packet: Packet) -> None:
            if isinstance(packet, Publish):
                self._commanded(packet)
            if isinstance(packet, Puback) and packet.packet_id in sent:
                self._promised(sent.pop(packet.packet_id))

        try:
            far_reader, far = await asyncio.open_connection(self.host, self._broker.port)
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, far, PacketReader(None), acknowledged))
                both.create_task(_carry(far_reader, writer, PacketReader(self._version), noted))
        except* (OSError, EOFError):
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()
            self._tasks.discard(task)


async def _carry(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    packets: PacketReader,
    listen: Callable[[Packet], None],
) -> None:
    """Carry one direction, and listen as long as it is MQTT."""
    hears = True
    while piece := await source.read(PIECE):
        if hears:
            try:
                for packet in packets.feed(piece):
                    listen(packet)
            except Malformed:
                hears = False
        sink.write(piece)
        await sink.drain()
    raise EOFError  # ends the other direction too
