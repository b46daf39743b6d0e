"""What a gateway makes of workers' words and the database's events, in whatever order they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.clock import iso_us
from pumpjack_gateway.alarms.book import Book, News, Snapshot
from pumpjack_gateway.alarms.model import Alarm, Change, Event
from pumpjack_gateway.alarms.presence import Presence
from pumpjack_gateway.alarms.states import Told, foretell, state_of

S = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALARMS = ("a", "b")


def told(alarm_id: str, active: bool, seq: int, **changes: Any) -> Told:
    word = Told(
        tenant_id="permian",
        connection_id="ops/pad7",
        epoch="e1",
        seq=seq,
        well_id="pad7-3",
        tag_name=alarm_id,
        condition="hi",
        alarm_id=alarm_id,
        active=active,
        at=iso_us(seq * S),
    )
    return msgspec.structs.replace(word, **changes)


def normal(alarm_id: str) -> Alarm:
    unknown = foretell(None, told(alarm_id, False, 0))
    return msgspec.structs.replace(unknown, confirmed=True)


@dataclass
class Ledger:
    """The database: alarms, events and the journal's cursor, as migrations/0020 changes them."""

    alarms: dict[str, Alarm] = field(
        default_factory=lambda: {name: normal(name) for name in ALARMS}
    )
    events: list[Event] = field(default_factory=list)
    cursor: int = 0

    def commit(self, word: Told) -> None:
        self.cursor = word.seq
        alarm = self.alarms[word.alarm_id]
        if alarm.active != word.active:
            acknowledged = alarm.acknowledged and not word.active
            self._step(alarm, "raised" if word.active else "returned", word, acknowledged)

    def acknowledge(self, alarm_id: str) -> None:
        alarm = self.alarms[alarm_id]
        if not alarm.acknowledged:
            self._step(alarm, "acknowledged", told(alarm_id, alarm.active, 0), True)

    def _step(self, alarm: Alarm, kind: str, word: Told, acknowledged: bool) -> None:
        state = state_of(
            active=word.active,
            acknowledged=acknowledged,
            latched=False,
            shelved=False,
            suppressed=False,
            out_of_service=False,
        )
        at = EPOCH + timedelta(seconds=word.seq)
        number = len(self.events) + 1
        self.alarms[alarm.alarm_id] = msgspec.structs.replace(
            alarm,
            active=word.active,
            acknowledged=acknowledged,
            state=state,
            version=alarm.version + 1,
            event_no=number,
            since=at,
        )
        self.events.append(
            Event(
                event_no=number,
                at=at,
                recorded_at=at,
                alarm_id=alarm.alarm_id,
                connection_id=alarm.connection_id,
                well_id=alarm.well_id,
                tag_name=alarm.tag_name,
                condition="hi",
                priority=3,
                kind=kind,  # type: ignore[arg-type]
                actor="",
                comment="",
                value=None,
                limit=None,
                detail={},
                state=state,
            )
        )

    def news(self, book: Book) -> News:
        """What a book does not have, and the cursors that it asks for."""
        events = self.events[book.event_no :]
        alarms = {one.alarm_id: self.alarms[one.alarm_id] for one in events}
        cursors = dict.fromkeys(book.epochs, -1)
        return News(events, alarms, cursors | {"e1": self.cursor} if "e1" in cursors else cursors)

    def snapshot(self) -> Snapshot:
        shown = [alarm for alarm in self.alarms.values() if alarm.state != "normal"]
        return Snapshot(len(self.events), shown, [])


def blind() -> Book:
    """A book whose database cannot be asked: what is told is shown at once."""
    book = Book()
    book.wait_no_more()
    return book


class Screen:
    """A client: what it believes, from what it was told."""

    def __init__(self, book: Book) -> None:
        self.event_no = book.event_no
        self.alarms = {alarm.alarm_id: alarm for alarm in book.all()}

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            if change.event is not None:
                assert change.event.event_no == self.event_no + 1, "each event, once, in order"
                self.event_no += 1
            if change.alarm.state == "normal":
                self.alarms.pop(change.alarm.alarm_id, None)
            else:
                self.alarms[change.alarm.alarm_id] = change.alarm


