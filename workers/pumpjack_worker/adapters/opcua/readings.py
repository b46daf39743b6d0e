"""Notifications as deliveries: columns in the tag table's order, with times and qualities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pumpjack_core.clock import Clock
from pumpjack_core.quality import BACKFILLED, BAD_DEVICE, GOOD, LEVEL_MASK, Level, Reason, quality
from pumpjack_core.readings import Batch, Quarantined, no_readings
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.adapters.opcua.backfill import Backfill, between
from pumpjack_worker.adapters.opcua.decode import NO_TIME, RAW_CHARACTERS, Changes, Malformed, Odd
from pumpjack_worker.adapters.opcua.items import NOBODY, Items
from pumpjack_worker.adapters.opcua.losses import Losses, spans_of_overflows
from pumpjack_worker.adapters.opcua.messages import read_changes
from pumpjack_worker.adapters.opcua.owed import Owed
from pumpjack_worker.adapters.opcua.publishing import Lost, Publishing
from pumpjack_worker.adapters.opcua.status import overflows, qualities_of
from pumpjack_worker.adapters.opcua.times import Source, Times

MOST_READINGS = 20_000
"""In one delivery."""
_MEMO_BYTES = 8
BAD_CONFIG = quality(Level.BAD, Reason.CONFIG_ERROR)
NOT_EXACT = quality(Level.UNCERTAIN, Reason.PRECISION)


class Readings:
    """What was read of one tag table, and what of it is still owed."""

    def __init__(
        self, tags: TagTable, clock: Clock, source: Source, memos: Sequence[bytes] = ()
    ) -> None:
        self._clock = clock
        before_us = max(map(_told_in, memos), default=NO_TIME)
        self.items = Items(tags)
        self.next_items: Items | None = None
        self.times = Times(len(tags), source, before_us)
        self._scale, self._offset = _factors(tags)
        self._owed = Owed()
        self._odd: dict[int, str] = {}
        self._static: set[int] = set()
        self._overflowed: set[int] = set()
        if before_us != NO_TIME:
            self.times.lost(before_us)
        self.losses = Losses(clock, before_us)
        self.ended: int | None = None
        self.must_read = False

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
        before, tags = self.items.tags, items.tags
        place = {tag.key: at for at, tag in enumerate(tags.tags)}
        places = np.array([place.get(tag.key, -1) for tag in before.tags], np.int32)
        self.losses.moved(before, len(tags), places)
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
        self.losses.session_lost()
        self.times.lost(self._clock.now_us())
        self.redeliver()

    def redeliver(self) -> None:
        """Deliver again what was delivered and not acknowledged."""
        given_up = self._owed.redeliver()
        if given_up:
            self.losses.given_up(given_up, self.items.tags)

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
        self.losses.made.append((batch, (), Counter()))

    def take(self, publishing: Publishing | None) -> Delivery | None:
        """The next delivery, if there is one."""
        again = self._owed.deliver_again(self.items.tags)
        if again is not None:
            return again
        if self.losses.made:
            return self._owed.deliver(*self.losses.made.popleft())
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
                quarantined.append(self._lost(message))
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
            memo=_memo(batches, self.times, self.losses.unread_since_us),
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
        if full.any():
            errors["queue_overflow"] += int(np.count_nonzero(full))
            self._note_overflows(changes, place, full, received_us)
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
        if self.losses.backfill is not None:
            self.losses.backfill.saw(
                place, self.times.told(changes.source_us, changes.server_us, received_us)
            )
        if len(timed.static):
            errors["static_timestamp"] += len(timed.static)
            self._static.update(place[timed.static].tolist())
        return Batch(
            tags, place[timed.rows], timed.us, value[timed.rows], timed.quality, received_us
        )

    # After a loss

    def still(self, changes: Changes, *, everything: bool) -> None:
        """What the nodes hold now, of which nothing came since the loss.

        After an outage that lost no message, what changed meanwhile comes as a notification, and
        this tells the rest; else everything is told.
        """
        place = self._places_of(changes.handle)
        unchanged = (place != NOBODY) & ~self.times.first_seen(place)
        if not everything:
            unchanged &= changes.source_us <= self.times.told_us[place]
        quarantined: list[Quarantined] = []
        errors: Counter[str] = Counter()
        batch = self.read(_rows(changes, np.flatnonzero(unchanged)), quarantined, errors)
        if len(batch) or quarantined:
            self.losses.made.append((batch, tuple(quarantined), errors))

    def begin_backfill(self, why: str, *, in_session: bool = False) -> None:
        """Values may be missing since the last of each tag."""
        self.losses.begin(why, self.times.told_us, self.items.tags, in_session=in_session)

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
        self.losses.made.append((batch, (), Counter()))

    def _places_of(self, handle: Any) -> Any:
        places = self.items.places
        if len(handle) and int(handle.max()) >= len(places):
            known = handle < len(places)
            found = np.full(len(handle), NOBODY, np.int32)
            found[known] = places[handle[known]]
            return found
        return places[handle]

    def _note_overflows(self, changes: Changes, place: Any, full: Any, received_us: int) -> None:
        known = np.flatnonzero(place != NOBODY)
        told_us = self.times.told(changes.source_us, changes.server_us, received_us)
        spans = spans_of_overflows(place[known], told_us[known], full[known], self.times.told_us)
        for at, before_us, after_us in spans:
            self._overflowed.add(at)
            self.losses.overflowed(at, before_us, after_us)

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

    def _lost(self, lost: Lost) -> Quarantined:
        """Messages are lost for good: every tag is to be read, for what they would have said."""
        told_us = self.times.told_us
        item = self.losses.messages(lost, told_us)
        self.begin_backfill("messages were lost on the way", in_session=True)
        if (told_us != NO_TIME).any():
            self.times.lost(int(told_us.max()))
            self.must_read = True
        return item

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


def _memo(batches: Sequence[Batch], times: Times, unread_since_us: int | None) -> bytes:
    """What a worker that starts anew must know: up to when all readings were delivered.

    By the server's times where there are any, and not by those that the readings got: one that a
    clock of ours gave while it was ahead would let whatever is missed until then go unread.
    """
    last: list[int] = []
    for one in batches:
        if not len(one):
            continue
        theirs = np.maximum(times.told_us[one.tag_index], times.server_us[one.tag_index]).max()
        told = one.source_us.max() if theirs == NO_TIME else theirs
        last.append(min(int(told), one.received_us))
    return memo_of(max(last), unread_since_us) if last else b""


def memo_of(told_us: int, unread_since_us: int | None) -> bytes:
    """Up to told_us, or to the beginning of what is still to be read back [µs]."""
    until_us = told_us if unread_since_us is None else min(told_us, unread_since_us)
    return until_us.to_bytes(_MEMO_BYTES, "little", signed=True)


def _told_in(memo: bytes) -> int:
    """The time in a memo [µs since the epoch, UTC]."""
    if len(memo) != _MEMO_BYTES:
        return NO_TIME
    return int.from_bytes(memo, "little", signed=True)
