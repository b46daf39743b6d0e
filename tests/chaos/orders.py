"""Somebody who commands a device: each value once, asked for again where no answer came."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx

from tests.chaos.caller import Caller
from tests.chaos.level import SETPOINT

PAUSE_S = (2.1, 3.0)
AGAIN_S = 1.0
TRIES = 3
EXPIRES_S = 5
_EXPECTED = {200, 202, 404, 409, 429, 503}
"""404 until the worker has told the database for the first time what it reads."""


class Orders(Caller):
    """Commands to the setpoint of one well.

    asked   idempotency key to the value; each value was asked for with one key alone
    """

    def __init__(self, port: int, tenant_id: str, well_id: str, name: str, seed: str) -> None:
        super().__init__(port, tenant_id, name, seed)
        self.asked: dict[str, float] = {}
        self.made = 0
        self._well_id = well_id
        self._value = 0

    async def work(self) -> None:
        while not self.stopping:
            self._value += 1
            key = f"{self.name}-{uuid.UUID(int=self.chance.getrandbits(128))}"
            self.asked[key] = float(self._value)
            body = {
                "wellId": self._well_id,
                "tagName": SETPOINT,
                "value": self._value,
                "reason": "a test",
                "idempotencyKey": key,
                "expiresS": EXPIRES_S,
            }
            for _ in range(TRIES):
                if await self._is_answered(body) or self.stopping:
                    break
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))

    async def _is_answered(self, body: dict[str, Any]) -> bool:
        try:
            answer = await self.client.post("/control", json=body)
        except httpx.HTTPError:
            return False
        if answer.status_code not in _EXPECTED:
            self.strange.append(f"a command was answered {answer.status_code}: {answer.text[:300]}")
        self.made += answer.is_success
        return answer.status_code != 503
