"""One person's requests about alarms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pumpjack_gateway.main import Gateway
from tests.gateway.screens import token

PROBLEM = "application/problem+json"


class Api:
    def __init__(self, gateway: Gateway, tenant: str, role: str, subject: str) -> None:
        self.subject = subject
        bearer = token(tenant, role=role, subject=subject)
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{gateway.rest_port}/api/scada",
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=30,
        )

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer, which must be a good one."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def refused(self, path: str, status: int, **parameters: Any) -> dict[str, Any]:
        """The problem that a request for data gets."""
        return problem_of(await self.client.get(path, params=parameters), status)

    async def alarms(self, **parameters: Any) -> list[dict[str, Any]]:
        """The first page of alarms."""
        return list((await self.get("alarms", **parameters))["alarms"])

    async def alarm(self, alarm_id: str) -> dict[str, Any]:
        """One alarm in whatever state."""
        states = ["normal", "unacknowledged", "acknowledged", "returned_unacknowledged"]
        states += ["latched_unacknowledged", "latched_acknowledged", "shelved", "suppressed"]
        listed = await self.alarms(state=[*states, "out_of_service"])
        return next(one for one in listed if one["alarmId"] == alarm_id)

    async def act(
        self, action: str, *alarms: str | tuple[str, int], **more: Any
    ) -> list[dict[str, Any]]:
        """Act on alarms; what became of each."""
        answer = await self._post(action, alarms, more)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["alarms"])

    async def cannot(
        self, status: int, action: str, *alarms: str | tuple[str, int], **more: Any
    ) -> dict[str, Any]:
        """Try to act on alarms; the problem."""
        return problem_of(await self._post(action, alarms, more), status)

    async def _post(
        self, action: str, alarms: Sequence[str | tuple[str, int]], more: dict[str, Any]
    ) -> httpx.Response:
        named = [
            {"alarmId": one} if isinstance(one, str) else {"alarmId": one[0], "version": one[1]}
            for one in alarms
        ]
        return await self.client.post(f"alarms/{action}", json={"alarms": named} | more)


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM, answer.text
    body: dict[str, Any] = answer.json()
    assert body["detail"], "a problem says what to do"
    return body


@asynccontextmanager
async def person(
    gateway: Gateway, tenant: str, role: str = "operator", subject: str = "ann"
) -> AsyncIterator[Api]:
    api = Api(gateway, tenant, role, subject)
    try:
        yield api
    finally:
        await api.client.aclose()
