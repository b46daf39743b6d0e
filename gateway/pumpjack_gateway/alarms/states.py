"""The state of an alarm (ISA-18.2) from what is known of it, and what a condition makes of it.

The database decides (pumpjack.step_alarm); this foretells its answer while it is on the way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pumpjack_core.clock import us_of
from pumpjack_gateway.alarms.model import Alarm, Condition, State
from pumpjack_gateway.times import time_of

Name = Annotated[str, Meta(max_length=512)]
"""As long as the database has any."""


class Told(Struct, frozen=True, rename="camel", tag_field="type", tag="condition"):
    """A worker's word that a condition began or ended, before the database has it.

    suppressed  null: not known yet, it stays as it was
    kept  false: its journal takes nothing now, so the database may never hear of it. Otherwise as
          pumpjack_core.wire.Condition, of which only what is needed is read
    """

    tenant_id: Name
    connection_id: Name
    epoch: Name
    seq: int
    well_id: Name
    tag_name: Name
    condition: Condition
    alarm_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    active: bool
    at: Annotated[str, Meta(max_length=40)]
    suppressed: bool | None = False
    value: float | None = None
    limit: float | None = None
    priority: int = 3
    message: Annotated[str, Meta(max_length=256)] = ""
    kept: bool = True


def state_of(
    *,
    active: bool,
    acknowledged: bool,
    latched: bool,
    shelved: bool,
    suppressed: bool,
    out_of_service: bool,
) -> State:
    """Out of service over suppressed over shelved over the rest."""
    if out_of_service:
        return "out_of_service"
    if suppressed:
        return "suppressed"
    if shelved:
        return "shelved"
    if active:
        return "acknowledged" if acknowledged else "unacknowledged"
    if latched:
        return "latched_acknowledged" if acknowledged else "latched_unacknowledged"
    return "normal" if acknowledged else "returned_unacknowledged"


def foretell(known: Alarm | None, told: Told) -> Alarm:
    """The alarm as the database will most likely have it. known None: it was normal."""
    at = _time(told.at)
    before = known if known is not None else _normal(told, at)
    suppressed = before.suppressed if told.suppressed is None else told.suppressed
    was_hidden = before.out_of_service or before.suppressed or before.shelved_until is not None
    hidden = before.out_of_service or suppressed or before.shelved_until is not None
    raised = told.active and not before.active
    shows_again = was_hidden and not hidden and (told.active or before.latched)
    acknowledged = before.acknowledged and not ((raised and not hidden) or shows_again)
    state = state_of(
        active=told.active,
        acknowledged=acknowledged,
        latched=before.latched,
        shelved=before.shelved_until is not None,
        suppressed=suppressed,
        out_of_service=before.out_of_service,
    )
    seen = acknowledged or before.acknowledged_by is None
    return msgspec.structs.replace(
        before,
        state=state,
        active=told.active,
        acknowledged=acknowledged,
        suppressed=suppressed,
        since=at if state != before.state else before.since,
        active_since=at if raised else before.active_since,
        value=told.value,
        acknowledged_by=before.acknowledged_by if seen else None,
        acknowledged_at=before.acknowledged_at if seen else None,
        comment=before.comment if seen else "",
        confirmed=False,
    )


def _normal(told: Told, at: datetime | None) -> Alarm:
    return Alarm(
        alarm_id=told.alarm_id,
        connection_id=told.connection_id,
        well_id=told.well_id,
        tag_name=told.tag_name,
        condition=told.condition,
        priority=told.priority,
        state="normal",
        active=False,
        acknowledged=True,
        latched=False,
        suppressed=False,
        out_of_service=False,
        shelved_until=None,
        shelved_by=None,
        since=at,
        active_since=None,
        value=None,
        limit=told.limit,
        unit="",
        message=told.message,
        consequence="",
        response="",
        acknowledged_by=None,
        acknowledged_at=None,
        comment="",
        version=0,
        event_no=0,
        declared=True,
    )


def _time(text: str) -> datetime | None:
    try:
        return time_of(us_of(text))
    except (ValueError, OverflowError):
        return None
