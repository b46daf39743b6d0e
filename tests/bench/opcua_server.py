"""An OPC UA server fast enough to measure a client: its notifications are made by numpy.

Channel, session, publish requests and acknowledgements are asyncua's. Only the values that change
are its own doing: they are packed as columns and sent in answer to the client's publish requests,
as OPC 10000-6 encodes them. Like any server it keeps as many values of a node as the client asked
for, and counts what it had to drop.
"""

from __future__ import annotations

import asyncio
import struct
import time
from multiprocessing.connection import Connection as Pipe
from typing import Any

import numpy as np
from asyncua import ua
from msgspec import Struct

from pumpjack_worker.adapters.opcua.channel import quiet_asyncua
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer

MOST_ROUNDS = 10
"""Changes of each node in one message."""
POLL_S = 0.001
_EPOCH_TICKS = 116_444_736_000_000_000  # from 1601 to 1970, in 100 ns
_PUBLISH_RESPONSE, _DATA_CHANGE, _DOUBLE = 829, 811, 11
_VALUE_AND_TIMES = 0x01 | 0x04 | 0x08  # bits of a DataValue
_ITEM = np.dtype(
    [
        ("handle", "<u4"),
        ("mask", "u1"),
        ("type", "u1"),
        ("value", "<f8"),
        ("source", "<i8"),
        ("server", "<i8"),
    ]
)


class Order(Struct, frozen=True):
    """Change every node so many times, every period_s, or as fast as the client takes it (0)."""

    rounds: int
    period_s: float
    first_us: int


class Served(Struct, frozen=True):
    """What the server did: changes of each node that it sent, and that it had to drop."""

    sent: int
    dropped: int
    seconds: float
    messages: int


def address(node: int) -> str:
    """The address of a node."""
    return f"ns=2;s=bench.{node}"


def serve(nodes: int, pipe: Pipe) -> None:
    """In a process of its own: tells its port, then runs each Order and tells what was Served."""
    asyncio.run(_serve(nodes, pipe))


async def _serve(nodes: int, pipe: Pipe) -> None:
    quiet_asyncua()
    laid_out = {address(node): SimulatedNode("float64", 0.0) for node in range(nodes)}
    async with SimulatedServer(laid_out) as server:
        pipe.send(server.port)
        loop = asyncio.get_running_loop()
        while (order := await loop.run_in_executor(None, pipe.recv)) is not None:
            pipe.send(await _Sender(await _subscription(server, nodes)).run(order))


async def _subscription(server: SimulatedServer, nodes: int) -> Any:
    """The client's subscription, when all its items are there."""
    while True:
        for subscription in server.subscriptions.subscriptions.values():
            if len(subscription.monitored_item_srv._monitored_items) == nodes:
                return subscription
        await asyncio.sleep(POLL_S)


class _Sender:
    """Sends changes of all items of one subscription."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription
        items = list(subscription.monitored_item_srv._monitored_items.values())
        self._handles = np.array([item.client_handle for item in items], np.uint32)
        self._queue_size = min(item.queue_size for item in items)
        self._sent = self._messages = 0

    async def run(self, order: Order) -> Served:
        """Make each round due in its time, and send what is due as soon as it is asked for."""
        began = time.monotonic()
        made = dropped = 0
        while self._sent + dropped < order.rounds:
            if order.period_s:
                made = min(order.rounds, int((time.monotonic() - began) / order.period_s) + 1)
                dropped += max(0, made - dropped - self._sent - self._queue_size)
            else:
                made = order.rounds
            first = self._sent + dropped
            count = min(made - first, MOST_ROUNDS)
            if not count or not self._send(first, count, order):
                await asyncio.sleep(POLL_S)
            else:
                await asyncio.sleep(0)
        return Served(self._sent, dropped, time.monotonic() - began, self._messages)

    def _send(self, first: int, count: int, order: Order) -> bool:
        """Send some rounds in one message; False when no publish request waits."""
        subscription = self._subscription
        request = subscription.pub_request_callback(subscription.data.SubscriptionId)
        if request is None:
            return False
        step_us = round(order.period_s * 1e6) or 1_000
        content = _items(self._handles, first, count, order.first_us, step_us)
        number = subscription._notification_seq
        subscription._notification_seq += 1
        subscription._not_acknowledged_results[number] = None
        subscription._keep_alive_count = subscription._publish_cycles_count = 0
        processor = subscription.pub_result_callback.__self__
        acknowledged = [int(result.value) for result in request.results or ()]
        message = processor._connection.message_to_binary(
            _response(
                subscription.data.SubscriptionId,
                number,
                request.requesthdr.RequestHandle,
                acknowledged,
                content,
                count * len(self._handles),
            ),
            message_type=ua.MessageType.SecureMessage,
            request_id=request.seqhdr.RequestId,
        )
        processor._transport.write(message)
        self._sent += count
        self._messages += 1
        return True


def _items(handles: Any, first: int, count: int, first_us: int, step_us: int) -> bytes:
    """The changes of all nodes in some rounds, node by node; round k has the value k + 1."""
    rounds = np.arange(first, first + count)
    content = np.empty(len(handles) * count, _ITEM)
    content["handle"] = np.repeat(handles, count)
    content["mask"], content["type"] = _VALUE_AND_TIMES, _DOUBLE
    content["value"] = np.tile(rounds + 1.0, len(handles))
    content["source"] = np.tile((first_us + rounds * step_us) * 10 + _EPOCH_TICKS, len(handles))
    content["server"] = content["source"]
    return content.tobytes()


def _response(
    subscription: int, number: int, handle: int, acknowledged: list[int], items: bytes, count: int
) -> bytes:
    """A PublishResponse, OPC 10000-4, 5.14.5.2."""
    now = time.time_ns() // 100 + _EPOCH_TICKS
    change = struct.pack("<i", count) + items + struct.pack("<i", 0)
    return b"".join(
        (
            struct.pack("<BBH", 1, 0, _PUBLISH_RESPONSE),
            struct.pack("<qIIBiBBB", now, handle, 0, 0, 0, 0, 0, 0),
            struct.pack("<Ii?", subscription, 0, False),
            struct.pack("<Iqi", number, now, 1),
            struct.pack("<BBHBi", 1, 0, _DATA_CHANGE, 1, len(change)),
            change,
            struct.pack(f"<i{len(acknowledged)}I", len(acknowledged), *acknowledged),
            struct.pack("<i", 0),
        )
    )
