"""Alarms as every part names them: conditions, ids, and the transitions that a worker decides."""

from __future__ import annotations

import hashlib

from msgspec import Struct

ABOVE = ("hihi", "hi")
BELOW = ("lo", "lolo")
PRIORITIES = (1, 2, 3, 4)
"""1 is the highest."""
COMM_FAILURE = "comm_failure"
"""Of a connection, never declared: the gateway raises it."""


class Transition(Struct, frozen=True, omit_defaults=True):
    """A condition became active or inactive, or became suppressed or not.

    tag_index   position in the tag table of the batch that it came with
    us          when, by the tag's own time [µs since the epoch, UTC]
    value       what was held against the limit, in the tag's unit: the value; of rate the change
                within `per`; of deviation the distance. None where nothing was, as when only
                suppressed changed
    suppressed  whether the tag that suppresses it holds one of its states; None: it was not read
                yet, and whatever was told last of that stands
    """

    tag_index: int
    condition: str
    active: bool
    us: int
    value: float | None
    suppressed: bool | None = False


def alarm_id(
    tenant_id: str, connection_id: str, well_id: str, tag_name: str, condition: str
) -> str:
    """The alarm's name everywhere: 32 hex digits, the same as SQL's pumpjack.alarm_id().

    >>> alarm_id("permian", "ops/plc", "a1", "pressure", "hi")
    'e78f85731eef2afe6aedb3f984d4c9a4'
    """
    named = "\0".join((tenant_id, connection_id, well_id, tag_name, condition))
    return hashlib.sha256(named.encode()).hexdigest()[:32]
