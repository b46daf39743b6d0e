"""A device behind the broker that takes a setpoint, and says what it holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self

from pumpjack_worker.adapters.mqtt.packets import Publish
from tests.workers.adapters.mqtt.plain_client import PlainClient

SET, STATE = "pads/7/setpoint/set", "pads/7/setpoint"
AGAIN_S = 0.3
SAYS_S = 0.5
"""How often it says what it holds, whether that was changed or not."""
LAST_ID = 65_535


class Actuator:
    """Connects to the broker at port() whenever it can."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port
        self._held = b"0"
        self._last_id = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve(), name="actuator")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _serve(self) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
                async with await PlainClient.connect(self._port(), "actuator") as client:
                    await client.subscribe(SET)
                    while True:
                        await self._say(client)
                        await self._hear(client)
            await asyncio.sleep(AGAIN_S)

    async def _say(self, client: PlainClient) -> None:
        self._last_id = self._last_id % LAST_ID + 1
        await client.send(Publish(STATE.encode(), self._held, 1, self._last_id))

    async def _hear(self, client: PlainClient) -> None:
        """Until something is set, or it is time to say what is held."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAYS_S):
                while True:
                    packet = await client.receive()
                    if isinstance(packet, Publish):
                        self._held = bytes(packet.payload)
                        await client.acknowledge(packet)
                        return
