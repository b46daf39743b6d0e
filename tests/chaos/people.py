"""People of a tenant: they acknowledge, shelve and reset alarms, and remember what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
from msgspec import Struct

from tests.chaos.caller import Caller

PAUSE_S = (0.3, 0.9)
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


class Person(Caller):
    """One of them.

    done    event number to what the gateway said was done
    unsure  what may have been done: the answer never came
    """

    def __init__(self, port: int, tenant_id: str, name: str, seed: str) -> None:
        super().__init__(port, tenant_id, name, seed)
        self.done: dict[int, Deed] = {}
        self.unsure: Counter[Deed] = Counter()

    async def work(self) -> None:
        while not self.stopping:
            try:
                await self._see_to_one()
            except (httpx.HTTPError, ValueError, KeyError):
                await asyncio.sleep(PAUSE_S[1])  # the gateway is away; it is looked at anew
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))

    async def _see_to_one(self) -> None:
        action, states = self.chance.choice(
            [
                *[("acknowledge", _WAITING)] * 6,
                ("shelve", ("acknowledged", "unacknowledged")),
                ("unshelve", ("shelved",)),
                ("reset", ("latched_acknowledged", "latched_unacknowledged")),
            ]
        )
        answer = await self.client.get("/alarms", params={"state": list(states)})
        if not answer.is_success or not (alarms := answer.json()["alarms"]):
            return
        await self._act(action, self.chance.choice(alarms))

    async def _act(self, action: str, alarm: dict[str, Any]) -> None:
        body: dict[str, Any] = {
            "alarms": [{"alarmId": alarm["alarmId"], "version": alarm["version"]}]
        }
        body |= {"reason": "a test", "minutes": 1} if action == "shelve" else {"comment": "seen"}
        deed = Deed(self.name, KINDS[action], alarm["alarmId"])
        try:
            answer = await self.client.post(f"/alarms/{action}", json=body)
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
