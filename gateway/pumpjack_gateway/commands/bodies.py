"""What a client sends to ask for a command, and to decide on one."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pumpjack_gateway.history import NAME_PATTERN

REASON_MAX_CHARS = 512
KEY_MIN_CHARS, KEY_MAX_CHARS = 8, 128
EXPIRES_S, EXPIRES_MOST_S = 10.0, 60.0
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
_NOT_BLANK = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"

Name = Annotated[str, Meta(min_length=1, max_length=253, pattern=NAME_PATTERN)]


class ControlRequest(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Write this value to this tag. The value is in the tag's unit; on a discrete tag a state."""

    well_id: Name
    tag_name: Name
    value: Annotated[float, Meta(description="in the tag's unit")]
    reason: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=REASON_MAX_CHARS,
            pattern=_NOT_BLANK,
            description="why, for whoever reads the audit log",
        ),
    ]
    idempotency_key: Annotated[
        str,
        Meta(
            min_length=KEY_MIN_CHARS,
            max_length=KEY_MAX_CHARS,
            pattern=NAME_PATTERN,
            description="made anew for each thing that is wanted, such as a UUID; sent again "
            "with the same content it writes nothing again",
        ),
    ]
    expires_s: Annotated[
        float,
        Meta(
            ge=1.0,
            le=EXPIRES_MOST_S,
            description="seconds after which it is not sent any more; with a second person, "
            "after their approval",
        ),
    ] = EXPIRES_S


class DecisionRequest(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A second person's word on a command."""

    approve: bool
    comment: Annotated[str, Meta(max_length=REASON_MAX_CHARS, pattern=_NO_CONTROLS)] = ""
