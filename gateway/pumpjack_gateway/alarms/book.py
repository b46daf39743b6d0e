"""What a gateway knows of a tenant's alarms: the stored ones, and what workers told beyond them.

Pure. The events of the database are the truth, taken in order of their numbers. A worker's word
(`condition`) is shown at once and unconfirmed; it is dropped as soon as the database has the batch
that it came with, whatever became of it there. The first word of a journal waits until the database
was asked how far it has that journal: it may be an old one that Redis kept back. A word that the
worker could not keep in its journal stands until the database or the worker say something of that
alarm again, or until another process does the worker's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from pumpjack_gateway.alarms.model import Alarm, Change, Event
from pumpjack_gateway.alarms.presence import Presence
from pumpjack_gateway.alarms.states import Told, foretell

TOLD_MAX = 20_000
"""More unconfirmed alarms than this are not kept: the database has been away for very long."""
WORDS_MAX = 16
"""Of one alarm. What it comes to depends on the last few alone."""
JOURNALS_MAX = 5_000
"""Journals whose cursors are asked for; beyond, the one that was silent longest is forgotten."""
_SPOKEN = frozenset(("raised", "returned", "suppressed", "unsuppressed", "removed"))
"""Events by which the database says something of the condition itself."""


class Snapshot(Struct, frozen=True):
    """A tenant's alarms that are not normal, as of an event. raised_us: those of the last day."""

    event_no: int
    alarms: Sequence[Alarm]
    raised_us: Sequence[int]


class News(Struct, frozen=True):
    """What came after an event.

    events   in order, without holes
    alarms   those that the events are about, as they are now
    cursors  journal to the number up to which the database has it, -1: it does not know it. Of all
             that were asked for, or empty: there are more events, so it cannot be told yet
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
        self._journals: dict[str, None] = {}
        """Heard of, the one that spoke last at the end."""
        self._cursors: dict[str, int] = {}
        """As of event_no."""
        self._waiting: list[Told] = []
        self._blind = False
        self.refused = 0
        """Words that were not kept, since there are too many."""

    @property
    def epochs(self) -> list[str]:
        """Journals whose cursors are to be asked for."""
        return sorted(self._journals)

    @property
    def waits(self) -> bool:
        """Whether words wait for the database."""
        return bool(self._waiting)

    @property
    def told(self) -> frozenset[str]:
        """The connections of which something unconfirmed is shown."""
        return frozenset(told.connection_id for words in self._told.values() for told in words)

    def begin(self, snapshot: Snapshot) -> None:
        """Take in everything anew. What is unconfirmed stays."""
        self.event_no = snapshot.event_no
        self._stored = {alarm.alarm_id: alarm for alarm in snapshot.alarms}
        self._cursors = {}  # they were of another moment
        self._blind = False

    def take(self, news: News) -> list[Change]:
        """Take in what the database has new; returns what is to be told, in order."""
        self._blind = False
        before = {alarm_id: self.shown(alarm_id) for alarm_id in self._told}
        self._cursors |= {
            epoch: seq for epoch, seq in news.cursors.items() if epoch in self._journals
        }
        spoken = {event.alarm_id for event in news.events if event.kind in _SPOKEN}
        self._keep(
            lambda told: not self._is_stored(told) and (told.kept or told.alarm_id not in spoken)
        )
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
        changes += self._changed(before, about)
        waiting, self._waiting = self._waiting, []
        return changes + self._hear_all(waiting)

    def hear(self, told: Told) -> Change | None:
        """A worker's word; None when it changes nothing that is shown, or has to wait."""
        self._follow(told.epoch)
        if told.epoch not in self._cursors and not self._blind and len(self._waiting) < TOLD_MAX:
            self._waiting.append(told)
            return None
        return self._show(told)

    def wait_no_more(self) -> list[Change]:
        """The database cannot be asked now: what is told is shown at once."""
        self._blind = True
        waiting, self._waiting = self._waiting, []
        return self._hear_all(waiting)

    def meet(self, connection_id: str, presence: Presence) -> list[Change]:
        """Who does a connection's work now: what others before it told and did not keep is void."""
        before = {alarm_id: self.shown(alarm_id) for alarm_id in self._told}
        self._keep(
            lambda told: (
                told.connection_id != connection_id
                or presence.stands_for(told.epoch, told.seq, kept=told.kept)
            )
        )
        return self._changed(before, set())

    def _keep(self, stays: Callable[[Told], bool]) -> None:
        for alarm_id, words in list(self._told.items()):
            words[:] = filter(stays, words)
            if not words:
                del self._told[alarm_id]

    def _changed(self, before: Mapping[str, Alarm | None], but: set[str]) -> list[Change]:
        """What is shown otherwise than before."""
        changes = []
        for alarm_id, was in before.items():
            now = self.shown(alarm_id)
            if alarm_id not in but and now != was and was is not None:
                changes.append(Change(now or _gone(was), None))
        return changes

    def _follow(self, epoch: str) -> None:
        self._journals.pop(epoch, None)
        self._journals[epoch] = None
        if len(self._journals) > JOURNALS_MAX:
            oldest = next(iter(self._journals))
            del self._journals[oldest]
            self._cursors.pop(oldest, None)

    def _hear_all(self, words: Iterable[Told]) -> list[Change]:
        changes = (self.hear(told) for told in words)
        return [change for change in changes if change is not None]

    def _show(self, told: Told) -> Change | None:
        if self._is_stored(told):
            return None
        words = self._told.get(told.alarm_id, [])
        if told.kept and any(not word.kept for word in words):
            return self._take_back(told, words)
        shown = self.shown(told.alarm_id)
        was = (shown.active, shown.suppressed) if shown is not None else (False, False)
        if was == (told.active, was[1] if told.suppressed is None else told.suppressed):
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
