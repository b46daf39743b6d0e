"""What a worker tells of a command, whatever it is, is shown as far as it makes sense."""

from __future__ import annotations

import json

import asyncpg
import pytest

from pumpjack_core.storage.roles import writer_role
from pumpjack_gateway.main import Gateway
from tests.gateway.commands.field import NAME, WELL, Field, Person
from tests.gateway.screens import screen

pytestmark = pytest.mark.servers
TOLD = {
    "a number beyond all numbers": '{"read": 1' + "0" * 400 + "}",
    "one that is smaller than any": '{"read": 1e-400}',
    "no number": '{"read": {"a": [1]}, "written": true, "message": 7}',
    "nested deeply": '{"message": ' + '{"a":' * 2000 + "1" + "}" * 2001,
    "nothing that is known": '{"comment": {"a": 1}, "actor": "ann"}',
}


@pytest.mark.parametrize("detail", TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("by", ["the worker", "a database that keeps anything"])
async def test_a_detail_that_makes_no_sense_is_left_out_and_the_command_is_shown(
    gateway: Gateway, field: Field, ann: Person, detail: str, by: str
) -> None:
    async with screen(gateway, field.tenant) as watcher:
        await watcher.say(type="subscribe-commands", wellId=WELL)
        await watcher.until("commands")
        await ann.asked("pump_speed", 7.5)
        claim = await field.claim()
        if by == "the worker":
            url = field.postgres.url(NAME, writer_role(field.tenant))
            worker = await asyncpg.connect(url)
            sql = "SELECT pumpjack.tell_command($1, 'mismatch', $2::text::jsonb)"
            assert await worker.fetchval(sql, claim.command_id, detail)
            await worker.close()
        else:
            await field.admin.execute(
                "SELECT pumpjack.step_command(c, 'mismatch', 'worker', $2::text::jsonb) "
                "FROM pumpjack.commands AS c WHERE c.command_id = $1",
                *(claim.command_id, detail),
            )
        await field.worker.send(
            json.dumps({"type": "commands-stored", "tenantId": field.tenant}).encode(),
            f"scada:alarms:{field.tenant}",
        )
        while (told := await watcher.until("command"))["step"]["state"] != "mismatch":
            pass
        assert told["command"]["readBack"] in (None, 0.0)
        assert told["step"]["message"]
    shown = await ann.look(str(claim.command_id))
    assert shown["command"]["state"] == "mismatch"
