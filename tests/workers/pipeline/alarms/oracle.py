"""The laws of alarm conditions, reading by reading, written plainly: slow, and nothing clever.

Everything is looked up in the whole history of the process again at each reading.
"""

from __future__ import annotations

import math

from pumpjack_core.alarms import Transition
from pumpjack_core.quality import Level, Reason, level_of, reason_of
from pumpjack_core.tags import Alarm, TagTable

S = 1_000_000
SILENT = (Reason.STALE, Reason.COMM_FAILURE)


class TagSeen:
    """What was read of a tag: (us, value) of what counts, None where the history breaks off."""

    def __init__(self) -> None:
        self.history: list[tuple[int, float] | None] = []
        self.newest_us: int | None = None
        self.quality: int | None = None
        self.is_held = True
        self.is_marked = False
        self.behind_since_us: int | None = None

    @property
    def value(self) -> float | None:
        values = [each for each in self.history if each is not None]
        return values[-1][1] if values else None


class AlarmSeen:
    def __init__(self, at: int, alarm: Alarm) -> None:
        self.at, self.alarm = at, alarm
        self.over: bool | None = None
        self.active: bool | None = None
        self.suppressed: bool | None = None
        self.due_us: int | None = None
        self.told_us: int | None = None
        self.seen: tuple[int, float] | None = None
        self.turned_us = 0
        """Of a rate: up to when time has passed without readings; it does not come back."""
        self.may_begin_anew = False
        self.is_new = False
        """Other tags came, and this alarm could be judged at once."""
        self.begins_at = 0
        """Where in the tag's history the rate of change begins."""


