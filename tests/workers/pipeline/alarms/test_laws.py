"""Every law at once: the vectorised evaluator says what the plain one says, whatever comes."""

from __future__ import annotations

import os
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core.alarms import Transition
from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline.alarms.evaluator import Evaluator
from tests.workers.pipeline.alarms.oracle import Oracle
from tests.workers.pipeline.examples import T0_US, batch, tag

EXAMPLES = int(os.environ.get("PUMPJACK_EXAMPLES", "300"))
S = 1_000_000
NAMES = ("a", "b", "c")
QUALITIES = (
    *[0] * 12,
    quality(Level.GOOD, backfilled=True),
    quality(Level.UNCERTAIN, Reason.ANOMALY),
    quality(Level.UNCERTAIN, Reason.LAST_KNOWN),
    quality(Level.BAD, Reason.OUT_OF_RANGE),
    quality(Level.BAD, Reason.DEVICE_BAD),
    quality(Level.BAD, Reason.COMM_FAILURE),
    quality(Level.BAD, Reason.STALE),
)
halves = st.integers(0, 6).map(lambda n: n / 2)
values = st.one_of(st.integers(0, 8).map(float), st.just(float("nan")))


@st.composite
def alarms(draw, name: str) -> tuple[Alarm, ...]:
    conditions = draw(
        st.sets(
            st.sampled_from(
                ("hihi", "hi", "lo", "lolo", "rate", "deviation", "state", "bad_quality", "stale")
            ),
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
        st.one_of(st.just(0), st.integers(-40, 6)),  # halves of a second from now
        values,
        st.sampled_from(QUALITIES),
    ),
    max_size=6,
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("read"), rows),
        st.tuples(st.just("read"), rows),
        st.tuples(st.just("wait"), st.sampled_from((1, 2, 3, 30, 700))),
        st.tuples(st.just("watch"), st.none()),
        st.tuples(st.just("clock"), st.integers(-60, 20)),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("same tags"), st.none()),
    ),
    max_size=40,
)


def by_alarm(told: list[Transition]) -> dict[tuple[int, str], list[Transition]]:
    found = defaultdict(list)
    for one in told:
        found[one.tag_index, one.condition].append(one)
    return dict(found)


@given(tables, events)
@settings(max_examples=EXAMPLES, deadline=None)
def test_it_says_what_the_plain_laws_say_whatever_comes(tags, happens):
    fast, plain = Evaluator(tags), Oracle(tags)
    now_s, set_by_s = 0.0, 0.0
    for kind, what in happens:
        now_us = T0_US + round((now_s + set_by_s) * S)
        if kind == "wait":
            now_s += what / 2
        elif kind == "clock":
            set_by_s += what / 2
        elif kind == "restart":
            fast, plain = Evaluator(tags), Oracle(tags)
        elif kind == "same tags":
            fast = Evaluator(TagTable(tags.tags), fast)
        elif kind == "watch":
            assert by_alarm(fast.passed(now_s)) == by_alarm(plain.tick(now_s))
        else:
            read = [(at, now_us + off * S // 2, value, code) for at, off, value, code in what]
            columns = list(zip(*read, strict=True)) or [(), (), (), ()]
            came = batch(
                fast.tags,
                columns[2],
                index=columns[0],
                us=columns[1],
                quality=columns[3],
                received_us=now_us,
            )
            told = fast.evaluate(came, now_s)
            assert by_alarm(told) == by_alarm(plain.batch(read, now_us, now_s))
