"""Notifications as deliveries: columns in the tag table's order, with times and qualities."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.quality import BACKFILLED, BAD_DEVICE, GOOD, LEVEL_MASK, Level, Reason, quality
from pumpjack_core.readings import Batch, Quarantined, no_readings
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.adapters.opcua.backfill import WAIT_FOR_LIVE_S, Backfill, between
from pumpjack_worker.adapters.opcua.decode import NO_TIME, RAW_CHARACTERS, Changes, Malformed, Odd
from pumpjack_worker.adapters.opcua.items import NOBODY, Items
from pumpjack_worker.adapters.opcua.messages import read_changes
from pumpjack_worker.adapters.opcua.owed import Owed
from pumpjack_worker.adapters.opcua.publishing import Lost, Publishing
from pumpjack_worker.adapters.opcua.status import overflows, qualities_of
from pumpjack_worker.adapters.opcua.times import Source, Times

MOST_READINGS = 20_000
"""In one delivery."""
RESTART_MARGIN_US = 60 * 1_000_000
"""A memo holds one time for all tags, and the clocks behind one server differ. What is read back
and was stored already is a duplicate to the database."""
_MEMO_BYTES = 8
BAD_CONFIG = quality(Level.BAD, Reason.CONFIG_ERROR)
NOT_EXACT = quality(Level.UNCERTAIN, Reason.PRECISION)


class Readings:
    """What was read of one tag table, and what of it is still owed."""

    def __init__(
        self, tags: TagTable, clock: Clock, source: Source, memos: Sequence[bytes] = ()
    ) -> None:
        self._clock = clock
        self._before_us = max(map(_told_in, memos), default=NO_TIME)
        self.items = Items(tags)
        self.next_items: Items | None = None
        self.times = Times(len(tags), source, self._before_us)
        self._scale, self._offset = _factors(tags)
        self._owed = Owed()
        self._made: deque[tuple[Batch, tuple[Quarantined, ...], Counter[str]]] = deque()
        self._odd: dict[int, str] = {}
        self._static: set[int] = set()
        self._overflowed: set[int] = set()
        self.lost_us: int | None = None
        if self._before_us != NO_TIME:
            self.lost_us = self._before_us
            self.times.lost(self._before_us)
        self.ended: int | None = None
        self.backfill: Backfill | None = None

    @property
    def rejected(self) -> dict[int, str]:
        """Position in the table that was last set to the reason."""
        items = self.next_items or self.items
        reasons = dict(items.wrong) | items.rejected
        by_key = {item.key: self._odd[place] for place, item in self._odd_items()}
        for place, item in items.by_place.items():
            if place not in reasons and item.key in by_key:
                reasons[place] = by_key[item.key]
        return reasons

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the values that come."""
        told: list[str] = []
        if self._static:
            told.append(
                f"{self._names(self._static)}: the source time stands still while values change; "
                "they get the server's time (set spec.clock.source to server)"
            )
        if self._overflowed:
            told.append(
                f"{self._names(self._overflowed)}: the server's queue was full and values were "
                "lost; set queueSize higher or publishingInterval lower"
            )
        return tuple(told)

    def set_tags(self, tags: TagTable) -> None:
        """Go over to these with switch(); positions in rejected are theirs from now on."""
        self.next_items = Items(tags, self.items)

    def switch(self, items: Items) -> None:
        """Read by these items from now on."""
        if self.backfill is not None:
            self.end_backfill(self.backfill)  # its positions are those of the old table
        before, tags = self.items.tags, items.tags
        place = {tag.key: at for at, tag in enumerate(tags.tags)}
        places = np.array([place.get(tag.key, -1) for tag in before.tags], np.int32)
        self.times = self.times.moved(len(tags), places)
        self._scale, self._offset = _factors(tags)

        def moved(here: Any) -> list[int]:
            return [int(places[one]) for one in here]

        self._odd = {
            there: why
            for there, why in zip(moved(self._odd), self._odd.values(), strict=True)
            if there >= 0
        }
        self._static = {there for there in moved(self._static) if there >= 0}
        self._overflowed = {there for there in moved(self._overflowed) if there >= 0}
        self.items = items
        if self.next_items is items:
            self.next_items = None

    def outage(self) -> None:
        """The session was lost, and who reads is told so."""
        if self.lost_us is None:
            self.lost_us = self._clock.now_us()
        self.times.lost(self._clock.now_us())
        self.redeliver()

    def redeliver(self) -> None:
        """Deliver again what was delivered and not acknowledged."""
        given_up = self._owed.redeliver()
        if given_up:
            now_us = self._clock.now_us()
            known = {"why": "they waited for the journal for too long", "readings": given_up}
            self._record_gap(now_us, known)

    def refuse(self, places: list[int]) -> None:
        """The server refuses these tags: they have no value."""
        if not places:
            return
        now_us = self._clock.now_us()
        n = len(places)
        batch = Batch(
            self.items.tags,
            np.array(places, np.int32),
            np.full(n, now_us, np.int64),
            np.full(n, np.nan),
            np.full(n, BAD_DEVICE, np.int16),
            now_us,
        )
        self._made.append((batch, (), Counter()))

    def take(self, publishing: Publishing | None) -> Delivery | None:
        """The next delivery, if there is one."""
        again = self._owed.deliver_again(self.items.tags)
        if again is not None:
            return again
        if self._made:
            return self._owed.deliver(*self._made.popleft())
        if publishing is None:
            return None
        return self._from(publishing)

    def _from(self, publishing: Publishing) -> Delivery | None:
        """What the subscription sent, several messages together."""
        batches: list[Batch] = []
        quarantined: list[Quarantined] = []
        errors: Counter[str] = Counter()
        sequences: list[int] = []
        count = 0
        while count < MOST_READINGS and (message := publishing.take()) is not None:
            if isinstance(message, Lost):
                quarantined.append(self._gap(message))
                self.begin_backfill("messages were lost on the way", self._clock.now_us())
                continue
            sequences.append(message.sequence)
            if message.status is not None:
                self.ended = message.status
            try:
                changes = read_changes(message)
            except Malformed:
                raw = message.body.hex()[:RAW_CHARACTERS]
                quarantined.append(Quarantined(-1, self._clock.now_us(), "unparsable", raw))
                continue
            batch = self.read(changes, quarantined, errors)
            batches.append(batch)
            count += len(batch)
        if not sequences and not quarantined:
            return None
        return self._owed.deliver(
            _joined(batches, self.items.tags, self._clock.now_us()),
            tuple(quarantined),
            errors,
            publishing=publishing,
            sequences=sequences,
            memo=_memo(batches),
        )

    def read(self, changes: Changes, quarantined: list[Quarantined], errors: Counter[str]) -> Batch:
        """Values as readings; what is none goes to quarantined."""
        received_us = self._clock.now_us()
        tags = self.items.tags
        place = self._places_of(changes.handle)
        value = changes.value * self._scale[place] + self._offset[place]
        code = qualities_of(changes.status)
        if changes.imprecise is not None:
            code[changes.imprecise & (code == GOOD)] = NOT_EXACT
        self._mark_odd(changes, place, code, quarantined, received_us)
        value[(code & LEVEL_MASK) >= Level.BAD] = np.nan
        full = overflows(changes.status)
        if full:
            errors["queue_overflow"] += full
            told = (changes.status & 0xC00 == 0x400) & (changes.status & 0x80 != 0)
            self._overflowed.update(place[told & (place != NOBODY)].tolist())
        known = np.flatnonzero(place != NOBODY)
        if len(known) < len(place):
            changes = _rows(changes, known)
            place, value, code = place[known], value[known], code[known]
        timed = self.times.judge(
            place,
            source_us=changes.source_us,
            server_us=changes.server_us,
            value=value,
            code=code,
            received_us=received_us,
        )
        if self.backfill is not None:
            self.backfill.saw(
                place, self.times.told(changes.source_us, changes.server_us, received_us)
            )
        if len(timed.static):
            errors["static_timestamp"] += len(timed.static)
            self._static.update(place[timed.static].tolist())
        return Batch(
            tags, place[timed.rows], timed.us, value[timed.rows], timed.quality, received_us
        )

    # After a loss

    def still(self, changes: Changes) -> None:
        """What the nodes hold now, after an outage that lost no message.

        What changed meanwhile comes as a notification; this tells the rest.
        """
        place = self._places_of(changes.handle)
        unchanged = (place != NOBODY) & ~self.times.first_seen(place)
        unchanged &= changes.source_us <= self.times.told_us[place]
        quarantined: list[Quarantined] = []
        errors: Counter[str] = Counter()
        batch = self.read(_rows(changes, np.flatnonzero(unchanged)), quarantined, errors)
        if len(batch) or quarantined:
            self._made.append((batch, tuple(quarantined), errors))

    def begin_backfill(self, why: str, lost_us: int) -> None:
        """Values may be missing since the last of each tag."""
        told_us = self.times.told_us
        if self._before_us == NO_TIME and not (told_us != NO_TIME).any():
            return  # nothing was ever delivered
        since_us = self._before_us
        if since_us != NO_TIME:
            since_us -= RESTART_MARGIN_US
        before = np.where(told_us == NO_TIME, since_us, told_us)
        if self.backfill is not None:
            self.end_backfill(self.backfill)
        self.backfill = Backfill(
            why,
            lost_us,
            before=before,
            after=np.full(len(self.items.tags), NO_TIME, np.int64),
            due_at=self._clock.monotonic() + WAIT_FOR_LIVE_S,
            until_us=self._clock.now_us(),
        )

    def backfilled(self, backfill: Backfill, place: int, changes: Changes) -> None:
        """Values from a node's history; what came live is left out."""
        told = self.times.told(changes.source_us, changes.server_us, self._clock.now_us())
        rows = between(told, backfill.span(place))
        if not len(rows):
            return
        code = qualities_of(changes.status[rows])
        value = changes.value[rows] * self._scale[place] + self._offset[place]
        value[(code & LEVEL_MASK) >= Level.BAD] = np.nan
        n = len(rows)
        backfill.read_back += n
        batch = Batch(
            self.items.tags,
            np.full(n, place, np.int32),
            told[rows],
            value,
            (code | BACKFILLED).astype(np.int16),
            self._clock.now_us(),
        )
        self._made.append((batch, (), Counter()))

    def end_backfill(self, backfill: Backfill) -> None:
        """Put on record what could not be read back."""
        if self.backfill is backfill:
            self.backfill = None
        without = len(self.items.by_place) if backfill.without is None else backfill.without
        without += len(backfill.wishes)
        if without:
            before = backfill.before[backfill.before != NO_TIME]
            known = {
                "why": backfill.why,
                "tags_without_history": without,
                "read_back": backfill.read_back,
                "after": iso_us(int(before.max())),
                "before": iso_us(backfill.until_us),
            }
            self._record_gap(backfill.lost_us, known)

    def _record_gap(self, us: int, known: Mapping[str, Any]) -> None:
        item = Quarantined(-1, us, "gap", json.dumps(known))
        self._made.append((no_readings(self.items.tags, us), (item,), Counter()))

    def _places_of(self, handle: Any) -> Any:
        places = self.items.places
        if len(handle) and int(handle.max()) >= len(places):
            known = handle < len(places)
            found = np.full(len(handle), NOBODY, np.int32)
            found[known] = places[handle[known]]
            return found
        return places[handle]

    def _mark_odd(
        self,
        changes: Changes,
        place: Any,
        code: Any,
        quarantined: list[Quarantined],
        received_us: int,
    ) -> None:
        """What is no single number costs its own tag until it is one again."""
        if self._odd:
            odd_rows = {one.row for one in changes.odd}
            for row, at in enumerate(place.tolist()):
                if at in self._odd and row not in odd_rows and not np.isnan(changes.value[row]):
                    del self._odd[at]
        for one in changes.odd:
            at = int(place[one.row])
            if at == NOBODY or (code[one.row] & LEVEL_MASK) >= Level.BAD:
                continue
            code[one.row] = BAD_CONFIG
            told_us = int(changes.source_us[one.row])
            reason = "text_value" if one.is_text else "unexpected_type"
            us = received_us if told_us == NO_TIME else told_us
            quarantined.append(Quarantined(at, us, reason, one.raw))
            tag = self.items.tags.tags[at]
            what = "text" if one.is_text else one.raw.partition(":")[0]
            self._odd[at] = (
                f"{tag.address} gives {what} and no number; point the tag to a node that is a "
                "number, or correct it on the server; it is read again as soon as it is one"
            )

    def _gap(self, lost: Lost) -> Quarantined:
        now_us = self._clock.now_us()
        last = self.times.told_us[self.times.told_us != NO_TIME]
        known = {
            "why": "the server sent messages that did not arrive, and does not have them any more",
            "messages": lost.count,
            "first": lost.first,
            "after": iso_us(int(last.max())) if len(last) else None,
            "before": iso_us(now_us),
        }
        return Quarantined(-1, now_us, "gap", json.dumps(known))

    # Words

    def _odd_items(self) -> list[tuple[int, Any]]:
        by_place = self.items.by_place
        return [(place, by_place[place]) for place in self._odd if place in by_place]

    def _names(self, places: set[int]) -> str:
        tags = self.items.tags.tags
        names = [f"{tags[at].well_id} {tags[at].name}" for at in sorted(places)[:3]]
        more = len(places) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")


