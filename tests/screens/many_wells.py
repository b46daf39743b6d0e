"""Many wells before a real gateway: a database that knows them, and what workers would say.

with ManyWells(folder, wells=512) as field:
    asyncio.run(field.fill())
    person = await screens.person(field.link())

Wells stand on pads of 13 on four routes; a connection serves six of them where no other number is
told. Each second two key tags of each well have a new value, and all further tags of the first.
"""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import numpy as np
import redis.asyncio

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core import wire
from pumpjack_core.alarms import Transition
from pumpjack_core.clock import iso_us
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Alarm, Tag, WellFacts
from pumpjack_gateway.tokens import mint

SECRET = "the secret of many wells, of 32 bytes and more"
TENANT = "bluestem"
WELLS_A_CONNECTION = 6
WELLS_A_PAD = 13
PADS_A_ROUTE = 10
ROUTES = ("Route A · North", "Route B · Caliche Flat", "Route C · Salt Draw", "Route D · South")
TYPES = ("rod-pump", "rod-pump", "esp", "gas-lift")
READY_S = 60.0
HI, HIHI = 330.0, 360.0
_ALARMS = (
    Alarm(
        "hihi", HIHI, priority=1, message="Tubing pressure very high", response="Open the bypass"
    ),
    Alarm("hi", HI, priority=2, message="Tubing pressure high", response="Look at the choke"),
    Alarm("lo", 120.0, priority=3, message="Tubing pressure low", response="Look for a leak"),
)


def well_name(number: int) -> str:
    """BR 07-3H is the third well of pad 7."""
    return f"br-{number // WELLS_A_PAD + 1:02}-{number % WELLS_A_PAD + 1}h"


def further_tag(number: int) -> str:
    """A tag of the first well that no other has, from 0."""
    return f"point_{number + 1:04}"


def _tags(number: int, further: int) -> list[Tag]:
    well = well_name(number)
    more = [
        Tag(well, further_tag(at), f"d{at}", "float32", 1.0, unit="psi", low=0, high=2000, digits=1)
        for at in range(further if number == 0 else 0)
    ]
    return [
        *more,
        Tag(well, "tubing_pressure", "a", "float32", 1.0, unit="psi", low=0, high=600, digits=0,
            title="Tubing", normal_low=180, normal_high=320, alarms=_ALARMS),
        Tag(well, "liquid_rate", "b", "float32", 1.0, unit="bbl/d", low=0, high=1200, digits=0,
            title="Liquid", normal_low=250, normal_high=900),
        Tag(well, "run_status", "c", "uint16", 3600.0, title="State",
            state_names={"0": "STOPPED", "1": "RUNNING"}),
    ]  # fmt: skip