COURSE = ("turn", "turn", "commit", "read", "hear", "acknowledge", "anew", "lose", "blind")
steps = st.lists(
    st.tuples(
        st.sampled_from(COURSE),
        st.sampled_from(ALARMS),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_comes_first_every_screen_ends_with_what_the_database_has(
    course: list[tuple[str, str]],
) -> None:
    ledger, book = Ledger(), Book()
    book.begin(ledger.snapshot())
    screen = Screen(book)
    active = dict.fromkeys(ALARMS, False)
    seq = 0
    uncommitted: list[Told] = []
    on_the_way: list[Told] = []

    def read() -> None:
        screen.take(book.take(ledger.news(book)))

    def hear() -> None:
        while on_the_way:
            change = book.hear(on_the_way.pop(0))
            screen.take([change] if change is not None else [])

    for step, alarm_id in course:
        if step == "turn":
            seq += 1
            active[alarm_id] = not active[alarm_id]
            uncommitted.append(told(alarm_id, active[alarm_id], seq))
            on_the_way.append(uncommitted[-1])
        elif step == "commit" and uncommitted:
            ledger.commit(uncommitted.pop(0))
        elif step == "read":
            read()
        elif step == "hear":
            hear()
        elif step == "lose":
            on_the_way.clear()
        elif step == "acknowledge":
            ledger.acknowledge(alarm_id)
        elif step == "blind":
            screen.take(book.wait_no_more())
        elif step == "anew":
            book.begin(ledger.snapshot())
            screen = Screen(book)
        assert screen.alarms == {one.alarm_id: one for one in book.all()}
    assert book.epochs in ([], ["e1"])
    hear()
    while uncommitted:
        ledger.commit(uncommitted.pop(0))
    read()
    expected = {one.alarm_id: one for one in ledger.alarms.values() if one.state != "normal"}
    assert {one.alarm_id: one for one in book.all()} == expected
    assert screen.alarms == expected
    assert screen.event_no == len(ledger.events)


@given(steps)
def test_what_is_heard_is_shown_as_the_database_will_have_it(course: list[tuple[str, str]]) -> None:
    ledger, book = Ledger(), blind()
    active = dict.fromkeys(ALARMS, False)
    words = []
    for step, alarm_id in course:
        if step == "turn":
            active[alarm_id] = not active[alarm_id]
            words.append(told(alarm_id, active[alarm_id], len(words) + 1))
            book.hear(words[-1])
    for word in words:
        ledger.commit(word)
    foretold = {one.alarm_id: (one.state, one.active) for one in book.all()}
    assert foretold == {
        one.alarm_id: (one.state, one.active)
        for one in ledger.alarms.values()
        if one.state != "normal"
    }
    assert not any(one.confirmed for one in book.all())


def test_a_condition_that_is_stored_already_is_not_shown_again_as_unconfirmed() -> None:
    ledger, book = Ledger(), Book()
    book.hear(told("b", True, 1))
    ledger.commit(told("b", True, 1))
    ledger.commit(told("a", True, 2))
    ledger.commit(told("a", False, 3))
    book.take(ledger.news(book))
    assert book.hear(told("a", True, 2)) is None
    assert all(one.confirmed for one in book.all())


def test_what_the_database_makes_nothing_of_is_taken_back() -> None:
    book = blind()
    assert book.hear(told("a", True, 5)) is not None
    (change,) = book.take(News([], {}, {"e1": 5}))
    assert (change.alarm.state, change.event) == ("normal", None)
    assert book.all() == []


def test_a_word_that_the_journal_could_not_keep_outlives_the_cursor() -> None:
    book = blind()
    book.hear(told("a", True, 5, kept=False))
    assert book.take(News([], {}, {"e1": 9})) == []
    assert [one.state for one in book.all()] == ["unacknowledged"]
    ledger = Ledger(cursor=9)
    ledger.commit(told("a", True, 10))
    book.take(ledger.news(book))
    assert [(one.state, one.confirmed) for one in book.all()] == [("unacknowledged", True)]


def test_a_shelved_alarm_stays_shelved_whatever_its_condition_does() -> None:
    until = EPOCH + timedelta(days=20_000)
    shelved = msgspec.structs.replace(
        normal("a"), active=True, acknowledged=False, state="shelved", shelved_until=until
    )
    book = Book()
    book.begin(Snapshot(3, [shelved], []))
    book.hear(told("a", False, 1))
    book.hear(told("a", True, 2))
    assert [one.state for one in book.all()] == ["shelved"]


def test_a_suppressed_condition_needs_no_acknowledgement() -> None:
    book = blind()
    change = book.hear(told("a", True, 1, suppressed=True))
    assert change is not None
    assert (change.alarm.state, change.alarm.acknowledged) == ("suppressed", True)
    change = book.hear(told("a", True, 2, suppressed=False))
    assert change is not None
    assert change.alarm.state == "unacknowledged"


def test_a_word_that_redis_kept_back_until_after_its_event_is_never_shown() -> None:
    """After an outage of Redis, of a journal that was never heard before."""
    ledger, book = Ledger(), Book()
    book.begin(ledger.snapshot())
    ledger.commit(told("a", True, 1))
    ledger.commit(told("a", False, 2))
    ledger.commit(told("b", True, 3))
    book.take(ledger.news(book))
    words = [told("a", True, 1), told("a", False, 2), told("b", True, 3)]
    assert [book.hear(word) for word in words] == [None, None, None]
    assert book.waits
    assert book.take(ledger.news(book)) == []
    assert all(one.confirmed for one in book.all())
    assert book.hear(words[0]) is None, "nor does it come back later"
    assert not book.waits


def test_the_first_word_of_a_journal_is_shown_once_the_database_was_asked_for_it() -> None:
    ledger, book = Ledger(), Book()
    book.begin(ledger.snapshot())
    word = told("a", True, 1, epoch="e2")
    assert book.hear(word) is None
    (change,) = book.take(ledger.news(book))
    assert (change.alarm.state, change.alarm.confirmed) == ("unacknowledged", False)
    assert book.hear(told("a", False, 2, epoch="e2")) is not None, "the next one waits no more"


def test_words_wait_while_more_events_are_to_be_read_and_no_longer() -> None:
    ledger, book = Ledger(), Book()
    book.begin(ledger.snapshot())
    book.hear(told("a", True, 1))
    assert book.take(News([], {}, {})) == []
    assert book.waits
    assert len(book.take(ledger.news(book))) == 1


def test_what_a_killed_worker_could_not_keep_ends_with_the_next_one() -> None:
    """The next worker finds the condition over, and so says nothing of it."""
    book = blind()
    book.hear(told("a", True, 5, kept=False))
    assert book.meet("ops/pad7", Presence("e1", follows=4)) == [], "that is itself"
    assert book.meet("ops/other", Presence("e1", follows=9)) == []
    (change,) = book.meet("ops/pad7", Presence("e1", follows=5))
    assert (change.alarm.state, change.event) == ("normal", None)
    assert book.all() == []


def test_what_the_next_worker_tells_itself_stays() -> None:
    book = blind()
    book.hear(told("a", True, 5, kept=False))
    book.hear(told("b", True, 11, kept=False))
    book.meet("ops/pad7", Presence("e1", follows=10))
    assert [one.alarm_id for one in book.all()] == ["b"]


def test_what_a_worker_told_whose_volume_is_lost_ends_with_the_next_one() -> None:
    book = blind()
    book.hear(told("a", True, 5))
    (change,) = book.meet("ops/pad7", Presence("e2", follows=0, replaced=frozenset(("e1",))))
    assert change.alarm.state == "normal"


def test_what_is_on_the_way_in_the_journal_outlives_its_process() -> None:
    book = blind()
    book.hear(told("a", True, 5))
    assert book.meet("ops/pad7", Presence("e1", follows=5)) == []
    assert [one.state for one in book.all()] == ["unacknowledged"]


def test_an_unkept_suppression_hides_no_alarm_that_the_database_shows() -> None:
    """The word that ended it was missed; the database says unsuppressed."""
    ledger, book = Ledger(), blind()
    ledger.commit(told("a", True, 1))
    book.take(ledger.news(book))
    book.wait_no_more()
    book.hear(told("a", True, 2, suppressed=True, kept=False))
    assert [one.state for one in book.all()] == ["suppressed"]
    (raised,) = ledger.events
    event = msgspec.structs.replace(raised, event_no=2, kind="unsuppressed")
    book.take(News([event], {"a": ledger.alarms["a"]}, {}))
    assert [one.state for one in book.all()] == ["unacknowledged"]


def test_a_word_that_does_not_know_of_suppression_leaves_it_as_it_was() -> None:
    book = blind()
    book.hear(told("a", True, 1, suppressed=True))
    book.hear(told("a", False, 2, suppressed=None))
    assert book.shown("a") is not None
    change = book.hear(told("a", True, 3, suppressed=None))
    assert change is not None
    assert change.alarm.state == "suppressed"