def _factors(tags: TagTable) -> tuple[Any, Any]:
    """Scale and offset by position; one more, for what is at no position."""
    scale = np.array([*(tag.scale for tag in tags.tags), 1.0])
    offset = np.array([*(tag.offset for tag in tags.tags), 0.0])
    return scale, offset


def _rows(changes: Changes, rows: Any) -> Changes:
    """Some of the values; those that are no numbers keep what came."""
    where = {int(row): at for at, row in enumerate(rows)} if changes.odd else {}
    return Changes(
        changes.handle[rows],
        changes.value[rows],
        changes.status[rows],
        changes.source_us[rows],
        changes.server_us[rows],
        None if changes.imprecise is None else changes.imprecise[rows],
        tuple(Odd(where[one.row], one.is_text, one.raw) for one in changes.odd if one.row in where),
    )


def _joined(batches: list[Batch], tags: TagTable, received_us: int) -> Batch:
    if not batches:
        return no_readings(tags, received_us)
    if len(batches) == 1:
        return batches[0]
    return Batch(
        tags,
        np.concatenate([one.tag_index for one in batches]),
        np.concatenate([one.source_us for one in batches]),
        np.concatenate([one.value for one in batches]),
        np.concatenate([one.quality for one in batches]),
        batches[-1].received_us,
    )


def _memo(batches: Sequence[Batch]) -> bytes:
    """What a worker that starts anew must know: up to when readings were delivered."""
    last = [min(int(one.source_us.max()), one.received_us) for one in batches if len(one)]
    return max(last).to_bytes(_MEMO_BYTES, "little", signed=True) if last else b""


def _told_in(memo: bytes) -> int:
    """The time in a memo [µs since the epoch, UTC]."""
    if len(memo) != _MEMO_BYTES:
        return NO_TIME
    return int.from_bytes(memo, "little", signed=True)
