"""An RTU that was cut off sends yesterday's values by MQTT, with times of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from pumpjack_core import config
from pumpjack_core.clock import SystemClock
from pumpjack_core.manifests.types import Mqtt, ScadaConnectionSpec
from pumpjack_core.storage.maintain import maintain_once
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Tag, TagTable
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import Publisher
from tests.workers.pipeline.scripted import until
from tests.workers.test_main_mqtt import CONNECTION, TENANT, Field, database

__all__ = ["database"]
pytestmark = [pytest.mark.servers, pytest.mark.peers]

TOPIC = "pads/7/flow"
TAG = Tag(
    "a1", "flow", f"{TOPIC};path=$[*].v;time=$[*].t", "float64", 1.0, z_score=6.0, z_window=32
)
HOUR_US = 3_600 * 1_000_000
S = 1_000_000
Values = Sequence[tuple[int, float]]


@pytest.fixture
async def site(
    tmp_path: Path, database: asyncpg.Connection, empty_database: str, valkey: Any
) -> AsyncIterator[Field]:
    async with Mosquitto() as broker, FaultProxy((broker.host, broker.port)) as proxy:
        target = Mqtt(host=proxy.host, port=proxy.port, tls=False)
        config.save(
            config.worker_config(
                tenant_id=TENANT,
                connection_id=CONNECTION,
                spec=ScadaConnectionSpec(protocol="mqtt", mqtt=target),
                allowed_networks=("127.0.0.0/8",),
                tags=TagTable((TAG,)),
            ),
            tmp_path / "config",
        )
        login = empty_database.replace("postgres@", f"{writer_role(TENANT)}@")
        stores = {"PUMPJACK_DATABASE_URL": login, "PUMPJACK_REDIS_URL": valkey.url}
        site = Field(tmp_path, broker, proxy, stores)
        yield site
        await site.end()


def noise(count: int, level: float, seed: int) -> list[float]:
    return [float(v) for v in level + np.random.default_rng(seed).standard_normal(count)]


async def send(site: Field, values: Values, *, at_once: int = 20) -> None:
    """As an RTU does it: some in a message, oldest first."""
    rows = [{"t": us // 1_000, "v": value} for us, value in values]  # milliseconds
    async with Publisher(site.broker.port) as publisher:
        await publisher.publish_all(
            [
                (TOPIC, json.dumps(rows[first : first + at_once]).encode())
                for first in range(0, len(rows), at_once)
            ]
        )


async def rows_of(database: asyncpg.Connection) -> list[asyncpg.Record]:
    return await database.fetch(
        "SELECT (extract(epoch FROM time) * 1000)::bigint * 1000 AS us, value, quality, reason,"
        " backfilled FROM scada_readings WHERE value IS NOT NULL ORDER BY time"
    )


async def has_stored(database: asyncpg.Connection, count: int) -> None:
    async def there() -> bool:
        return len(await rows_of(database)) == count

    try:
        await until(there, 60.0)
    except TimeoutError:
        kept_out = await database.fetch("SELECT reason, raw FROM quarantine LIMIT 3")
        raise AssertionError(f"{len(await rows_of(database))} stored; {kept_out}") from None


async def hours(database: asyncpg.Connection) -> list[tuple[int, float, float, float, int]]:
    found = await database.fetch(
        "SELECT extract(epoch FROM bucket)::bigint AS s, avg_value, min_value, max_value,"
        " reading_count FROM scada_readings_1hour ORDER BY bucket"
    )
    return [(one["s"], round(one["avg_value"], 6), *list(one.values())[2:]) for one in found]


def expected_hours(values: Values) -> list[tuple[int, float, float, float, int]]:
    by_hour: dict[int, list[float]] = {}
    for us, value in sorted(values):
        by_hour.setdefault(us // HOUR_US * 3_600, []).append(value)
    return [
        (hour, round(sum(of) / len(of), 6), min(of), max(of), len(of))
        for hour, of in sorted(by_hour.items())
    ]


async def test_yesterdays_values_land_in_order_beside_todays_and_in_the_aggregates(
    site: Field, database: asyncpg.Connection, empty_database: str
) -> None:
    await site.start()
    await until(site.is_connected, 60.0)
    now_us = SystemClock().now_us() // 1_000 * 1_000
    today = [(now_us - (60 - at) * S, value) for at, value in enumerate(noise(60, 100.0, 1))]
    began_us = now_us - 27 * HOUR_US
    before_us = began_us - HOUR_US
    kept_before = [(before_us + at * S, 90.0 + at) for at in range(10)]
    await send(site, [*kept_before, *today])
    await has_stored(database, 70)
    await maintain_once(empty_database)
    assert await hours(database) == expected_hours([*kept_before, *today])

    # Three hours of yesterday, another level: an anomaly if it were scored beside today's.
    yesterday = [(began_us + at * 30 * S, v) for at, v in enumerate(noise(360, 150.0, 2))]
    await send(site, yesterday)
    await has_stored(database, 430)
    await maintain_once(empty_database)

    rows = await rows_of(database)
    everything = sorted([*kept_before, *yesterday, *today])
    assert [(row["us"], row["value"]) for row in rows] == everything
    assert {row["reason"] for row in rows} == {None}
    assert {row["quality"] for row in rows} == {"GOOD"}
    late = {us for us, _ in [*kept_before, *yesterday]}
    assert {row["us"] for row in rows if row["backfilled"]} == late
    assert await hours(database) == expected_hours(everything)

    # And what is live is still judged by what is live.
    await send(site, [(SystemClock().now_us(), 150.0)])
    await has_stored(database, 431)
    assert (await rows_of(database))[-1]["reason"] == "anomaly"
