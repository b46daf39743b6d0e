"""Somebody who uses the REST API of a tenant while everything breaks."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from typing import Self

import httpx

from tests.gateway.screens import token

ANSWER_LIMIT_S = 20.0


class Caller(ABC):
    """An operator. Entering begins, leaving ends at once.

    strange  answers that nobody should get
    """

    def __init__(self, port: int, tenant_id: str, name: str, seed: str) -> None:
        self.name = name
        self.tenant_id = tenant_id
        self.strange: list[str] = []
        self.chance = random.Random(f"{seed}/{tenant_id}/{name}")
        self.stopping = False
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/scada",
            headers={
                "Authorization": "Bearer "
                + token(tenant_id, role="operator", subject=name, lifetime_s=7200)
            },
            timeout=ANSWER_LIMIT_S,
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.work(), name=self.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.client.aclose()

    async def stop(self) -> None:
        """Begin nothing more, and end what is begun."""
        self.stopping = True
        if self._task is not None:
            await self._task

    @abstractmethod
    async def work(self) -> None:
        """What it does until `stopping`."""
