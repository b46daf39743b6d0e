"""The program `python -m pumpjack_worker`, killed at any moment between broker and database."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core import config
from pumpjack_core.clock import SystemClock
from pumpjack_core.manifests.types import Mqtt, ScadaConnectionSpec
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import Publisher
from tests.workers.pipeline.scripted import until

pytestmark = [pytest.mark.servers, pytest.mark.peers]

TENANT = "permian"
CONNECTION = "ops/broker"
BACK_US = 3_600 * 1_000_000
"""How far in the past the readings with a time are."""
AT_ONCE = 40
"""Messages of each topic that are published together."""
PAUSE_S = 0.02
KILLS = 5
TAGS = (
    Tag("a1", "plain", "pads/7/plain", "float64", 1.0, stale_s=0.0),
    Tag("a1", "timed", "pads/7/timed;path=$.p;time=$.t", "float64", 1.0, stale_s=0.0),
)


class Field:
    """A broker, who publishes to it, and the worker that reads it."""

    def __init__(
        self, folder: Path, broker: Mosquitto, proxy: FaultProxy, environment: dict[str, str]
    ) -> None:
        self.broker = broker
        self.proxy = proxy
        self.published = 0
        self._log = (folder / "worker.log").open("ab")
        self._status_port = free_ports(1)[0]
        self._environment = {
            **{name: value for name, value in os.environ.items() if "PUMPJACK_" not in name},
            "PUMPJACK_CONFIG_DIR": str(folder / "config"),
            "PUMPJACK_JOURNAL_DIR": str(folder / "journal"),
            "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{self._status_port}",
            **environment,
        }
        self._running: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        """A worker that may still be on its way to the broker."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pumpjack_worker", env=self._environment, stderr=self._log
        )
        self._running.append(process)
        return process

    async def is_connected(self) -> bool:
        async with httpx.AsyncClient(timeout=60) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self._status_port}/status")
            except httpx.TransportError:
                return False
        return answer.is_success and bool(answer.json()["state"] == "connected")

    async def publish_forever(self) -> None:
        """Each number once on each topic: alone, and in JSON with a time of its own."""
        first_us = SystemClock().now_us() - BACK_US
        async with Publisher(self.broker.port) as publisher:
            for first in itertools.count(0, AT_ONCE):
                numbers = range(first, first + AT_ONCE)
                timed = [json.dumps({"p": at, "t": first_us + at}) for at in numbers]
                plain = [("pads/7/plain", str(at).encode()) for at in numbers]
                await publisher.publish_all(
                    [*plain, *(("pads/7/timed", payload.encode()) for payload in timed)]
                )
                self.published = numbers.stop
                await asyncio.sleep(PAUSE_S)

    async def end(self) -> None:
        for process in self._running:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self._log.close()


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    await migrate(empty_database)
    database = await asyncpg.connect(empty_database)
    await ensure_tenant(database, TENANT)
    yield database
    await database.close()


@pytest.fixture(params=["5", "3.1.1"])
async def field(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database: asyncpg.Connection,
    empty_database: str,
    valkey: Any,
) -> AsyncIterator[Field]:
    async with (
        Mosquitto(max_inflight=1_000) as broker,
        FaultProxy((broker.host, broker.port)) as proxy,
    ):
        target = Mqtt(host=proxy.host, port=proxy.port, tls=False, version=request.param)
        config.save(
            config.worker_config(
                tenant_id=TENANT,
                connection_id=CONNECTION,
                spec=ScadaConnectionSpec(protocol="mqtt", mqtt=target),
                allowed_networks=("127.0.0.0/8",),
                tags=TagTable(TAGS),
            ),
            tmp_path / "config",
        )
        login = empty_database.replace("postgres@", f"{writer_role(TENANT)}@")
        stores = {"PUMPJACK_DATABASE_URL": login, "PUMPJACK_REDIS_URL": valkey.url}
        field = Field(tmp_path, broker, proxy, stores)
        yield field
        await field.end()


async def stored(database: asyncpg.Connection, name: str) -> list[float]:
    rows = await database.fetch(
        "SELECT r.value FROM pumpjack.reading r JOIN pumpjack.series s USING (tag_id)"
        " WHERE s.tag_name = $1 AND r.value IS NOT NULL ORDER BY r.value",
        name,
    )
    return [row["value"] for row in rows]


async def test_a_worker_that_is_killed_at_any_moment_stores_every_message_once(
    field: Field, database: asyncpg.Connection
) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    worker = await field.start()
    await until(field.is_connected)  # from here on the broker keeps a session
    publishing = asyncio.create_task(field.publish_forever())
    for number in range(KILLS):
        if number % 2:
            await until(field.is_connected)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        if number % 2:  # what it acknowledges does not reach the broker any more
            field.proxy.stall()
            await asyncio.sleep(chance.uniform(0.02, 0.2))
        worker.kill()
        await worker.wait()
        field.proxy.hang_up()
        field.proxy.resume()
        worker = await field.start()
    await until(field.is_connected)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    assert field.published > KILLS * AT_ONCE

    async def all_stored() -> bool:
        return all([len(await stored(database, tag.name)) >= field.published for tag in TAGS])

    await until(all_stored, 30.0)
    for tag in TAGS:
        values = await stored(database, tag.name)
        expected = [float(at) for at in range(len(values))]  # the last ones may be unacknowledged
        assert values == expected, f"seed {seed}, {tag.name}"
