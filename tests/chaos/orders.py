"""Somebody who commands a device: each value once, asked for again where no answer came."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any, Self

import httpx

from tests.chaos.level import SETPOINT
from tests.gateway.screens import token

PAUSE_S = (2.1, 3.0)
AGAIN_S = 1.0
TRIES = 3
ANSWER_LIMIT_S = 20.0
EXPIRES_S = 5
_EXPECTED = {200, 202, 404, 409, 429, 503}
"""404 until the worker has told the database for the first time what it reads."""


class Orders:
    """Commands to the setpoint of one well.

    asked   idempotency key to the value; each value was asked for with one key alone
    """

    def __init__(self, port: int, tenant_id: str, well_id: str, name: str, seed: str) -> None:
        self.name = name
        self.asked: dict[str, float] = {}
        self.made = 0
        self.strange: list[str] = []
        """Answers that nobody should get."""
        self._well_id = well_id
        self._value = 0
        self._chance = random.Random(f"{seed}/{tenant_id}/{name}")
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/scada",
            headers={
                "Authorization": "Bearer "
                + token(tenant_id, role="operator", subject=name, lifetime_s=7200)
            },
            timeout=ANSWER_LIMIT_S,
        )
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._command(), name=self.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._client.aclose()

    async def stop(self) -> None:
        """Ask for nothing more."""
        self._stopping = True
        if self._task is not None:
            await self._task

    async def _command(self) -> None:
        while not self._stopping:
            self._value += 1
            key = f"{self.name}-{uuid.UUID(int=self._chance.getrandbits(128))}"
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
                if await self._is_answered(body) or self._stopping:
                    break
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))

    async def _is_answered(self, body: dict[str, Any]) -> bool:
        try:
            answer = await self._client.post("/control", json=body)
        except httpx.HTTPError:
            return False
        if answer.status_code not in _EXPECTED:
            self.strange.append(f"a command was answered {answer.status_code}: {answer.text[:300]}")
        self.made += answer.is_success
        return answer.status_code != 503
