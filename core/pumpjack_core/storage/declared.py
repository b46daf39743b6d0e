"""A connection's tags as the database is told them: pumpjack.declare_tags()."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pumpjack_core.tags import Alarm, Tag, WellFacts, Write


def definition(tags: Sequence[Tag], facts: Sequence[WellFacts] = (), *, writes: bool) -> str:
    """The whole table as JSON. writes: whether the connection may be written to at all.

    Series are told by name only; of a tag that is there twice the first counts.
    """
    table = {
        "writes": writes,
        "tags": [_tag(tag) for tag in tags],
        "wells": [_well(well) for well in facts],
    }
    return msgspec.json.encode(table).decode()


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "well": tag.well_id,
        "tag": tag.name,
        "address": _text(tag.address),
        "dataType": tag.data_type,
        "unit": _text(tag.unit),
        "scale": tag.scale,
        "offset": tag.offset,
        "description": _text(tag.description),
        "intervalS": tag.interval_s,
        "low": tag.low,
        "high": tag.high,
        "stateNames": {value: _text(word) for value, word in tag.state_names.items()},
        "alarms": [_alarm(alarm) for alarm in tag.alarms],
        "write": None if tag.write is None else _write(tag.write),
        "title": _text(tag.title),
        "normalLow": tag.normal_low,
        "normalHigh": tag.normal_high,
        "digits": tag.digits,
    }


def _well(well: WellFacts) -> dict[str, Any]:
    return {
        "well": well.well_id,
        "title": _text(well.title),
        "type": well.type,
        "pad": _text(well.pad),
        "route": _text(well.route),
        "timeZone": well.time_zone,
        "roles": well.roles,
        "keyTags": well.key_tags,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "condition": alarm.condition,
        "limit": alarm.limit,
        "perS": alarm.per_s,
        "from": alarm.from_tag,
        "states": alarm.states,
        "priority": alarm.priority,
        "deadband": alarm.deadband,
        "onDelayS": alarm.on_delay_s,
        "offDelayS": alarm.off_delay_s,
        "latch": alarm.latch,
        "message": _text(alarm.message),
        "consequence": _text(alarm.consequence),
        "response": _text(alarm.response),
    }


def _write(write: Write) -> dict[str, Any]:
    return {
        "low": write.low,
        "high": write.high,
        "states": write.states,
        "approval": write.approval,
        "address": _text(write.address),
        "tolerance": write.tolerance,
        "verifyS": write.verify_s,
    }


def _text(text: str) -> str:
    """PostgreSQL's text cannot hold NUL; its visible symbol stands in."""
    return text.replace("\0", "␀")
