"""What a gateway knows of a tenant's alarms: the stored ones, and what workers told beyond them.

Pure. The events of the database are the truth, taken in order of their numbers. A worker's word
(`condition`) is shown at once and unconfirmed; it is dropped as soon as the database has the batch
that it came with, whatever became of it there. A word that the worker could not keep in its journal
stands until the database or the worker say something of that alarm again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from pumpjack_gateway.alarms.model import Alarm, Change, Event
from pumpjack_gateway.alarms.states import Told, foretell

TOLD_MAX = 20_000
"""More unconfirmed alarms than this are not kept: the database has been away for very long."""
WORDS_MAX = 16
"""Of one alarm. What it comes to depends on the last few alone."""


class Snapshot(Struct, frozen=True):
    """A tenant's alarms that are not normal, as of an event. raised_us: those of the last day."""

    event_no: int
    alarms: Sequence[Alarm]
    raised_us: Sequence[int]


class News(Struct, frozen=True):
    """What came after an event.

    events   in order, without holes
    alarms   those that the events are about, as they are now
    cursors  journal to the number up to which the database has it
    """

    events: Sequence[Event]
    alarms: Mapping[str, Alarm]
    cursors: Mapping[str, int]


class Book:
    """One tenant's alarms."""

    def __init__(self) -> None:
        self.event_no = 0
        self._stored: dict[str, Alarm] = {}
        self._told: dict[str, list[Told]] = {}
        self._cursors: dict[str, int] = {}
        self.refused = 0
        """Words that were not kept, since there are too many."""

    @property
    def epochs(self) -> list[str]:
        """Journals of which something unconfirmed is shown."""
        return sorted({told.epoch for words in self._told.values() for told in words})

    def begin(self, snapshot: Snapshot) -> None:
        """Take in everything anew. What is unconfirmed stays."""
        self.event_no = snapshot.event_no
        self._stored = {alarm.alarm_id: alarm for alarm in snapshot.alarms}

    def take(self, news: News) -> list[Change]:
        """Take in what the database has new; returns what is to be told, in order."""
        before = {alarm_id: self.shown(alarm_id) for alarm_id in self._told}
        self._cursors |= news.cursors
        spoken = {event.alarm_id for event in news.events if event.kind in ("raised", "returned")}
        for alarm_id, words in list(self._told.items()):
            words[:] = [
                told
                for told in words
                if not self._is_stored(told) and (told.kept or alarm_id not in spoken)
            ]
            if not words:
                del self._told[alarm_id]
        for alarm_id, alarm in news.alarms.items():
            if alarm.state == "normal":
                self._stored.pop(alarm_id, None)
            else:
                self._stored[alarm_id] = alarm
        if news.events:
            self.event_no = news.events[-1].event_no
        changes = []
        for event in news.events:
            stored = news.alarms[event.alarm_id]
            changes.append(Change(self._foretold(event.alarm_id, stored) or stored, event))
        about = {event.alarm_id for event in news.events}
        for alarm_id, was in before.items():
            now = self.shown(alarm_id)
            if alarm_id not in about and now != was and was is not None:
                changes.append(Change(now or _gone(was), None))
        return changes

    def hear(self, told: Told) -> Change | None:
        """A worker's word; None when it changes nothing that is shown."""
        if self._is_stored(told):
            return None
        words = self._told.get(told.alarm_id, [])
        if told.kept and any(not word.kept for word in words):
            return self._take_back(told, words)
        shown = self.shown(told.alarm_id)
        was = (shown.active, shown.suppressed) if shown is not None else (False, False)
        if was == (told.active, told.suppressed):
            return None
        if told.alarm_id not in self._told and len(self._told) >= TOLD_MAX:
            self.refused += 1
            return None
        words = self._told.setdefault(told.alarm_id, [])
        words.append(told)
        del words[:-WORDS_MAX]
        return Change(foretell(shown, told), None)

    def _take_back(self, told: Told, words: list[Told]) -> Change | None:
        """The journal takes again: this word stands for those that it could not take."""
        before = self.shown(told.alarm_id)
        words[:] = [word for word in words if word.kept] + [told]
        after = self.shown(told.alarm_id)
        return None if after == before or after is None else Change(after, None)

    def shown(self, alarm_id: str) -> Alarm | None:
        """An alarm as clients see it; None: it is normal, and nobody says otherwise."""
        return self._foretold(alarm_id, self._stored.get(alarm_id))

    def all(self) -> list[Alarm]:
        """All that are not normal."""
        alarms = (self.shown(alarm_id) for alarm_id in {**self._stored, **self._told})
        return [alarm for alarm in alarms if alarm is not None and alarm.state != "normal"]

    def _foretold(self, alarm_id: str, alarm: Alarm | None) -> Alarm | None:
        for told in self._told.get(alarm_id, ()):
            alarm = foretell(alarm, told)
        return alarm

    def _is_stored(self, told: Told) -> bool:
        return told.kept and self._cursors.get(told.epoch, -1) >= told.seq


def _gone(alarm: Alarm) -> Alarm:
    """The database had nothing of it: it is normal again."""
    return msgspec.structs.replace(
        alarm, state="normal", active=False, acknowledged=True, confirmed=True
    )


def first_hole(event_no: int, events: Iterable[Event]) -> int | None:
    """The first number that is missing after event_no; None: there is none."""
    for event in events:
        event_no += 1
        if event.event_no != event_no:
            return event_no
    return None
