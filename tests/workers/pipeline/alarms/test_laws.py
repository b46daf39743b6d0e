"""Every law at once: the vectorised evaluator says what the plain one says, whatever comes.

PUMPJACK_EXAMPLES=3000 pytest tests/workers/pipeline/alarms/test_laws.py    # more of them
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core.alarms import Transition
from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline.alarms.evaluator import Evaluator
from pumpjack_worker.pipeline.alarms.known import decode
from tests.workers.pipeline.alarms.oracle import Oracle
from tests.workers.pipeline.examples import T0_US, batch, tag

EXAMPLES = int(os.environ.get("PUMPJACK_EXAMPLES", "300"))
S = 1_000_000
NAMES = ("a", "b", "c")
CONDITIONS = ("hihi", "hi", "lo", "lolo", "rate", "deviation", "state", "bad_quality", "stale")
NAN = float("nan")
WITH_VALUE = (
    *[0] * 8,
    quality(Level.GOOD, backfilled=True),
    quality(Level.UNCERTAIN, Reason.ANOMALY),
    quality(Level.UNCERTAIN, Reason.LAST_KNOWN),
    quality(Level.BAD, Reason.OUT_OF_RANGE),
    quality(Level.BAD, Reason.DEVICE_BAD),
)
WITHOUT = (
    quality(Level.BAD, Reason.DEVICE_BAD),
    quality(Level.BAD, Reason.OUT_OF_RANGE),
    quality(Level.BAD, Reason.COMM_FAILURE),
    quality(Level.BAD, Reason.STALE),
)
halves = st.integers(0, 6).map(lambda n: n / 2)
values = st.one_of(
    st.tuples(st.integers(0, 8).map(float), st.sampled_from(WITH_VALUE)),
    st.tuples(st.integers(0, 8).map(float), st.sampled_from(WITH_VALUE)),
    st.tuples(st.just(NAN), st.sampled_from(WITHOUT)),
)


@st.composite
def alarms(draw, name: str) -> tuple[Alarm, ...]:
    conditions = draw(
        st.sets(
            st.sampled_from(CONDITIONS),
            min_size=1,
            max_size=4,
        )
    )
    others = [other for other in NAMES if other != name]
    return tuple(
        Alarm(
            condition,
            limit=float(draw(st.integers(1, 7))),
            per_s=draw(st.sampled_from((1.0, 3.0))),
            from_tag=draw(st.sampled_from(others)),
            states=(1, 4),
            deadband=float(draw(st.integers(0, 3))),
            on_delay_s=draw(halves),
            off_delay_s=draw(halves),
            suppressed_by=draw(st.sampled_from(("", *others))),
            suppressed_states=(0, 2),
        )
        for condition in sorted(conditions)
    )


tables = st.builds(
    lambda *each: TagTable(tuple(tag(n, alarms=a) for n, a in zip(NAMES, each, strict=True))),
    *(alarms(name) for name in NAMES),
)
rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.just(0), st.just(0), st.integers(-40, 6)),  # halves of a second from now
        values,
    ),
    min_size=1,
    max_size=4,
)
events = st.lists(
    st.one_of(
        *[st.tuples(st.just("read"), rows)] * 5,
        *[st.tuples(st.just("wait"), st.sampled_from((1, 1, 2, 3, 30, 700)))] * 2,
        *[st.tuples(st.just("watch"), st.none())] * 2,
        st.tuples(st.just("clock"), st.integers(-60, 20)),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("restart knowing"), st.none()),
        st.tuples(st.just("same tags"), st.none()),
        st.tuples(st.just("other tags"), tables),
    ),
    min_size=5,
    max_size=60,
)


def by_alarm(told: list[Transition]) -> dict[tuple[int, str], list[Transition]]:
    found = defaultdict(list)
    for one in told:
        found[one.tag_index, one.condition].append(one)
    return dict(found)


def held_against_the_plain_laws(tags: TagTable, happens: Sequence[tuple[str, Any]]) -> int:
    """Have all of it happen to both. Returns how many transitions there were."""
    fast, plain = Evaluator(tags), Oracle(tags)
    now_s, set_by_s, count = 0.0, 0.0, 0
    is_changed = any(kind == "other tags" for kind, _ in happens)
    for kind, what in happens:
        now_us = T0_US + round((now_s + set_by_s) * S)
        if kind == "wait":
            now_s += what / 2
        elif kind == "clock":
            set_by_s += what / 2
        elif kind == "restart":
            fast, plain = Evaluator(tags), Oracle(tags)
        elif kind == "restart knowing":
            if blob := fast.known():
                before, plain = plain, Oracle(tags)
                plain.know(before)
                fast = Evaluator(tags, known=decode(blob, tags))
        elif kind == "other tags":
            tags = what
            fast = Evaluator(tags, fast)
            plain.become(tags)
        elif kind == "same tags":
            fast = Evaluator(TagTable(tags.tags), fast)
        elif kind == "watch":
            told = fast.passed(now_s)
            assert by_alarm(told) == by_alarm(plain.tick(now_s))
            count += len(told)
        else:
            read = [(at, now_us + off * S // 2, value, code) for at, off, (value, code) in what]
            if is_changed:  # which of two at one time is known then is not said
                read = list({row[:2]: row for row in read}.values())
            index, us, value, code = zip(*read, strict=True)
            came = batch(fast.tags, value, index=index, us=us, quality=code, received_us=now_us)
            told = fast.evaluate(came, now_s)
            assert by_alarm(told) == by_alarm(plain.batch(read, now_us, now_s))
            count += len(told)
    return count


@given(tables, events)
@settings(max_examples=EXAMPLES, deadline=None)
def test_it_says_what_the_plain_laws_say_whatever_comes(tags, happens):
    held_against_the_plain_laws(tags, happens)


def by_chance(chance: random.Random) -> tuple[TagTable, list[tuple[str, Any]]]:
    """Three tags as they are in the field: most of it good and in order, values near limits."""

    def delay_s() -> float:
        return chance.choice((0.0, 0.0, 0.0, 0.5, 1.0, 2.5))

    def alarm(name: str, condition: str) -> Alarm:
        others = [other for other in NAMES if other != name]
        return Alarm(
            condition,
            limit=float(chance.randint(1, 7)),
            per_s=chance.choice((1.0, 3.0)),
            from_tag=chance.choice(others),
            states=(1, 4),
            deadband=float(chance.choice((0, 0, 1, 3))),
            on_delay_s=delay_s(),
            off_delay_s=delay_s(),
            suppressed_by=chance.choice(("", "", *others)),
            suppressed_states=(0, 2),
        )

    def row() -> tuple[int, int, tuple[float, int]]:
        late = chance.choice((*[0] * 12, -1, -1, -3, -30, 1, 4))
        if chance.random() < 0.1:
            return chance.randrange(3), late, (NAN, chance.choice(WITHOUT))
        code = 0 if chance.random() < 0.9 else chance.choice(WITH_VALUE)
        return chance.randrange(3), late, (float(chance.randint(0, 8)), code)

    def table() -> TagTable:
        tags = []
        for name in NAMES:
            conditions = sorted(chance.sample(CONDITIONS, chance.randint(0, 3)))
            tags.append(tag(name, alarms=tuple(alarm(name, each) for each in conditions)))
        return TagTable(tuple(tags))

    tags = table()
    happens: list[tuple[str, Any]] = []
    for _ in range(150):
        happens.append(("read", [row() for _ in range(chance.choice((1, 1, 2, 3, 6)))]))
        happens.append(("wait", chance.choice((1, 1, 1, 2, 4))))
        if chance.random() < 0.3:
            happens.append(("watch", None))
        if chance.random() < 0.04:
            what = chance.choice((("wait", 700), ("clock", chance.randint(-60, 20))))
            other = ("other tags", table())
            restart = (chance.choice(("restart", "restart knowing")), None)
            happens.append(chance.choice((what, restart, ("same tags", None), other)))
    return tags, happens


def test_it_says_what_the_plain_laws_say_of_many_hours_in_the_field():
    counts = []
    for seed in range(EXAMPLES // 3):
        tags, happens = by_chance(random.Random(seed))
        try:
            counts.append(held_against_the_plain_laws(tags, happens))
        except AssertionError:
            print(f"seed {seed}: {tags}")
            raise
    assert sum(counts) > 20 * len(counts), "too little happened to tell anything"
