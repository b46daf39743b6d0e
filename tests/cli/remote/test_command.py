"""`pumpjack command`: as an operator uses it, against a gateway."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pumpjack_gateway.main import Gateway
from tests.cli.command import Done, run
from tests.gateway.commands.field import WELL, Field, waits_at_the_database
from tests.gateway.conftest import running
from tests.gateway.screens import token

pytestmark = pytest.mark.servers
Pumpjack = Callable[..., Coroutine[Any, Any, Done]]
ASK_FOR_5 = ("send", WELL, "choke", "5", "--reason", "x", "--no-wait", "--expires", "60s")


@pytest.fixture
def pumpjack(gateway: Gateway, field: Field) -> Pumpjack:
    """Runs `pumpjack command …` as a person with a role."""

    async def run_it(*words: str, who: str = "ann", role: str = "operator") -> Done:
        bearer = token(field.tenant, role=role, subject=who)
        rest = f"http://127.0.0.1:{gateway.rest_port}"
        return await asyncio.to_thread(
            run, "command", *words, "--rest", rest, environment={"PUMPJACK_TOKEN": bearer}
        )

    return run_it


async def worker(field: Field, read: float) -> None:
    """Carry out the next command, whenever it comes."""
    async with asyncio.timeout(60):
        while not await field.waiting():
            await asyncio.sleep(0.05)
    await field.carry_out(read)


async def test_each_step_is_shown_until_the_value_was_read_back(
    pumpjack: Pumpjack, field: Field
) -> None:
    done, _ = await asyncio.gather(
        pumpjack("send", WELL, "pump_speed", "7.5", "--reason", "a test", "--expires", "60s"),
        worker(field, 7.5),
    )
    assert done.code == 0, done.stderr
    steps = [line.split()[1] for line in done.stdout.splitlines()]
    assert steps == ["requested", "validated", "approved", "sent", "accepted", "verified"]
    assert done.stdout.endswith("read back: 7.5\n")


async def test_what_ends_otherwise_ends_with_3_and_says_how(
    pumpjack: Pumpjack, field: Field
) -> None:
    done = await pumpjack("send", WELL, "pump_speed", "7", "--reason", "x", "--expires", "1s")
    assert done.code == 3, done.stderr
    assert done.stdout.splitlines()[-1].endswith("nobody took it in time; nothing was written")


@pytest.mark.parametrize(
    ("words", "role", "said"),
    [
        (("pump_speed", "99"), "operator", "outside of what pump_speed may be given"),
        (("flow", "1"), "operator", "can only be read"),
        (("pump_speed", "7"), "viewer", "the role viewer may not command"),
        (("pump_speed", "fast"), "operator", "pump_speed has no words for its values"),
        (("wing_valve", "AJAR"), "operator", "wing_valve has SHUT, OPEN"),
    ],
)
async def test_what_is_refused_is_one_sentence(
    pumpjack: Pumpjack, words: tuple[str, ...], role: str, said: str
) -> None:
    done = await pumpjack("send", WELL, *words, "--reason", "a test", role=role)
    assert done.code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_second_person_decides_and_both_see_it(pumpjack: Pumpjack, field: Field) -> None:
    asked = await pumpjack("send", WELL, "wing_valve", "OPEN", "--reason", "x", "--no-wait")
    assert asked.code == 0, asked.stderr
    assert "waits for a second person's approval" in asked.stdout
    command = asked.stdout.split()[1]
    own = await pumpjack("decide", command, "--approve")
    assert (own.code, "it takes a second person" in own.stderr) == (1, True)
    done = await pumpjack("decide", command, "--approve", "--comment", "by radio", who="bob")
    assert done.code == 0, done.stderr
    assert "approved by bob: by radio" in done.stdout
    await field.carry_out(1)
    shown = await pumpjack("show", command, "--output", "json", role="viewer", who="vic")
    assert json.loads(shown.stdout)["command"]["state"] == "verified"


async def test_one_key_writes_once(pumpjack: Pumpjack, field: Field) -> None:
    words = ("send", WELL, "choke", "5", "--reason", "x", "--key", "just-once-1", "--no-wait")
    first, second = await pumpjack(*words), await pumpjack(*words)
    assert (first.code, second.code) == (0, 0)
    assert first.stdout.splitlines()[0] == second.stdout.splitlines()[0]
    assert await field.commands() == 1


async def test_where_the_answer_is_lost_the_key_is_shown(field: Field, valkey: Any) -> None:
    async with field.behind_a_proxy() as (proxy, url), running(valkey.url, url) as gateway:
        sending = asyncio.create_task(
            asyncio.to_thread(
                run,
                *("command", *ASK_FOR_5, "--rest", f"http://127.0.0.1:{gateway.rest_port}"),
                environment={"PUMPJACK_TOKEN": token(field.tenant, role="operator")},
            )
        )
        async with field.admin.transaction():
            await field.lock_head()
            await waits_at_the_database(field, "request_command")
            await proxy.refuse()
        done = await sending
    assert (done.code, await field.commands()) == (1, 1)
    assert done.stderr.count("\n") == 1
    assert "it may have been made: ask the same again with --key " in done.stderr
    key = done.stderr.split("--key ")[1].split(",")[0]
    assert await field.key_is_used(key)


async def test_commands_and_writable_tags_are_listed(pumpjack: Pumpjack, field: Field) -> None:
    await pumpjack(*ASK_FOR_5)
    listed = await pumpjack("list", "--well", WELL, role="viewer")
    assert listed.code == 0, listed.stderr
    assert f"approved  {WELL} choke  5 %  ann" in listed.stdout
    none = await pumpjack("list", "--state", "verified", "--output", "json", role="viewer")
    assert json.loads(none.stdout) == {"commands": []}
    tags = await pumpjack("tags", WELL, role="viewer")
    assert [line.split()[0] for line in tags.stdout.splitlines()] == [
        *("choke", "pump_speed", "wing_valve")
    ]
    assert "ann writes 5 to it" in tags.stdout
    assert "0 (SHUT), 1 (OPEN)" in tags.stdout


async def test_a_command_that_is_not_there(pumpjack: Pumpjack) -> None:
    done = await pumpjack("show", str(uuid.uuid4()))
    assert (done.code, "there is no command" in done.stderr) == (1, True)
    none = await pumpjack("show", "5f1c")
    assert (none.code, "is no command's id" in none.stderr) == (1, True)
    neither = await pumpjack("decide", str(uuid.uuid4()))
    assert neither.code == 2
