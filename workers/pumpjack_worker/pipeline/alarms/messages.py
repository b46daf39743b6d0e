"""Transitions as they go out at once, on the channel of alarms; pure."""

from __future__ import annotations

from pumpjack_core import wire
from pumpjack_core.alarms import Transition, alarm_id
from pumpjack_core.clock import iso_us
from pumpjack_core.tags import Alarm, TagTable


class Messages:
    """Encodes the transitions of one connection."""

    def __init__(self, *, epoch: str, tenant_id: str, connection_id: str) -> None:
        self._epoch = epoch
        self._tenant_id = tenant_id
        self._connection_id = connection_id

    def condition(self, seq: int, tags: TagTable, seen: Transition, *, kept: bool) -> bytes:
        """One transition of a batch. kept: whether the journal takes batches."""
        tag = tags.tags[seen.tag_index]
        alarm = declared(tags, seen)
        return wire.encode(
            wire.Condition(
                epoch=self._epoch,
                seq=seq,
                tenant_id=self._tenant_id,
                connection_id=self._connection_id,
                well_id=tag.well_id,
                tag_name=tag.name,
                condition=seen.condition,
                alarm_id=alarm_id(
                    self._tenant_id, self._connection_id, tag.well_id, tag.name, seen.condition
                ),
                active=seen.active,
                suppressed=seen.suppressed,
                at=iso_us(seen.us),
                value=seen.value,
                limit=alarm.limit,
                priority=alarm.priority,
                message=alarm.message,
                kept=kept,
            )
        )

    def stored(self) -> bytes:
        """The database has transitions that it had not."""
        return wire.encode(wire.AlarmsStored(self._tenant_id, self._connection_id))


def declared(tags: TagTable, seen: Transition) -> Alarm:
    """The alarm of a transition."""
    return next(
        alarm for alarm in tags.tags[seen.tag_index].alarms if alarm.condition == seen.condition
    )
