"""A connection whose tags may be written, with a worker that does what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
import redis.asyncio

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core import wire
from pumpjack_core.alarms import alarm_id
from pumpjack_core.clock import SystemClock
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Alarm, Tag, Write
from pumpjack_gateway.main import Gateway
from tests.faults import FaultProxy
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import token

NAME = "gateway_commands"
CONNECTION = "permian-ops/pad7"
WELL = "pad7-3"
OTHER_WELL = "pad7-4"
SPEED = Tag(
    WELL, "pump_speed", "holding:1", "float32", 1.0, unit="spm", write=Write(low=0.0, high=12.0)
)
VALVE = Tag(
    WELL,
    "wing_valve",
    "coil:1",
    "bool",
    1.0,
    write=Write(states=(0, 1), approval="required"),
    state_names={"0": "SHUT", "1": "OPEN"},
)
CHOKE = Tag(WELL, "choke", "holding:5", "int16", 1.0, unit="%", write=Write(low=0.0, high=100.0))
FLOW = Tag(WELL, "flow", "holding:3", "float32", 1.0, unit="bbl/d")
LEVEL = Tag(OTHER_WELL, "level", "holding:7", "float32", 1.0, unit="ft")
TAGS = (SPEED, VALVE, CHOKE, FLOW)
PROBLEM = "application/problem+json"


class Field:
    """One tenant with one connection, as its worker and as the administrator see it."""

    def __init__(self, postgres: EmbeddedPostgres, redis_url: str, tenant: str) -> None:
        self.tenant = tenant
        self._redis_url = redis_url
        self.postgres = postgres
        self.worker = FakeWorker(redis_url, tenant, CONNECTION)
        self.fence = 0
        self._beating: dict[str, Any] = {}
        self._heart: asyncio.Task[None]
        self.admin: asyncpg.Connection
        self._orders: Orders
        self._ingest: Ingest

    @property
    def url(self) -> str:
        """The database, as the gateway logs in."""
        return self.postgres.url(NAME, "pumpjack_gateway")

    async def open(self) -> None:
        """Make the tenant, and declare what may be written."""
        self.admin = await asyncpg.connect(self.postgres.url(NAME))
        await ensure_tenant(self.admin, self.tenant)
        writer = self.postgres.url(NAME, writer_role(self.tenant))
        self._orders = await Orders.connect(writer)
        self._ingest = await Ingest.connect(writer)
        self.fence = await self._ingest.take_fence(CONNECTION, "modbus-tcp")
        await self._ingest.register_series(CONNECTION, [*TAGS, LEVEL])
        await self.declare()
        await self.beat()
        self._heart = asyncio.create_task(self._beat_on())

    async def close(self) -> None:
        self._heart.cancel()
        await self._orders.close()
        await self._ingest.close()
        await self.worker.close()
        await self.admin.close()

    async def beat(self, **changes: Any) -> None:
        """Say how the device is, from now on."""
        self._beating = changes
        await self.worker.beat(**changes)

    async def _beat_on(self) -> None:
        """As a worker does, so that a slow machine makes no device of a test stale."""
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(OSError, redis.exceptions.RedisError):
                await self.worker.beat(**self._beating)

    async def declare(self, tags: tuple[Tag, ...] = TAGS, *, writes: bool = True) -> None:
        await self._ingest.declare_tags(CONNECTION, self.fence, tags, writes=writes)

    async def claim(self) -> Claim:
        """Take the next command, as the worker does."""
        claim = await self._orders.claim_command(CONNECTION, self.fence)
        assert claim is not None, "there is nothing to claim"
        return claim

    async def waiting(self) -> bool:
        """Whether a command waits to be claimed."""
        found = await self.admin.fetchval(
            "SELECT count(*) FROM pumpjack.commands WHERE tenant_id = $1 AND state = 'approved'",
            self.tenant,
        )
        return bool(found)

    async def raise_alarms(self) -> list[str]:
        """Have two alarms raised on flow, of priority 1 and 2; their ids."""
        flow = msgspec.structs.replace(
            FLOW,
            alarms=(
                Alarm(
                    "hihi",
                    limit=1000.0,
                    priority=1,
                    message="Flow very high",
                    response="Shut the choke.",
                ),
                Alarm("hi", limit=900.0, priority=2),
            ),
        )
        await self.declare((SPEED, flow))
        (tag_id,) = await self._ingest.register_series(CONNECTION, [flow])
        journal = uuid.uuid4()
        cursor = await self._ingest.open_journal(journal, CONNECTION)
        us = SystemClock().now_us()
        told = [
            {"tag": tag_id, "condition": name, "active": True, "us": us, "value": 1200.0}
            for name in ("hihi", "hi")
        ]
        writer = await asyncpg.connect(self.postgres.url(NAME, writer_role(self.tenant)))
        await writer.execute(
            "SELECT pumpjack.write_batch($1, $2, $3, $4::bigint[], $5::int[], $6::int[], "
            "$7::float8[], NULL, $8::text::jsonb)",
            *(journal, cursor, cursor + 1, [us], [tag_id], [0], [1200.0]),
            json.dumps(told),
        )
        await writer.close()
        return [alarm_id(self.tenant, CONNECTION, WELL, FLOW.name, name) for name in ("hihi", "hi")]

    async def claims_nothing(self) -> bool:
        return await self._orders.claim_command(CONNECTION, self.fence) is None

    async def tell(self, command: UUID, state: str, **detail: Any) -> None:
        """Put on record what became of a command, and wake the gateways, as the worker does."""
        assert await self._orders.tell_command(command, state, detail)
        text = f'{{"type":"commands-stored","tenantId":"{self.tenant}"}}'
        with contextlib.suppress(OSError, redis.exceptions.RedisError):  # it only wakes
            await self.worker.send(text.encode(), wire.alarms_channel(self.tenant))

    async def carry_out(self, read: float) -> UUID:
        """One command from the claim to its verification."""
        claim = await self.claim()
        await self.tell(claim.command_id, "accepted", message="the device has accepted it")
        await self.tell(
            claim.command_id, "verified", message=f"read back: {read:g}", written=read, read=read
        )
        return claim.command_id

    async def audit(
        self, actor: str, tenant: str | None = None
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """What the audit log has of a person but sign-ins: action, outcome, detail."""
        rows = await self.admin.fetch(
            "SELECT action, outcome, detail FROM pumpjack.audit_logs "
            "WHERE tenant_id = $1 AND actor = $2 AND action NOT LIKE 'sign-in%' ORDER BY audit_no",
            tenant or self.tenant,
            actor,
        )
        return [(row["action"], row["outcome"], json.loads(row["detail"])) for row in rows]

    async def move_to(self, redis_url: str) -> None:
        """Have the worker's feed on another Redis."""
        before, self._redis_url = self.worker, redis_url
        self.worker = FakeWorker(redis_url, self.tenant, CONNECTION)
        await before.close()
        await self.beat()

    @asynccontextmanager
    async def behind_a_proxy(self) -> AsyncIterator[tuple[FaultProxy, str]]:
        """The database, as the gateway logs in, with somebody between who can cut it off."""
        folder = parse_qs(urlsplit(self.url).query)["host"][0]
        async with FaultProxy(Path(folder) / ".s.PGSQL.5432") as proxy:
            yield proxy, f"postgresql://pumpjack_gateway@{proxy.host}:{proxy.port}/{NAME}"

    async def make_tenant(self, tenant: str) -> None:
        """Another tenant in the same database."""
        await ensure_tenant(self.admin, tenant)

    async def forget_heartbeats(self) -> None:
        """As if no worker had ever run."""
        self._heart.cancel()
        await asyncio.gather(self._heart, return_exceptions=True)
        client = redis.asyncio.from_url(self._redis_url)
        await client.delete(wire.heartbeat_key(self.tenant))
        await client.aclose()

    async def lock_head(self) -> None:
        """Have all changes of commands wait until the administrator's transaction ends."""
        await self.admin.execute(
            "SELECT 1 FROM pumpjack.event_head WHERE tenant_id = $1 FOR UPDATE", self.tenant
        )

    async def key_is_used(self, key: str) -> bool:
        """Whether a command has this idempotency key."""
        found = await self.admin.fetchval(
            "SELECT count(*) FROM pumpjack.commands WHERE tenant_id = $1 AND idempotency_key = $2",
            self.tenant,
            key,
        )
        return bool(found)

    async def commands(self) -> int:
        """How many there are."""
        return int(
            await self.admin.fetchval(
                "SELECT count(*) FROM pumpjack.commands WHERE tenant_id = $1", self.tenant
            )
        )


