"""Alarms of a PLC, from its register to the rows, with `python -m pumpjack_worker` and kill -9."""

from __future__ import annotations

import pytest
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.alarms import alarm_id
from pumpjack_core.tags import Alarm
from pumpjack_worker.adapters.modbus_tcp.address import Area
from tests.workers.pipeline.alarms.listening import listening
from tests.workers.pipeline.scripted import until
from tests.workers.test_main import CONNECTION, REGISTERS, TENANT, Site, register, site

__all__ = ["site"]
pytestmark = pytest.mark.servers

HI = Alarm("hi", limit=1_000.0, deadband=100.0, priority=1, message="Open the choke")


def show(site: Site, value: int) -> None:
    """What the PLC's registers have from now on."""

    def polled(*_: object) -> None:
        site.polls += 1
        site.device.memory(1, Area.HOLDING).write(0, value.to_bytes(2, "big") * REGISTERS)

    site.device.on_read = polled


async def happened(site: Site, *kinds: str) -> None:
    async def all_there() -> bool:
        rows = await site.database.fetch("SELECT kind FROM pumpjack.events ORDER BY event_no")
        return [row["kind"] for row in rows] == list(kinds)

    await until(all_there, limit_s=60)


async def test_kill_minus_9_between_the_message_and_the_row_neither_loses_nor_doubles_an_alarm(
    site: Site,
) -> None:
    site.configure(register(0, alarms=(HI,)), register(1))
    show(site, 50)
    client = redis.asyncio.from_url(site.redis_url)
    expected: list[str] = []
    worker = await site.start()
    for value, kind in ((1_200, "raised"), (50, "returned"), (1_300, "raised")):
        async with listening(client) as heard:
            show(site, value)
            while (told := await heard(wire.Condition)).active != (kind == "raised"):
                pass
        worker.kill()
        await worker.wait()
        assert told.alarm_id == alarm_id(TENANT, CONNECTION, "a1", "r0", "hi")
        assert (told.value, told.limit, told.message) == (float(value), 1_000.0, HI.message)
        expected.append(kind)
        worker = await site.start()
        await happened(site, *expected)
    row = await site.database.fetchrow(
        "SELECT state, active, priority, message FROM pumpjack.alarm WHERE tag_name = 'r0'"
    )
    assert tuple(row) == ("unacknowledged", True, 1, HI.message)
    await client.aclose()


async def test_metrics_and_tags_that_change_while_it_runs(site: Site) -> None:
    site.configure(register(0, alarms=(HI,)), register(1))
    show(site, 1_200)
    await site.start()
    await happened(site, "raised")
    labels = f'connection_id="{CONNECTION}",priority="1",tenant_id="{TENANT}"'
    counted = f'condition="hi",priority="1",tenant_id="{TENANT}"'

    async def told() -> bool:
        text = (await site.get("/metrics")).text
        return (
            f"scada_alarms_active{{{labels}}} 1.0" in text
            and f"scada_alarm_transitions_total{{{counted}}} 1.0" in text
        )

    await until(told)
    higher = Alarm("hi", limit=2_000.0, priority=1)
    site.configure(register(0, alarms=(higher,)), register(1))
    await happened(site, "raised", "returned")
