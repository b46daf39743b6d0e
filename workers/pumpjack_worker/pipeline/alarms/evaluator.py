"""Batches in, transitions out: every alarm of one connection's tags.

A tag has a band: between its two numbers no value changes anything, as its alarms stand. A batch
is held against the bands in a few operations on columns; only tags with a reading outside, or of
another quality than the one before, go through their machines, in the order of source time. The
band of a tag with a running delay is empty, and of one with rate or deviation always.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from pumpjack_core.alarms import Transition
from pumpjack_core.readings import Batch, Int16s, Int32s
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.alarms.build import Built, build
from pumpjack_worker.pipeline.alarms.conditions import around
from pumpjack_worker.pipeline.alarms.known import Known
from pumpjack_worker.pipeline.alarms.machine import Machine
from pumpjack_worker.pipeline.alarms.order import Mask, Order, Rows
from pumpjack_worker.pipeline.alarms.signal import CODE_MASK, IS_MARK, UNKNOWN, Signal

GRACE_S = 0.5
"""A delay that ends without a reading ends so much later: one may be on its way."""
FEW = 32
"""So many readings are looked at one by one."""
MARKED_NOW_US = 1_000_000
"""A mark of the worker's that is older than this at its receipt [µs] is of the past."""


class Evaluator:
    """All alarms of one tag table."""

    def __init__(
        self, tags: TagTable, before: Evaluator | None = None, *, known: Known | None = None
    ) -> None:
        """before: of the table before; alarms that stay as they were keep their state.

        known: by the process before; what is older than that decides nothing.
        """
        self.tags = tags
        self._built: Built
        if before is not None:
            before._catch_up(range(len(before.tags)))
        built = build(tags, before._built if before else None)
        self._built = built
        self.unusable: tuple[str, ...] = built.unusable
        """Alarms that cannot be evaluated, a sentence each."""
        self._order = Order(tags)
        if before is not None:
            self._order.take_over(before._order, built.places)
        if known is not None:
            self._order.know(known)
        n = len(tags)
        self._lower, self._upper = np.full(n, -np.inf), np.full(n, np.inf)
        self._code = np.full(n, UNKNOWN, np.int16)
        self._newest = np.full(n, np.nan)
        self._each = self._lower.data, self._upper.data, self._code.data
        """The same numbers as Python's own, which cost less one by one."""
        self._each_newest = self._newest.data
        self._is_loud = np.zeros(n, np.bool_)
        self._running: set[Machine] = {each for each in built.machines if each.is_running}
        self._news = [each for each in built.machines if each.is_news]
        for signal in built.signals:
            self._set_band(signal)

    def evaluate(self, batch: Batch, now_s: float, now_us: int | None = None) -> list[Transition]:
        """What a batch of this table changes.

        now_s, now_us: of the worker's clocks, the monotonic one [s] and the wall's; that of the
        receipt when not given.
        """
        out: list[Transition] = []
        if not len(batch):
            return out
        if now_us is None:
            now_us = batch.received_us
        if self._order.received(batch.received_us, now_us):
            for machine in self._built.machines:
                machine.clock_went_back(now_us)
        if self._news:
            self._judge_news(now_s, out)
        if len(batch) <= FEW and self._few_are_quiet(batch):
            return out
        us = batch.source_us
        if len(us) > 1 and (us[1:] < us[:-1]).any():
            batch = batch.take(np.argsort(us, kind="stable"))
            us = batch.source_us
        index, value = batch.tag_index, batch.value
        code = batch.quality & CODE_MASK
        loud = value <= self._lower[index]
        loud |= value >= self._upper[index]
        loud |= code != self._code[index]
        fresh = us > self._order.newest_us[index]
        if fresh.all() and not (value != value).any():  # noqa: PLR0124 - NaN is not itself
            self._order.move(index, us)
            if not loud.any():
                self._newest[index] = value
                return out
            rows = self._rows_of_loud(index, loud)
            self._catch_up(set(index[rows].tolist()))
            self._newest[index] = value
        else:
            rows = self._in_order(batch, code, loud, fresh)
        self._go_through(batch, code, rows, now_s, out)
        return out

    def _few_are_quiet(self, batch: Batch) -> bool:
        """Whether they change nothing; then they are taken over. Columns cost more than these."""
        if self._order.behind:
            return False
        newest_us, lower, upper, code = self._order.each_us, *self._each
        index, times = batch.tag_index.tolist(), batch.source_us.tolist()
        values = batch.value.tolist()
        for at, us, value, quality in zip(
            index, times, values, batch.quality.tolist(), strict=True
        ):
            if (
                not lower[at] < value < upper[at]
                or quality & CODE_MASK != code[at]
                or us <= newest_us[at]
            ):
                return False
        newest = self._each_newest
        for at, us, value in zip(index, times, values, strict=True):
            if us > newest_us[at]:
                newest_us[at], newest[at] = us, value
        return True

    def passed(self, now_s: float) -> list[Transition]:
        """What became due without a reading, at now_s of the worker's monotonic clock."""
        out: list[Transition] = []
        self._judge_news(now_s, out)
        done = []
        for machine in self._running:
            machine.passed(now_s - GRACE_S, out)
            if not machine.is_running:
                done.append(machine)
        self._running.difference_update(done)
        for machine in done:
            self._set_band(self._built.signals[machine.at])
        return sorted(out, key=lambda one: one.us)

    def known(self) -> bytes:
        """What the next process has to know, for the journal; nothing without alarms."""
        return self._order.encoded() if self._built.machines else b""

    def active(self) -> Counter[int]:
        """How many conditions are active, by priority."""
        return Counter(each.alarm.priority for each in self._built.machines if each.is_active)

    def held(self, now_us: int) -> int:
        """Of how many tags with alarms all readings are older than one before."""
        return sum(bool(self._built.signals[at].own) for at in self._order.held(now_us))

    def _catch_up(self, places: Iterable[int]) -> None:
        """Have the signals of these tags know the values that changed nothing, too."""
        for at in places:
            signal = self._built.signals[at]
            if not signal.is_held:
                signal.value = float(self._newest[at])

    def _judge_news(self, now_s: float, out: list[Transition]) -> None:
        """Alarms that came with other tags are judged by what is known: no reading may follow."""
        news, self._news = self._news, []
        for machine in news:
            us = self._order.known_us([machine.at, *machine.looks_at])
            if machine.is_over is None:
                machine.step(us, now_s, out)
            else:
                machine.suppressor_moved(us, out)
            self._note(machine)
            self._set_band(self._built.signals[machine.at])

    def _in_order(self, batch: Batch, code: Int16s, loud: Mask, fresh: Mask) -> Rows:
        """The rows to go through, of a batch in which something is late or a mark."""
        index, us = batch.tag_index, batch.source_us
        newest_us = self._order.newest_us[index]
        mark = np.isnan(batch.value) & IS_MARK[code]
        counts = fresh & ~mark
        self._order.move(index[counts], us[counts])
        signals = self._built.signals
        is_new = not self._order.comes_again(batch.received_us)
        counts |= mark & (fresh | (is_new & (us >= batch.received_us - MARKED_NOW_US)))
        for row in np.flatnonzero((us == newest_us) & ~mark).tolist():
            # What the device said last, said again after an outage, or to a new process.
            signal = signals[index[row]]
            counts[row] = signal.code == UNKNOWN or (signal.is_marked and is_new)
        late = np.flatnonzero((us < newest_us) & ~mark)
        for at, rows in self._order.late(batch, late).items() if len(late) else ():
            for machine in signals[at].moves:
                machine.clock_went_back(int(us[rows[0]]))
            counts[rows] = True
        loud &= counts
        found = self._rows_of_loud(index, loud)
        found = found[counts[found]]
        self._catch_up(set(index[found].tolist()))
        counts &= ~np.isnan(batch.value)
        self._newest[index[counts]] = batch.value[counts]
        return found

    def _rows_of_loud(self, index: Int32s, loud: Mask) -> Rows:
        """All rows of the tags that have a loud one: the state may change between them."""
        tags = index[loud]
        self._is_loud[tags] = True
        rows = np.flatnonzero(self._is_loud[index])
        self._is_loud[tags] = False
        return rows

    def _go_through(
        self, batch: Batch, code: Int16s, rows: Rows, now_s: float, out: list[Transition]
    ) -> None:
        signals = self._built.signals
        read = list(
            zip(
                batch.source_us[rows].tolist(),
                batch.tag_index[rows].tolist(),
                batch.value[rows].tolist(),
                code[rows].tolist(),
                strict=True,
            )
        )
        touched: dict[Signal, None] = {}
        at, n = 0, len(read)
        while at < n:
            us = read[at][0]
            moment: dict[Signal, tuple[float, int]] = {}
            while at < n and read[at][0] == us:
                _, tag, value, quality = read[at]
                moment.setdefault(signals[tag], (value, quality))
                at += 1
            touched.update(dict.fromkeys(moment))
            self._happen(us, moment, now_s, out)
        for signal in touched:
            self._set_band(signal)

    def _happen(
        self, us: int, moment: dict[Signal, tuple[float, int]], now_s: float, out: list[Transition]
    ) -> None:
        """Readings of one instant: first all are taken over, then what compares them is judged."""
        marked = [
            signal for signal, (value, code) in moment.items() if math.isnan(value) and _mark[code]
        ]
        for signal in marked:
            signal.mark(moment.pop(signal)[1])
        for signal in moment:
            for machine in signal.moves:
                machine.advance(us, out)
        for signal, (value, code) in moment.items():
            signal.read(value, code)
        for signal in moment:
            for machine in signal.moves:
                machine.step(us, now_s, out)
                self._note(machine)
        for signal in moment:
            for machine in signal.suppresses:
                machine.suppressor_moved(us, out)
        for signal in marked:
            own_us = max(us, int(self._order.newest_us[signal.at]) + 1)
            for machine in signal.own:
                machine.marked(own_us, now_s, out)
                self._note(machine)

    def _note(self, machine: Machine) -> None:
        if machine.is_running:
            self._running.add(machine)
        else:
            self._running.discard(machine)

    def _set_band(self, signal: Signal) -> None:
        at = signal.at
        if signal.value is not None:
            self._newest[at] = signal.value
        code, lower, upper = signal.code, -math.inf, math.inf
        if signal.follows_every_reading or any(each.due_us is not None for each in signal.own):
            code = UNKNOWN
        elif not signal.is_held:
            bands = [each.band() for each in signal.own]
            if signal.suppresses:
                bands.append(around(signal.value))
            lower = max((band[0] for band in bands), default=lower)
            upper = min((band[1] for band in bands), default=upper)
        elif signal.may_count:
            code = UNKNOWN
        self._code[at], self._lower[at], self._upper[at] = code, lower, upper


_mark = IS_MARK.tolist()
