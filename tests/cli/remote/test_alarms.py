"""`pumpjack alarms`: as an operator uses it, against a gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pumpjack_gateway.main import Gateway
from tests.cli.command import Done, run
from tests.gateway.commands.field import CONNECTION, WELL, Field
from tests.gateway.screens import token

pytestmark = pytest.mark.servers
Pumpjack = Callable[..., Coroutine[Any, Any, Done]]


@pytest.fixture
def pumpjack(gateway: Gateway, field: Field) -> Pumpjack:
    """Runs `pumpjack alarms …` as a person with a role."""

    async def run_it(*words: str, who: str = "ann", role: str = "operator") -> Done:
        bearer = token(field.tenant, role=role, subject=who)
        rest = f"http://127.0.0.1:{gateway.rest_port}"
        return await asyncio.to_thread(
            run, "alarms", *words, "--rest", rest, environment={"PUMPJACK_TOKEN": bearer}
        )

    return run_it


@pytest.fixture
async def alarms(field: Field) -> list[str]:
    """The ids of a high pressure and of a pump that stopped, both raised."""
    return await field.raise_alarms()


async def listed(pumpjack: Pumpjack, *words: str) -> list[dict[str, Any]]:
    done = await pumpjack("list", "--output", "json", *words, role="viewer", who="vic")
    assert done.code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["alarms"]
    return found


async def test_the_list_says_what_is_wrong_and_what_to_do(
    pumpjack: Pumpjack, alarms: list[str]
) -> None:
    done = await pumpjack("list", role="viewer")
    assert done.code == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.split()[:5] == [alarms[0][:8], "P1", "unacknowledged", WELL, "flow"]
    assert "1,200 bbl/d" in first or "1200 bbl/d (limit 1000)" in first
    assert "  Flow very high" in rest[0]
    assert "  do: Shut the choke." in rest[1]
    assert done.stdout.splitlines()[-1].startswith("2 to handle, 2 of them unacknowledged")
    assert [one["priority"] for one in await listed(pumpjack, "--priority", "2")] == [2]
    assert await listed(pumpjack, "--search", "nothing has this") == []


async def test_who_comes_second_is_told_who_was_first(
    pumpjack: Pumpjack, alarms: list[str]
) -> None:
    short = alarms[0][:8]
    done = await pumpjack("acknowledge", short, "--comment", "seen")
    assert (done.code, done.stdout) == (0, f"{short}  acknowledged\n"), done.stderr
    second = await pumpjack("acknowledge", short, who="bob")
    assert second.code == 1
    assert "already acknowledged by ann" in second.stderr
    assert (await listed(pumpjack))[1]["comment"] == "seen"


async def test_all_that_wait_are_acknowledged_at_once(
    pumpjack: Pumpjack, alarms: list[str]
) -> None:
    done = await pumpjack("acknowledge", "--all", "--well", WELL)
    assert done.code == 0, done.stderr
    assert done.stdout.count("acknowledged") == 2
    assert (await pumpjack("acknowledge", "--all")).stdout == "nothing waits\n"
    assert (await pumpjack("acknowledge")).code == 2


async def test_an_alarm_is_shelved_for_a_time_and_comes_back(
    pumpjack: Pumpjack, alarms: list[str]
) -> None:
    short = alarms[0][:8]
    done = await pumpjack("shelve", short, "--for", "30m", "--reason", "being calibrated")
    assert (done.code, done.stdout) == (0, f"{short}  shelved\n"), done.stderr
    assert (await listed(pumpjack, "--state", "shelved"))[0]["shelvedBy"] == "ann"
    too_long = await pumpjack("shelve", alarms[1][:8], "--for", "9h", "--reason", "x")
    assert too_long.code == 1
    back = await pumpjack("unshelve", short)
    assert back.stdout == f"{short}  unacknowledged\n"


async def test_out_of_service_takes_an_engineer(pumpjack: Pumpjack, alarms: list[str]) -> None:
    words = ("out-of-service", alarms[0][:8], "--reason", "workover")
    refused = await pumpjack(*words)
    assert (refused.code, "engineer" in refused.stderr) == (1, True)
    done = await pumpjack(*words, role="engineer")
    assert done.stdout.endswith("out of service\n"), done.stderr
    assert (await pumpjack("in-service", alarms[0][:8], role="engineer")).code == 0


async def test_history_and_figures(pumpjack: Pumpjack, alarms: list[str]) -> None:
    await pumpjack("acknowledge", alarms[0], "--comment", "seen")
    history = await pumpjack("history", "--well", WELL, role="viewer")
    newest, *older = history.stdout.splitlines()
    assert "acknowledged  ann" in newest
    assert newest.endswith("seen")
    assert [("raised" in line) for line in older] == [True, True]
    figures = await pumpjack("figures", "--from", "24h", role="viewer")
    assert figures.code == 0, figures.stderr
    assert "alarms: 2\n" in figures.stdout
    assert "ISA-18.2" in figures.stdout


async def test_an_alarm_that_is_not_there(pumpjack: Pumpjack, alarms: list[str]) -> None:
    done = await pumpjack("acknowledge", "zzzz")
    assert done.code == 1
    assert "no alarm's id begins so" in done.stderr
    assert CONNECTION not in done.stderr
