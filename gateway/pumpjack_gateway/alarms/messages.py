"""What the WebSocket says of alarms (docs/alarms.md)."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from pumpjack_gateway.alarms.counts import Counts
from pumpjack_gateway.alarms.model import Alarm, Change, Event
from pumpjack_gateway.live.frames import text_frame


class SubscribeAlarms(Struct, frozen=True, tag="subscribe-alarms", forbid_unknown_fields=True):
    """Tell me of all alarms of my tenant."""


class UnsubscribeAlarms(Struct, frozen=True, tag="unsubscribe-alarms", forbid_unknown_fields=True):
    """Tell me of them no more."""


class AlarmsUnsubscribed(Struct, frozen=True, tag="alarms-unsubscribed"):
    """No more is told of alarms."""


class Alarms(Struct, frozen=True, rename="camel", tag="alarms"):
    """All alarms that are not normal; what follows continues from here.

    as_of     when the database was read last; null: never by this gateway
    event_no  the last event that it has
    current   false: the database cannot be read now. What workers tell is shown, unconfirmed;
              nothing can be acknowledged
    resumed   the gateway could not continue from what it told before: take this in its place
    """

    as_of: datetime | None
    event_no: int
    current: bool
    resumed: bool
    alarms: list[Alarm]


class AlarmMessage(Alarm, frozen=True, rename="camel", kw_only=True, tag="alarm"):
    """One alarm as it is now, and what happened to it.

    event  null: only what is unconfirmed changed, and event numbers go on from where they were
    """

    event: Event | None


class ConflatedAlarms(Struct, frozen=True, rename="camel", tag="alarms-conflated"):
    """The client was too slow: instead of each message it gets each changed alarm once.

    event_no  the last event that is in it
    messages  that it stands for
    """

    event_no: int
    messages: int
    alarms: list[Alarm]


class AlarmCounts(Struct, frozen=True, rename="camel", tag="alarm-counts"):
    """The sums, at most once a second when they change. current, as_of, event_no as in alarms."""

    as_of: datetime | None
    event_no: int
    current: bool
    counts: Counts


_encode = msgspec.json.Encoder().encode


def frame_of_alarms(message: Alarms | ConflatedAlarms | AlarmCounts | AlarmsUnsubscribed) -> bytes:
    """As the frame that goes to the client."""
    return text_frame(_encode(message))


def frame_of_change(change: Change) -> bytes:
    """As the frame that goes to the client."""
    message = AlarmMessage(**msgspec.structs.asdict(change.alarm), event=change.event)
    return text_frame(_encode(message))
