"""What is kept of a worker's words about a command."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from tests.core.storage.commands.hand import Hand
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database
from tests.core.storage.desk import Desk

WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "all that a worker tells": (
        '{"message": "off by 2", "written": 42.5, "read": null, "rounded": true,'
        ' "unanswered": false, "recovered": true}',
        {
            "message": "off by 2",
            "written": 42.5,
            "read": None,
            "rounded": True,
            "unanswered": False,
            "recovered": True,
        },
    ),
    "numbers that are none": (
        '{"written": 1e400, "read": "7"}',
        {"written": None, "read": None},
    ),
    "a number next to nothing": ('{"read": -1e-400}', {"read": 0}),
    "the longest and the smallest": (
        '{"written": 1.5976931348623157e+308, "read": -2.2250738585072014e-299}',
        {"written": 1.5976931348623157e308, "read": -2.2250738585072014e-299},
    ),
    "what nobody asked for": (
        '{"actor": "ann", "message": {"a": 1}, "rounded": "yes", "problem": "p"}',
        {"problem": "p"},
    ),
    "a long story": ('{"message": "' + "x" * 5000 + '"}', {"message": "x" * 1024}),
}


@pytest.mark.parametrize("level", LEVELS[:1])
@pytest.mark.parametrize(("told", "kept"), WORDS.values(), ids=WORDS)
async def test_what_is_kept_of_it(
    database: Database, hand: Hand, desk: Desk, told: str, kept: dict[str, Any]
) -> None:
    await desk.request(45.0)
    claim = await hand.claim()
    assert claim is not None
    sql = "SELECT pumpjack.tell_command($1, 'mismatch', $2::text::jsonb)"
    assert await hand.connection.fetchval(sql, claim["command_id"], told)
    ((detail,),) = await database.read(
        "SELECT detail FROM pumpjack.scada_command_steps WHERE state = 'mismatch'"
    )
    assert json.loads(detail, parse_int=float) == kept


@pytest.mark.parametrize("told", ["[1]", "7", '{"message": "' + "x" * 70_000 + '"}'])
async def test_what_is_no_object_or_far_too_long_is_refused(
    hand: Hand, desk: Desk, told: str
) -> None:
    await desk.request(45.0)
    claim = await hand.claim()
    assert claim is not None
    sql = "SELECT pumpjack.tell_command($1, 'mismatch', $2::text::jsonb)"
    with pytest.raises(asyncpg.PostgresError, match="an object of at most 64 KiB") as refused:
        await hand.connection.fetchval(sql, claim["command_id"], told)
    assert refused.value.sqlstate == "PJ004"
    assert await hand.tell(claim["command_id"], "verified")
