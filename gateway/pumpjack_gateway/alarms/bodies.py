"""What a client sends to act on alarms."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

ALARMS_MAX = 1_000
COMMENT_MAX_CHARS = 512
SHELVED_MAX_MIN = 480
_NO_CONTROLS = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
_NOT_BLANK = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"

AlarmId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Comment = Annotated[str, Meta(max_length=COMMENT_MAX_CHARS, pattern=_NO_CONTROLS)]
Reason = Annotated[str, Meta(min_length=1, max_length=COMMENT_MAX_CHARS, pattern=_NOT_BLANK)]


class Named(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An alarm. version: as it was seen; a change since then is told, and nothing is done."""

    alarm_id: AlarmId
    version: Annotated[int, Meta(ge=0, le=2**53)] | None = None


Alarms = Annotated[list[Named], Meta(min_length=1, max_length=ALARMS_MAX)]


class WithComment(Struct, frozen=True, forbid_unknown_fields=True):
    """Acknowledge, unshelve, put into service, reset: each alarm once."""

    alarms: Alarms
    comment: Comment = ""


class WithReason(Struct, frozen=True, forbid_unknown_fields=True):
    """Take out of service."""

    alarms: Alarms
    reason: Reason


class Shelving(Struct, frozen=True, forbid_unknown_fields=True):
    """Shelve until a time, or for so many minutes: exactly one of the two, 8 hours at most."""

    alarms: Alarms
    reason: Reason
    until: str | None = None
    minutes: Annotated[int, Meta(ge=1, le=SHELVED_MAX_MIN)] | None = None