async def waits_at_the_database(field: Field, function: str) -> None:
    """Until a call of this function waits for a lock."""
    async with asyncio.timeout(60):
        while not await field.admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE '%' || $1 || '%' AND pid <> pg_backend_pid()",
            function,
        ):
            await asyncio.sleep(0.01)
            await field.admin.execute("SELECT pg_stat_clear_snapshot()")


class Person:
    """Somebody of the tenant who uses REST."""

    def __init__(self, gateway: Gateway, tenant: str, name: str, role: str = "operator") -> None:
        self.name = name
        self.tenant = tenant
        self.gateway = gateway
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{gateway.rest_port}/api/scada",
            headers={"Authorization": f"Bearer {token(tenant, role=role, subject=name)}"},
            timeout=30,
        )

    async def ask(
        self, tag: str = "pump_speed", value: object = 7.5, **more: Any
    ) -> httpx.Response:
        """POST control; the key is a new one if none is given."""
        body = {
            "wellId": WELL,
            "tagName": tag,
            "value": value,
            "reason": "fluid level is down",
            "idempotencyKey": f"{self.name}-{uuid.uuid4()}",
        } | more
        return await self.client.post("/control", json=body)

    async def asked(
        self, tag: str = "pump_speed", value: object = 7.5, **more: Any
    ) -> dict[str, Any]:
        """The command that was made."""
        answer = await self.ask(tag, value, **more)
        assert answer.status_code == 202, answer.text
        command: dict[str, Any] = answer.json()["command"]
        return command

    async def refused(self, answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
        """A problem document; also what the audit log got of it."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == PROBLEM
        body: dict[str, Any] = answer.json()
        assert body["code"] == code
        assert body["detail"]
        await self.gateway.audit.flush()
        return body

    async def decide(self, command_id: str, *, approve: bool, comment: str = "") -> httpx.Response:
        return await self.client.post(
            f"/control/{command_id}/decision", json={"approve": approve, "comment": comment}
        )

    async def look(self, command_id: str) -> dict[str, Any]:
        """A command with its steps."""
        answer = await self.client.get(f"/control/{command_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def close(self) -> None:
        await self.client.aclose()