def _facts(number: int) -> WellFacts:
    pad = number // WELLS_A_PAD
    return WellFacts(
        well_name(number),
        f"BR {pad + 1:02}-{number % WELLS_A_PAD + 1}H",
        TYPES[number % len(TYPES)],
        f"{pad + 1:02}",
        ROUTES[min(pad // PADS_A_ROUTE, len(ROUTES) - 1)],
        "America/Chicago",
        key_tags=("tubing_pressure", "liquid_rate", "run_status"),
    )


class ManyWells:
    """Database, Valkey and gateway as processes of their own. Leaving the block stops them."""

    def __init__(
        self,
        folder: Path,
        wells: int = 512,
        *,
        wells_a_connection: int = WELLS_A_CONNECTION,
        further_tags: int = 0,
    ) -> None:
        self.wells = wells
        self._a_connection = wells_a_connection
        self._further = further_tags
        self._redis_process = EmbeddedValkey(folder / "redis")
        self._postgres = EmbeddedPostgres(folder / "pg")
        self.away: set[str] = set()
        self.stopped: set[int] = set()
        self._series: dict[tuple[str, str], int] = {}
        self._epochs: dict[str, uuid.UUID] = {}
        self._seq: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._stored: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._redis_process.__enter__()
        self._postgres.__enter__()
        try:
            asyncio.run(self._declare())
            self._start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if hasattr(self, "gateway"):
            self.gateway.terminate()
            self.gateway.wait(20)
        self._postgres.__exit__(kind, error, traceback)
        self._redis_process.__exit__(kind, error, traceback)

    def link(self, path: str = "/", role: str = "operator", tenant: str = TENANT) -> str:
        """A page that signs in by itself."""
        token = mint(
            SECRET,
            tenant_id=tenant,
            role=role,
            subject="ann",
            issuer="pumpjack-demo",
            audience="pumpjack",
            lifetime_s=7200,
        )
        return f"http://127.0.0.1:{self.rest}{path}#token={token}"

    async def run(self, stop: asyncio.Event) -> None:
        """All wells once a second, until told to stop."""
        client = redis.asyncio.from_url(self._redis_process.url)
        try:
            due = time.monotonic()
            while not stop.is_set():
                await self._second(client, states=False)
                due = max(due + 1, time.monotonic())
                try:
                    await asyncio.wait_for(stop.wait(), due - time.monotonic())
                except TimeoutError:
                    continue
        finally:
            await client.aclose()

    async def fill(self) -> None:
        """One reading of every tag."""
        client = redis.asyncio.from_url(self._redis_process.url)
        await self._second(client, states=True)
        await client.aclose()

    async def lose(self, connection: str) -> None:
        """Its device does not answer any more."""
        self.away.add(connection)
        client = redis.asyncio.from_url(self._redis_process.url)
        await self._beat(client, connection)
        await client.aclose()

    async def raise_alarms(self, conditions: dict[int, str]) -> None:
        """Store that these conditions of wells' tubing pressures became active."""
        ingest = await Ingest.connect(self._postgres.url("postgres", writer_role(TENANT)))
        empty: Any = np.empty(0, np.int64)
        for number, condition in conditions.items():
            connection = self.connection_of(number)
            stored = self._stored.get(connection, 0)
            value = {"hihi": HIHI + 12, "hi": HI + 8, "lo": 104.0}[condition]
            seen = Transition(0, condition, True, time.time_ns() // 1000, value)
            written = await ingest.write_batch(
                self._epochs[connection],
                stored,
                stored + 1,
                empty,
                empty.astype(np.int32),
                empty.astype(np.int16),
                empty.astype(np.float64),
                transitions=[(self._series[well_name(number), "tubing_pressure"], seen)],
            )
            assert written.applied
            self._stored[connection] = stored + 1
        await ingest.close()
        client = redis.asyncio.from_url(self._redis_process.url)
        for connection in {self.connection_of(number) for number in conditions}:
            text = wire.encode(
                {"type": "alarms-stored", "tenantId": TENANT, "connectionId": connection}
            )
            await client.publish(wire.readings_channel(TENANT), text)
        await client.aclose()

    def connection_of(self, number: int) -> str:
        """The connection of a well."""
        return f"ops/plc-{number // self._a_connection + 1:02}"

    # Inside

    def _wells_of(self, connection: str) -> range:
        first = (int(connection.rpartition("-")[2]) - 1) * self._a_connection
        return range(first, min(first + self._a_connection, self.wells))

    def _connections(self) -> list[str]:
        return [self.connection_of(n) for n in range(0, self.wells, self._a_connection)]

    async def _declare(self) -> None:
        await migrate(self._postgres.url())
        admin = await asyncpg.connect(self._postgres.url())
        await ensure_tenant(admin, TENANT)
        await admin.close()
        ingest = await Ingest.connect(self._postgres.url("postgres", writer_role(TENANT)))
        for connection in self._connections():
            numbers = self._wells_of(connection)
            tags = [tag for number in numbers for tag in _tags(number, self._further)]
            epoch = self._epochs[connection] = uuid.uuid4()
            fence = await ingest.take_fence(connection, "modbus-tcp")
            await ingest.open_journal(epoch, connection)
            ids = await ingest.register_series(connection, tags)
            for tag, one in zip(tags, ids, strict=True):
                self._series[tag.well_id, tag.name] = one
            facts = [_facts(number) for number in numbers]
            await ingest.declare_tags(connection, fence, tags, facts, writes=False)
        await ingest.close()

    def _start(self) -> None:
        self.rest, live = free_ports(2)
        environment = os.environ | {
            "PUMPJACK_DATABASE_URL": self._postgres.url("postgres", "pumpjack_gateway"),
            "PUMPJACK_REDIS_URL": self._redis_process.url,
            "PUMPJACK_REST_ADDRESS": f"127.0.0.1:{self.rest}",
            "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{live}",
            "PUMPJACK_JWT_SECRET": SECRET,
            "PUMPJACK_LOG_LEVEL": "ERROR",
        }
        self.gateway = subprocess.Popen([sys.executable, "-m", "pumpjack_gateway"], env=environment)
        limit = time.monotonic() + READY_S
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/readyz", timeout=5):
                    return
            except OSError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.1)

    async def _second(self, client: redis.asyncio.Redis, *, states: bool) -> None:
        now = time.time()
        for connection in self._connections():
            if connection in self.away:
                continue
            async with client.pipeline(transaction=False) as pipe:
                for number in self._wells_of(connection):
                    self._publish(pipe, connection, number, now, states=states)
                await pipe.execute()
            await self._beat(client, connection)

    def _publish(
        self, pipe: Any, connection: str, number: int, now: float, *, states: bool
    ) -> None:
        well = well_name(number)
        at = iso_us(int(now * 1e6))
        values = {
            "tubing_pressure": 240 + 40 * math.sin(now / 40 + number) + number % 7,
            "liquid_rate": 0.0
            if number in self.stopped
            else 500 + 150 * math.sin(now / 60 + number),
        }
        if number == 0:
            values |= {further_tag(at): at + now % 1 for at in range(self._further)}
        if states:
            values["run_status"] = 0.0 if number in self.stopped else 1.0
        readings = tuple(
            wire.Reading(name, value, "GOOD", None, at) for name, value in values.items()
        )
        seq = self._seq[connection] = self._seq.get(connection, 0) + 1
        prev, self._last[well] = self._last.get(well, 0), seq
        epoch = str(self._epochs[connection])
        message = wire.Readings(
            epoch, seq, prev, TENANT, well, connection, "modbus-tcp", at, readings
        )
        pipe.publish(wire.readings_channel(TENANT), wire.encode(message))
        fields: dict[str | bytes, bytes] = {one.tag_name: wire.encode(one) for one in readings}
        fields[f"@{connection}"] = wire.encode(wire.Position(epoch, seq))
        pipe.hset(wire.latest_key(TENANT, well), mapping=fields)

    async def _beat(self, client: redis.asyncio.Redis, connection: str) -> None:
        wells = [well_name(number) for number in self._wells_of(connection)]
        lost = connection in self.away
        beat = wire.Heartbeat(
            epoch=str(self._epochs[connection]),
            tenant_id=TENANT,
            connection_id=connection,
            source_protocol="modbus-tcp",
            at=iso_us(time.time_ns() // 1000),
            wells={well: self._last.get(well, 0) for well in wells},
            stored_seq=0,
            state="disconnected" if lost else "connected",
            reason="timeout" if lost else None,
            message="no answer from 10.4.2.21:502 within 3 s" if lost else None,
            journal_batches=0,
            journal_bytes=0,
            journal_oldest_s=0.0,
            rejected_tags=0,
            config_hash="",
        )
        text = wire.encode(beat)
        await client.publish(wire.readings_channel(TENANT), text)
        await client.hset(wire.heartbeat_key(TENANT), connection, text)
