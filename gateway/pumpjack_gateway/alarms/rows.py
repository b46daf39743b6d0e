"""Rows of scada_alarms and scada_events as structs."""

from __future__ import annotations

import asyncpg

from pumpjack_core.decoding import decoder
from pumpjack_gateway.alarms.model import Alarm, Event

_decode_detail = decoder(dict)
ALARM_COLUMNS = (
    "a.alarm_id, a.connection_id, a.well_id, a.tag_name, a.condition, a.priority, a.state, "
    "a.active, a.acknowledged, a.latched, a.suppressed, a.out_of_service, a.shelved_until, "
    "a.shelved_by, a.since, a.active_since, a.value, a.limit, a.unit, a.message, a.consequence, "
    "a.response, a.acknowledged_by, a.acknowledged_at, a.comment, a.version, a.event_no, "
    "a.declared"
)
EVENT_COLUMNS = (
    "e.event_no, e.at, e.recorded_at, e.alarm_id, e.connection_id, e.well_id, e.tag_name, "
    "e.condition, e.priority, e.kind, e.actor, e.comment, e.value, e.limit, "
    "e.detail::text AS detail, e.state"
)


def alarm_of(row: asyncpg.Record) -> Alarm:
    """One alarm."""
    return Alarm(
        alarm_id=row["alarm_id"],
        connection_id=row["connection_id"],
        well_id=row["well_id"],
        tag_name=row["tag_name"],
        condition=row["condition"],
        priority=row["priority"],
        state=row["state"],
        active=row["active"],
        acknowledged=row["acknowledged"],
        latched=row["latched"],
        suppressed=row["suppressed"],
        out_of_service=row["out_of_service"],
        shelved_until=row["shelved_until"],
        shelved_by=row["shelved_by"],
        since=row["since"],
        active_since=row["active_since"],
        value=row["value"],
        limit=row["limit"],
        unit=row["unit"] or "",
        message=row["message"],
        consequence=row["consequence"],
        response=row["response"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        comment=row["comment"],
        version=row["version"],
        event_no=row["event_no"],
        declared=row["declared"],
    )


def event_of(row: asyncpg.Record) -> Event:
    """One event."""
    return Event(
        event_no=row["event_no"],
        at=row["at"],
        recorded_at=row["recorded_at"],
        alarm_id=row["alarm_id"],
        connection_id=row["connection_id"],
        well_id=row["well_id"],
        tag_name=row["tag_name"],
        condition=row["condition"],
        priority=row["priority"],
        kind=row["kind"],
        actor=row["actor"],
        comment=row["comment"],
        value=row["value"],
        limit=row["limit"],
        detail=_decode_detail(row["detail"]),
        state=row["state"],
    )
