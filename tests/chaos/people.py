"""People of a tenant: they acknowledge, shelve and reset alarms, and remember what came of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any, Self

import httpx
from msgspec import Struct

from tests.gateway.screens import token

PAUSE_S = (0.3, 0.9)
ANSWER_LIMIT_S = 20.0
KINDS = {
    "acknowledge": "acknowledged",
    "shelve": "shelved",
    "unshelve": "unshelved",
    "reset": "reset",
}
"""What they do, and the event that it becomes."""
_WAITING = ("unacknowledged", "returned_unacknowledged", "latched_unacknowledged")


class Deed(Struct, frozen=True):
    """Something that a person did, as kind of event."""

    actor: str
    kind: str
    alarm_id: str


class Person:
    """One of them.

    done    event number to what the gateway said was done
    unsure  what may have been done: the answer never came
    """

    def __init__(self, port: int, tenant_id: str, name: str, seed: str) -> None:
        self.name = name
        self.tenant_id = tenant_id
        self.done: dict[int, Deed] = {}
        self.unsure: Counter[Deed] = Counter()
        self.strange: list[str] = []
        """Answers that nobody should get."""
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
        self._task = asyncio.create_task(self._work(), name=self.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._client.aclose()

    async def stop(self) -> None:
        """Go home when what is begun is over."""
        self._stopping = True
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while not self._stopping:
            try:
                await self._see_to_one()
            except (httpx.HTTPError, ValueError, KeyError):
                await asyncio.sleep(PAUSE_S[1])  # the gateway is away; it is looked at anew
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))

    async def _see_to_one(self) -> None:
        action, states = self._chance.choice(
            [
                *[("acknowledge", _WAITING)] * 6,
                ("shelve", ("acknowledged", "unacknowledged")),
                ("unshelve", ("shelved",)),
                ("reset", ("latched_acknowledged", "latched_unacknowledged")),
            ]
        )
        answer = await self._client.get("/alarms", params={"state": list(states)})
        if not answer.is_success or not (alarms := answer.json()["alarms"]):
            return
        await self._act(action, self._chance.choice(alarms))

    async def _act(self, action: str, alarm: dict[str, Any]) -> None:
        body: dict[str, Any] = {
            "alarms": [{"alarmId": alarm["alarmId"], "version": alarm["version"]}]
        }
        body |= {"reason": "a test", "minutes": 1} if action == "shelve" else {"comment": "seen"}
        deed = Deed(self.name, KINDS[action], alarm["alarmId"])
        try:
            answer = await self._client.post(f"/alarms/{action}", json=body)
        except httpx.HTTPError:
            self.unsure[deed] += 1
            raise
        if answer.status_code == 503:
            self.unsure[deed] += 1
        elif answer.is_success:
            (one,) = answer.json()["alarms"]
            if one["eventNo"] in self.done:
                self.strange.append(f"event {one['eventNo']} was told twice: {deed}")
            self.done[one["eventNo"]] = deed
        elif answer.status_code != 409:
            self.strange.append(f"{action} was answered {answer.status_code}: {answer.text[:300]}")
