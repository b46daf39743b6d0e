"""The part of `pumpjack demo --check` about commands and alarms: the whole way of each.

A choke is shut over each protocol, so tubing pressure rises until an alarm is raised; that one is
acknowledged, and the chokes are opened again.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pumpjack_cli.checked import AlarmResult, CommandResult
from pumpjack_cli.commanding.sending import Row, ask
from pumpjack_cli.gateway import Gateway
from pumpjack_cli.local.access import local_token
from pumpjack_cli.local.system import LocalSystem
from pumpjack_core.errors import PumpjackError
from pumpjack_core.tags import Tag

COMMAND_S, ALARM_S = 60.0, 120.0
"""How long a command may take to end, and an alarm to be raised: on a busy machine, too."""
TOKEN_S = 900.0
PREFERRED = "choke"
SUBJECT = "check"


class ControlCheck:
    """One check of a running system. failures grows; nothing is raised."""

    def __init__(self, system: LocalSystem, protocols: Sequence[str]) -> None:
        self._system = system
        self._protocols = protocols
        self.failures: list[str] = []

    async def run(self) -> tuple[tuple[CommandResult, ...], tuple[AlarmResult, ...]]:
        """Check; what was found."""
        chosen = list(self._chosen())
        found = await asyncio.gather(*(self._shut(*one) for one in chosen))
        commands = tuple(result for result, _ in found if result is not None)
        alarms = tuple(alarm for _, alarm in found if alarm is not None)
        if chosen and not alarms:
            self.failures.append(
                f"no alarm was raised within {ALARM_S:.0f} s of shutting the chokes"
            )
        return commands, alarms

    def _chosen(self) -> Iterator[tuple[str, str, Tag]]:
        """Protocol, tenant and a tag that one person may write, for each protocol."""
        for protocol in self._protocols:
            tags = [
                (config.connection.tenant_id, tag)
                for config in self._system.plan.configs.values()
                if config.connection.spec.protocol == protocol
                and config.connection.spec.writes.enabled
                for tag in config.tags.tags
                if _one_person_may_write(tag)
            ]
            tags.sort(key=lambda one: one[1].name != PREFERRED)
            if tags:
                yield protocol, *tags[0]
            else:
                where = ", ".join(map(str, self._system.settings.manifests))
                self.failures.append(
                    f"{protocol}: no tag of {where} may be written; delete it for a fresh copy"
                )

    async def _shut(
        self, protocol: str, tenant: str, tag: Tag
    ) -> tuple[CommandResult | None, AlarmResult | None]:
        assert tag.write is not None
        assert tag.write.low is not None
        assert tag.write.high is not None
        try:
            async with self._listening(tenant, tag.well_id) as socket:
                result = await self._command(socket, protocol, tenant, tag, tag.write.low)
                alarm = await self._alarm(socket, tenant, tag.well_id)
                await self._command(socket, protocol, tenant, tag, tag.write.high)
        except (PumpjackError, OSError, ConnectionClosed, TimeoutError) as error:
            why = str(error) or "it took too long"
            self.failures.append(f"{protocol}: {tag.well_id} {tag.name}: {why}")
            return None, None
        return result, alarm

    async def _command(
        self, socket: ClientConnection, protocol: str, tenant: str, tag: Tag, value: float
    ) -> CommandResult:
        """Write, and follow it on the WebSocket to its end; then compare with the database."""
        began_s = time.monotonic()
        body = {
            "wellId": tag.well_id,
            "tagName": tag.name,
            "value": value,
            "reason": "pumpjack demo --check",
            "idempotencyKey": str(uuid.uuid4()),
        }
        made = await asyncio.to_thread(ask, self._gateway(tenant), body)
        command_id = made["command"]["commandId"]
        states: list[str] = []
        async with asyncio.timeout(COMMAND_S):
            while not states or not _is_end(states[-1]):
                message = json.loads(await socket.recv())
                if message["type"] == "command" and message["command"]["commandId"] == command_id:
                    states.append(message["step"]["state"])
        took_s = time.monotonic() - began_s
        kept = await self._system.database.command_state(tenant, command_id)
        if states[-1] != "verified" or kept != "verified":
            self.failures.append(
                f"{protocol}: {tag.well_id} {tag.name} = {value:g} ended as {states[-1]} on the "
                f"WebSocket and as {kept} in the database"
            )
        return CommandResult(
            protocol=protocol,
            tenant_id=tenant,
            well_id=tag.well_id,
            tag_name=tag.name,
            value=value,
            states=tuple(states),
            took_ms=round(took_s * 1000.0, 1),
        )

    async def _alarm(
        self, socket: ClientConnection, tenant: str, well_id: str
    ) -> AlarmResult | None:
        """Wait for an alarm of the well on the WebSocket, and acknowledge it over REST."""
        await socket.send('{"type":"subscribe-alarms"}')
        found: Row | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(ALARM_S):
                while found is None:
                    found = _raised(json.loads(await socket.recv()), well_id)
        if found is None:
            return None
        body = {"alarms": [{"alarmId": found["alarmId"]}], "comment": "pumpjack demo --check"}
        answer = await asyncio.to_thread(self._gateway(tenant).post, "alarms/acknowledge", body)
        if not answer["done"]:
            self.failures.append(f"{well_id}: the alarm was not acknowledged")
        return AlarmResult(
            tenant_id=tenant,
            well_id=found["wellId"],
            tag_name=found["tagName"],
            condition=found["condition"],
            priority=found["priority"],
        )

    @asynccontextmanager
    async def _listening(self, tenant: str, well_id: str) -> AsyncIterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {self._token(tenant)}"}
        async with connect(
            self._system.websocket_url, additional_headers=headers, max_size=16 << 20
        ) as socket:
            await socket.send(json.dumps({"type": "subscribe-commands", "wellId": well_id}))
            async with asyncio.timeout(COMMAND_S):
                while json.loads(await socket.recv())["type"] != "commands":
                    pass
            yield socket

    def _gateway(self, tenant: str) -> Gateway:
        token = self._token(tenant)
        return Gateway(self._system.rest_url, lambda: token)

    def _token(self, tenant: str) -> str:
        return local_token(
            self._system.data,
            tenant_id=tenant,
            role="operator",
            lifetime_s=TOKEN_S,
            subject=SUBJECT,
        )


def _one_person_may_write(tag: Tag) -> bool:
    write = tag.write
    return write is not None and write.low is not None and write.approval == "none"


def _is_end(state: str) -> bool:
    return state in {"verified", "mismatch", "timeout", "refused", "expired", "rejected"}


def _raised(message: dict[str, Any], well_id: str) -> Row | None:
    """A stored alarm of the well that waits to be acknowledged, if the message tells of one."""
    told = {"alarms": message.get("alarms", []), "alarm": [message]}.get(message["type"], [])
    for alarm in told:
        if (
            alarm["wellId"] == well_id
            and alarm["state"] == "unacknowledged"
            and alarm.get("confirmed", True)
        ):
            return dict(alarm)
    return None
