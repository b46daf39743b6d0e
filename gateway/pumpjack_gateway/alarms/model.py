"""An alarm and what happened to it, as REST and the WebSocket say them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

State = Literal[
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned_unacknowledged",
    "latched_unacknowledged",
    "latched_acknowledged",
    "shelved",
    "suppressed",
    "out_of_service",
]
Condition = Literal[
    "hihi",
    "hi",
    "lo",
    "lolo",
    "rate",
    "deviation",
    "state",
    "bad_quality",
    "stale",
    "comm_failure",
]
Kind = Literal[
    "raised",
    "returned",
    "acknowledged",
    "shelved",
    "unshelved",
    "suppressed",
    "unsuppressed",
    "out_of_service",
    "in_service",
    "reset",
    "removed",
]
TO_ACKNOWLEDGE: frozenset[State] = frozenset(
    ("unacknowledged", "returned_unacknowledged", "latched_unacknowledged")
)
"""A person has not seen these yet."""
TO_HANDLE: frozenset[State] = TO_ACKNOWLEDGE | {"acknowledged", "latched_acknowledged"}
"""What an operator has before him."""
HIDDEN: frozenset[State] = frozenset(("shelved", "suppressed", "out_of_service"))
"""Set aside: by a person for a time, by design, by an engineer. Not unacknowledged."""


class Alarm(Struct, frozen=True, rename="camel", kw_only=True):
    """One condition of one tag, or of a connection (comm_failure: wellId and tagName are "").

    since         when it came into this state; activeSince: when its condition was last raised
    value, limit  at the last transition, in unit
    version       of this alarm; give it with an action, and a change in between is told
    eventNo       of its last event
    declared      false: its tag is declared with it no more
    confirmed     false: a worker tells so, the database has not stored it yet
    """

    alarm_id: str
    connection_id: str
    well_id: str
    tag_name: str
    condition: Condition
    priority: int
    state: State
    active: bool
    acknowledged: bool
    latched: bool
    suppressed: bool
    out_of_service: bool
    shelved_until: datetime | None
    shelved_by: str | None
    since: datetime | None
    active_since: datetime | None
    value: float | None
    limit: float | None
    unit: str
    message: str
    consequence: str
    response: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    comment: str
    version: int
    event_no: int
    declared: bool
    confirmed: bool = True


class Event(Struct, frozen=True, rename="camel", kw_only=True):
    """What happened to an alarm.

    eventNo     1, 2, 3 … in the tenant, without holes
    at          by the source's clock; recordedAt: by the database's
    actor       who did it; empty where nobody did, but the process
    state       of the alarm, afterwards
    """

    event_no: int
    at: datetime
    recorded_at: datetime
    alarm_id: str
    connection_id: str
    well_id: str
    tag_name: str
    condition: Condition
    priority: int
    kind: Kind
    actor: str
    comment: str
    value: float | None
    limit: float | None
    detail: dict[str, Any]
    state: State


class Change(Struct, frozen=True):
    """An alarm as it is now, and the event that made it so; None: what was unconfirmed changed."""

    alarm: Alarm
    event: Event | None
