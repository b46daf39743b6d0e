"""Alarms on their channel when Redis is away, or does not let the worker publish there."""

from __future__ import annotations

import asyncio

import pytest

from pumpjack_core import wire
from pumpjack_core.alarms import alarm_id
from pumpjack_core.tags import Alarm, TagTable
from tests.workers.pipeline.alarms.listening import listening
from tests.workers.pipeline.examples import tag
from tests.workers.pipeline.scripted import CONNECTION, TENANT, start, until

pytestmark = pytest.mark.servers
TAGS = TagTable((tag("pressure", alarms=(Alarm("hi", limit=100.0),)),))


async def test_an_alarm_waits_while_redis_cannot_be_used_and_is_told_when_it_can(
    tmp_path, database, feed, valkey
):
    await feed.execute_command("ACL", "SETUSER", "late", "off", ">secret", "~*", "&*", "+@all")
    url = valkey.url.replace("unix://", "unix://late:secret@")
    async with listening(feed) as heard:
        worker = await start(tmp_path / "j", database.connect, url, TAGS)
        worker.adapter.read(120.0)
        await until(lambda: worker.pipeline.status().redis != "closed", limit_s=60)
        await feed.execute_command("ACL", "SETUSER", "late", "on")
        told = await heard(wire.Condition)
        assert (told.active, told.value) == (True, 120.0)
        assert told.alarm_id == alarm_id(TENANT, CONNECTION, "a1", "pressure", "hi")
        await worker.stop(60)
    await feed.execute_command("ACL", "DELUSER", "late")


async def test_a_worker_that_may_not_publish_alarms_publishes_its_readings_all_the_same(
    tmp_path, database, feed, valkey
):
    await feed.execute_command(
        "ACL", "SETUSER", "narrow", "on", ">secret", "~scada:*", "&scada:readings:*", "+@all"
    )
    url = valkey.url.replace("unix://", "unix://narrow:secret@")
    worker = await start(tmp_path / "j", database.connect, url, TAGS)
    try:
        async with listening(feed) as heard:
            for value in (120.0, 50.0, 130.0):
                worker.adapter.read(value)
                await until(lambda one=value: one in worker.adapter.acknowledged)

            async def shown() -> bool:
                latest = await feed.hget(wire.latest_key(TENANT, "a1"), "pressure")
                return latest is not None and b"130.0" in latest

            await until(shown)
            await until(lambda: not worker.pipeline._publisher._alarms)
            assert worker.pipeline.status().redis == "closed"
            await feed.execute_command("ACL", "SETUSER", "narrow", "&scada:alarms:*")
            worker.adapter.read(50.0)
            told = await asyncio.wait_for(heard(wire.Condition), 60)
            assert (told.active, told.value) == (False, 50.0)
    finally:
        await worker.stop(60)
        await feed.execute_command("ACL", "DELUSER", "narrow")