class Oracle:
    def __init__(self, tags: TagTable) -> None:
        self.tags = tags
        self.seen = [TagSeen() for _ in tags.tags]
        self.alarms = [
            AlarmSeen(at, alarm) for at, tag in enumerate(tags.tags) for alarm in tag.alarms
        ]
        self.received_us: int | None = None
        self.out: list[Transition] = []

    def know(self, before: Oracle) -> None:
        """A new process, which knows when the newest readings of the one before were of."""
        self.received_us = before.received_us
        for here, there in zip(self.seen, before.seen, strict=True):
            here.newest_us = there.newest_us

    def batch(
        self, rows: list[tuple[int, int, float, int]], received_us: int, now_s: float
    ) -> list[Transition]:
        """Rows of (tag, us, value, quality)."""
        self.out = []
        if not rows:
            return []
        if self.received_us is not None and received_us < self.received_us - S:
            for tag in self.seen:
                tag.behind_since_us = None
                if tag.newest_us is not None:
                    tag.newest_us = min(tag.newest_us, received_us - S)
            for alarm in self.alarms:
                self.begin_anew(alarm, received_us)
        self.received_us = received_us
        self.judge_new(now_s)
        rows = sorted(rows, key=lambda row: row[1])
        decide = self.deciding(rows, received_us)
        for us in sorted({row[1] for row, _ in decide}):
            moment: dict[int, tuple[float, int, bool]] = {}
            for (at, row_us, value, quality), is_mark in decide:
                if row_us == us and at not in moment:
                    moment[at] = (value, quality, is_mark)
            self.happen(us, moment, now_s)
        return self.out

    def deciding(self, rows, received_us):
        found = []
        newest_before = [tag.newest_us for tag in self.seen]
        fresh_tags = set()
        for place, row in enumerate(rows):  # first what is newer
            at, us, value, quality = row
            is_mark = math.isnan(value) and self.is_mark(quality)
            newest = newest_before[at]
            if is_mark:
                if us >= received_us - S or newest is None or us > newest:
                    found.append((place, row, True))
            elif newest is None or us > newest:
                found.append((place, row, False))
                tag = self.seen[at]
                tag.newest_us = us if tag.newest_us is None else max(tag.newest_us, us)
                fresh_tags.add(at)
        for at in fresh_tags:
            self.seen[at].behind_since_us = None
        set_back = set()
        for place, row in enumerate(rows):  # then what is not
            at, us, value, quality = row
            tag, newest = self.seen[at], newest_before[at]
            if newest is None or us > newest or (math.isnan(value) and self.is_mark(quality)):
                continue
            if us == newest:
                if tag.is_marked or tag.quality is None:
                    found.append((place, row, False))
                continue
            if at in set_back:
                if us > tag.newest_us:
                    tag.newest_us = us
                    found.append((place, row, False))
                continue
            if tag.behind_since_us is None:
                tag.behind_since_us = received_us
            patience_us = max(10.0, 3 * self.tags.tags[at].interval_s) * S
            if tag.newest_us <= received_us or quality & 256:
                patience_us = 300 * S
            if received_us - tag.behind_since_us >= patience_us:
                tag.behind_since_us, tag.newest_us = None, us
                set_back.add(at)
                found.append((place, row, False))
                for alarm in self.alarms:
                    if at in (alarm.at, self.other(alarm)):
                        self.begin_anew(alarm, us)
        return [(row, is_mark) for _, row, is_mark in sorted(found, key=lambda one: one[0])]

    def happen(self, us, moment, now_s):
        moved = [
            alarm
            for alarm in self.alarms
            if any(
                at in (alarm.at, self.other(alarm)) and not is_mark
                for at, (_, _, is_mark) in moment.items()
            )
        ]
        for alarm in moved:
            self.advance(alarm, us)
        for at, (value, quality, is_mark) in moment.items():
            tag = self.seen[at]
            tag.quality, tag.is_marked = quality, is_mark
            tag.is_held = is_mark or not self.counts(value, quality)
            tag.history.append(None if tag.is_held else (us, value))
        for alarm in moved:
            self.see(alarm, us, now_s)
        for alarm in self.alarms:
            if any(self.suppressor(alarm) == at for at in moment):
                self.check_suppression(alarm, us)
        for at, (_, _, is_mark) in moment.items():
            if is_mark:
                newest = self.seen[at].newest_us
                own_us = us if newest is None else max(us, newest + 1)
                for alarm in self.alarms:
                    if alarm.at == at and alarm.alarm.condition in ("bad_quality", "stale"):
                        self.advance(alarm, own_us)
                        self.see(alarm, own_us, now_s)

    def become(self, tags: TagTable) -> None:
        """The same tags with other alarms."""
        before = {(alarm.at, alarm.alarm.condition): alarm for alarm in self.alarms}
        self.tags, self.alarms = tags, []
        for at, tag in enumerate(tags.tags):
            for declared in tag.alarms:
                alarm = AlarmSeen(at, declared)
                alarm.begins_at = len(self.seen[at].history)
                if (earlier := before.get((at, declared.condition))) and self.decides_as(
                    earlier.alarm, declared
                ):
                    alarm = earlier
                    alarm.alarm = declared
                self.alarms.append(alarm)
        for alarm in self.alarms:
            alarm.is_new = alarm.over is None and self.verdict(alarm, 0) is not None

    def decides_as(self, one: Alarm, other: Alarm) -> bool:
        keys = ("limit", "per_s", "from_tag", "states", "deadband", "on_delay_s", "off_delay_s")
        return all(getattr(one, key) == getattr(other, key) for key in keys)

    def judge_new(self, now_s: float) -> None:
        for alarm in self.alarms:
            times = [
                self.seen[at].newest_us for at in (alarm.at, self.other(alarm)) if at is not None
            ]
            known = [us for us in times if us is not None]
            us = max(known) if known else self.received_us
            if alarm.is_new:
                alarm.is_new = False
                if alarm.alarm.condition == "rate":  # what stands is where it begins
                    tag = self.seen[alarm.at]
                    tag.history.append((us, tag.value))
                self.see(alarm, us, now_s)
            elif us is not None:
                self.check_suppression(alarm, us)

    def see(self, alarm: AlarmSeen, us: int, now_s: float) -> None:
        if alarm.may_begin_anew and alarm.seen is not None and us < alarm.seen[0]:
            alarm.due_us, alarm.turned_us = None, 0
            alarm.begins_at = len(self.seen[alarm.at].history) - 1
            if alarm.told_us is not None:
                alarm.told_us = min(alarm.told_us, us)
        alarm.may_begin_anew = False
        alarm.seen = (us, now_s)
        self.judge(alarm, us)

    def tick(self, now_s: float) -> list[Transition]:
        self.out = []
        self.judge_new(now_s)
        for alarm in self.alarms:
            if alarm.seen is not None:
                us, seen_s = alarm.seen
                self.advance(alarm, us + math.floor((now_s - 0.5 - seen_s) * S) + 1)
        return self.out

    def advance(self, alarm: AlarmSeen, until_us: int) -> None:
        """All that time alone does before until_us."""
        if alarm.alarm.condition == "rate":
            per_us = round(alarm.alarm.per_s * S)
            run = self.run(alarm)
            known_us = max(alarm.turned_us, run[-1][0]) if run else 0
            for turn_us in sorted(us + per_us for us, _ in run[1:]):
                if known_us < turn_us < until_us and not self.seen[alarm.at].is_held:
                    if alarm.due_us is not None and alarm.due_us < turn_us:
                        self.tell(alarm, alarm.due_us, at_us=alarm.due_us)
                    alarm.turned_us = max(alarm.turned_us, turn_us)
                    self.judge(alarm, turn_us)
        if alarm.due_us is not None and alarm.due_us < until_us:
            self.tell(alarm, alarm.due_us, at_us=alarm.due_us)

    def judge(self, alarm: AlarmSeen, us: int) -> None:
        says = self.verdict(alarm, us)
        if says is not None and says != alarm.over:
            alarm.over, alarm.due_us = says, None
        if alarm.over is None:
            return
        if alarm.over == alarm.active:
            alarm.due_us = None
        else:
            delay_s = alarm.alarm.on_delay_s if alarm.over else alarm.alarm.off_delay_s
            if alarm.due_us is None:
                alarm.due_us = us + round(delay_s * S)
            if alarm.due_us <= us:
                self.tell(alarm, alarm.due_us, at_us=us)
        self.check_suppression(alarm, us)

    def tell(self, alarm: AlarmSeen, us: int, *, at_us: int) -> None:
        alarm.active, alarm.due_us = alarm.over, None
        self.append(alarm, us, self.measured(alarm, at_us))

    def check_suppression(self, alarm: AlarmSeen, us: int) -> None:
        if alarm.active is not None and self.is_suppressed(alarm) != alarm.suppressed:
            self.append(alarm, us, None)

    def append(self, alarm: AlarmSeen, us: int, value: float | None) -> None:
        alarm.told_us = us if alarm.told_us is None else max(us, alarm.told_us)
        alarm.suppressed = self.is_suppressed(alarm)
        self.out.append(
            Transition(
                alarm.at,
                alarm.alarm.condition,
                bool(alarm.active),
                alarm.told_us,
                value,
                alarm.suppressed,
            )
        )

    def begin_anew(self, alarm: AlarmSeen, us: int) -> None:
        alarm.may_begin_anew = True
        if alarm.told_us is not None:
            alarm.told_us = min(alarm.told_us, us)

    # What the conditions mean

    def verdict(self, alarm: AlarmSeen, us: int) -> bool | None:
        told, tag = alarm.alarm, self.seen[alarm.at]
        if told.condition == "bad_quality":
            return None if tag.quality is None else level_of(tag.quality) is Level.BAD
        if told.condition == "stale":
            silent = (*SILENT, Reason.LAST_KNOWN)
            return None if tag.quality is None else reason_of(tag.quality) in silent
        other = self.other(alarm)
        if tag.is_held or (other is not None and self.seen[other].is_held):
            return None
        measured = self.measured(alarm, us)
        if measured is None:
            return None
        if told.condition == "state":
            return measured in told.states
        assert told.limit is not None
        if told.condition in ("lo", "lolo"):
            if measured <= told.limit:
                return True
            return False if measured >= told.limit + told.deadband else None
        if measured >= told.limit:
            return True
        back = told.limit - told.deadband
        if told.condition in ("rate", "deviation"):
            back = max(back, 0.0)
        return False if measured <= back else None

    def measured(self, alarm: AlarmSeen, us: int) -> float | None:
        condition, value = alarm.alarm.condition, self.seen[alarm.at].value
        if condition in ("bad_quality", "stale"):
            return None
        if condition == "deviation":
            other = self.seen[self.other(alarm)].value
            return None if value is None or other is None else abs(value - other)
        if condition == "rate":
            run = self.run(alarm)
            if not run:
                return 0.0
            begin = max(us, alarm.turned_us) - round(alarm.alarm.per_s * S)
            stood = [each for each in run if each[0] <= begin]
            return abs(run[-1][1] - (stood[-1] if stood else run[0])[1])
        return value

    def run(self, alarm: AlarmSeen) -> list[tuple[int, float]]:
        """The values since the history last broke off."""
        found: list[tuple[int, float]] = []
        for each in self.seen[alarm.at].history[alarm.begins_at :]:
            if each is None:
                found.clear()
            else:
                found.append(each)
        return found

    def counts(self, value: float, quality: int) -> bool:
        if not math.isfinite(value):
            return False
        return level_of(quality) is not Level.BAD or reason_of(quality) in (
            Reason.OUT_OF_RANGE,
            Reason.ANOMALY,
            Reason.CLOCK,
        )

    def is_mark(self, quality: int) -> bool:
        return level_of(quality) is Level.BAD and reason_of(quality) in SILENT

    def place(self, alarm: AlarmSeen, name: str) -> int | None:
        well = self.tags.tags[alarm.at].well_id
        for at, tag in enumerate(self.tags.tags):
            if (tag.well_id, tag.name) == (well, name):
                return at
        return None

    def other(self, alarm: AlarmSeen) -> int | None:
        if alarm.alarm.condition != "deviation":
            return None
        return self.place(alarm, alarm.alarm.from_tag)

    def suppressor(self, alarm: AlarmSeen) -> int | None:
        return self.place(alarm, alarm.alarm.suppressed_by)

    def is_suppressed(self, alarm: AlarmSeen) -> bool | None:
        at = self.suppressor(alarm)
        if at is None:
            return False
        value = self.seen[at].value
        return None if value is None else value in alarm.alarm.suppressed_states
