"""Rows of the database as what is told of commands. Pure."""

from __future__ import annotations

import math
from typing import Any

import asyncpg
import msgspec

from pumpjack_core.decoding import decoder
from pumpjack_gateway.commands.answers import RUNNING, Command, CommandStep, Detail, WritableTag
from pumpjack_gateway.commands.words import message_of, standing

_decode_detail = decoder(dict[str, Any])


def step_of(row: asyncpg.Record) -> CommandStep:
    """A row of scada_command_steps."""
    message = message_of(row["state"], row["actor"], _detail(row["detail"]))
    return CommandStep(row["change_no"], row["at"], row["state"], row["actor"], message)


def command_of(row: asyncpg.Record) -> Command:
    """A row of scada_commands with unit, and with actor and detail (as step) of its last step."""
    message = message_of(row["state"], row["actor"] or "", _detail(row["step"]))
    result = _detail(row["result"])
    return Command(
        command_id=row["command_id"],
        well_id=row["well_id"],
        tag_name=row["tag_name"],
        connection_id=row["connection_id"],
        unit=row["unit"] or "",
        value=row["value"],
        written=_number(result, "written"),
        read_back=_number(result, "read"),
        state=row["state"],
        running=row["state"] in RUNNING,
        message=standing(row["state"], message, approval=row["approval"]),
        reason=row["reason"],
        approval="required" if row["approval"] else "none",
        requested_by=row["requested_by"],
        requested_role=row["requested_role"],
        requested_at=row["requested_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        comment=row["comment"],
        expires_at=row["expires_at"],
        sent_at=row["sent_at"],
        done_at=row["done_at"],
        idempotency_key=row["idempotency_key"],
        change_no=row["change_no"],
    )


def tag_of(row: asyncpg.Record, running: Command | None) -> WritableTag:
    """A row of scada_tag_definitions."""
    off = None if row["connection_writes"] else f"{row['connection_id']} does not allow writes"
    return WritableTag(
        well_id=row["well_id"],
        tag_name=row["tag_name"],
        connection_id=row["connection_id"],
        description=row["description"],
        unit=row["unit"] or "",
        low=row["write_low"],
        high=row["write_high"],
        states=list(row["write_states"]),
        state_names=_detail(row["state_names"]),
        approval="required" if row["write_approval"] == "required" else "none",
        off=off,
        running=running,
    )


def _detail(text: str | None) -> dict[str, Any]:
    try:
        return _decode_detail(text) if text else {}
    except msgspec.MsgspecError:  # a worker's own words: no reason to show nothing of the command
        return {}


def _number(result: Detail, name: str) -> float | None:
    value = result.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
