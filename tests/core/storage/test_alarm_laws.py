"""Laws of alarms, whatever happens in whatever order: the database against a model in plain Python.

Two workers of one connection (the second replaces the first, which still drains), two people,
clocks that jump, restarts, replays, alarms that are declared no more. Laws: events have numbers
without holes; no transition is lost; the state is a function of the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from pumpjack_core.tags import Alarm as Declared
from tests.core.storage import alarm_model as model
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker, now_us
from tests.core.storage.desk import Desk, declare, hi, named, tag, tell

CONDITIONS = ("hi", "lo")
LATCH = {"hi": False, "lo": True}
PEOPLE = ("ann", "bob")
_ACTIONS = ("acknowledged", "reset", "shelved", "unshelved", "out_of_service", "in_service")
_flags = st.booleans()
_alarms = st.sampled_from(CONDITIONS)
_workers = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("see"),
            _workers,
            st.lists(
                st.tuples(
                    _alarms, _flags, st.sampled_from((True, False, None)), st.integers(-5, 5)
                ),
                min_size=1,
                max_size=3,
            ),
        ),
        st.tuples(
            st.just("act"),
            st.sampled_from(_ACTIONS),
            st.lists(_alarms, min_size=1, max_size=3),
            st.sampled_from(PEOPLE),
            st.sampled_from(("any", "right", "old")),
        ),
        st.tuples(st.just("again"), _workers),
        st.tuples(st.just("restart"), _workers, _flags),
        st.tuples(st.just("shelvings end"), _flags),
        st.tuples(st.just("declare"), st.sets(_alarms)),
    ),
    min_size=5,
    max_size=25,
)


class Known(Struct):
    """One alarm as the model has it. events: (kind, whether it counts, state afterwards)."""

    alarm: model.Alarm
    declared: bool
    version: int = 0
    us: int = 0
    journal: object = None
    fence: int = 0
    by: str = ""
    over: bool = False  # a shelving whose time has come
    events: list[tuple[str, bool, str]] = []
    raised: list[tuple[int, int, str]] = []  # (at, number, kind) of raised and returned

    def step(self, kind: str, at: int = 0, actor: str = "") -> None:
        self.alarm = self.alarm.after(kind)
        self.version += 1
        self.by = actor if kind == "acknowledged" else self.by
        self.over = self.over and self.alarm.shelved and kind != "shelved"
        self.note(kind, True, at)

    def note(self, kind: str, counts: bool, at: int) -> None:
        self.events.append((kind, counts, self.alarm.state))
        if kind in ("raised", "returned"):
            self.raised.append((at, len(self.events), kind))

    def settle(self) -> None:
        if self.alarm.shelved and self.over:
            self.step("unshelved")

    def late(self, active: bool, us: int) -> None:
        before = [kind for at, _, kind in sorted(self.raised) if at <= us]
        if (before[-1:] == ["raised"]) != active:
            self.note("raised" if active else "returned", False, us)

    def see(self, active: bool, told: bool | None, us: int, journal: object, fence: int) -> None:
        suppressed = self.alarm.suppressed if told is None else told
        known = self.journal is not None
        earlier = fence < self.fence or (fence == self.fence and us < self.us)
        if known and self.journal != journal and earlier:
            self.late(active, us)
            return
        self.us, self.journal, self.fence = us, journal, fence
        if self.alarm.removed:
            if self.alarm.active != active:
                self.note("raised" if active else "returned", False, us)
            self.alarm = replace(self.alarm, active=active, suppressed=suppressed)
            return
        self.settle()
        for kind in self.alarm.seen(active, suppressed):
            self.step(kind, us)

    def declare(self, wanted: bool) -> None:
        if not wanted and not self.alarm.removed:
            if self.alarm.state != "normal":
                self.step("removed")
            self.alarm = replace(self.alarm, removed=True)
        elif wanted and self.alarm.removed:
            back = self.alarm
            self.alarm = replace(back, removed=False, active=False, suppressed=False)
            if back.suppressed:
                self.step("suppressed", self.us)
            if back.active:
                self.step("raised", self.us)
        self.declared = wanted


class World:
    """A connection in the database, and beside it what the model says of it."""

    def __init__(self, database: Database, desk: Desk, workers: Sequence[Worker]) -> None:
        self.database, self.desk, self.workers = database, desk, workers
        self.fence, self.fences = 2, [1, 2]
        self.journals: list[object] = [worker.journal for worker in workers]
        self.last: list[Any] = [None, None]
        self.now = now_us()
        self.known = {
            condition: Known(model.Alarm(latch=LATCH[condition]), True) for condition in CONDITIONS
        }

    @classmethod
    async def make(cls, database: Database, desk: Desk) -> World:
        name = f"ops/{uuid4()}"
        workers = [await database.worker(name=name) for _ in range(2)]
        world = cls(database, desk, workers)
        await world.declare(set(CONDITIONS))
        return world

    def name(self, condition: str) -> str:
        return named(self.workers[0], 0, condition)

    async def declare(self, wanted: set[str]) -> None:
        alarms = [Declared(name, limit=1.0, latch=LATCH[name]) for name in sorted(wanted)]
        await declare(self.workers[0], tag(0, *alarms), fence=self.fence)
        for condition in sorted(CONDITIONS, key=self.name):
            self.known[condition].declare(condition in wanted)

    async def see(self, who: int, seen: list[tuple[str, bool, bool | None, int]]) -> None:
        told = [
            hi(active, self.now + offset, condition=condition, suppressed=suppressed)
            for condition, active, suppressed, offset in seen
        ]
        assert (await tell(self.workers[who], *told)).applied
        self.last[who] = told
        for one in told:
            self.known[one.condition].see(
                one.active, one.suppressed, one.us, self.journals[who], self.fences[who]
            )

    async def again(self, who: int) -> None:
        if self.last[who] is not None:
            worker = self.workers[who]
            assert not (await tell(worker, *self.last[who], prev=worker.seq - 1)).applied

    async def restart(self, who: int, keeps_its_journal: bool) -> None:
        worker = self.workers[who]
        if not keeps_its_journal:
            worker.journal = uuid4()
            self.last[who] = None
        await worker.start()
        self.fences[who] = self.fence = worker.fence
        self.journals[who] = worker.journal

    async def act(self, action: str, alarms: list[str], actor: str, version: str) -> None:
        saw: list[int | None] | None = None
        if version != "any":
            saw = [self.known[name].version - (version == "old") for name in alarms]
        rows = await self.desk.act(
            action, [self.name(name) for name in alarms], actor, versions=saw
        )
        for position, (condition, row) in enumerate(zip(alarms, rows, strict=True)):
            known = self.known[condition]
            known.settle()
            fits = saw is None or saw[position] == known.version
            if known.alarm.may(action) and fits:
                known.step(action, actor=actor)
                assert row["done"], (condition, row)
            else:
                assert not row["done"] and row["problem"], (condition, row)
                if row["code"] == "already":
                    assert row["by"] == known.by
            assert (row["version"], row["state"]) == (known.version, known.alarm.state)

    async def shelvings_end(self, told: bool) -> None:
        await self.database.admin.execute(
            "UPDATE pumpjack.alarm SET shelved_until = clock_timestamp() - interval '1 second'"
            " WHERE shelved_until IS NOT NULL"
        )
        for known in self.known.values():
            known.over = known.alarm.shelved
        if told:
            await self.desk.connection.fetchval("SELECT pumpjack.end_shelvings('permian')")
            for known in self.known.values():
                known.settle()

    async def check(self) -> None:
        rows = await self.database.admin.fetch(
            "SELECT a.condition, a.state, a.version, a.acknowledged, a.removed, a.event_no"
            " FROM pumpjack.alarm AS a WHERE a.alarm_id = ANY ($1)",
            [self.name(condition) for condition in CONDITIONS],
        )
        for row in rows:
            known = self.known[row["condition"]]
            assert row["state"] == known.alarm.state, row
            assert (row["version"], row["removed"]) == (known.version, known.alarm.removed)
            events = await self.database.admin.fetch(
                "SELECT event_no, kind, NOT (detail ? 'late' OR detail ? 'removed') AS counts,"
                " state FROM pumpjack.events WHERE alarm_id = $1 ORDER BY event_no",
                self.name(row["condition"]),
            )
            told = [(event["kind"], event["counts"], event["state"]) for event in events]
            assert told == known.events, row["condition"]
            assert row["event_no"] == (events[-1]["event_no"] if events else 0)
            states = model.folded(
                [(kind, counts) for kind, counts, _ in told], latch=LATCH[row["condition"]]
            )
            assert states == [state for _, _, state in told], "a function of the events"
            assert (states[-1:] or ["normal"]) == [row["state"]]


async def numbers(connection: asyncpg.Connection) -> list[int]:
    rows = await connection.fetch("SELECT event_no FROM pumpjack.events ORDER BY event_no")
    return [row["event_no"] for row in rows]


async def lead_through(database: Database, steps: list[Any]) -> None:
    await database.tenant()
    async with Desk.open(database) as desk:
        world = await World.make(database, desk)
        for what, *rest in steps:
            await getattr(world, what.replace(" ", "_"))(*rest)
        await world.check()
        for worker in world.workers:
            await worker.ingest.close()
    found = await numbers(database.admin)
    assert found == list(range(1, len(found) + 1)), "no number is missing"


_any_example = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", LEVELS[:1])
@settings(_any_example, max_examples=25)
@given(steps=STEPS)
async def test_alarms_keep_their_laws_in_any_order_of_things(
    database: Database, steps: list[Any]
) -> None:
    await lead_through(database, steps)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", LEVELS[1:])
@settings(_any_example, max_examples=2)
@given(steps=STEPS)
async def test_alarms_keep_their_laws_on_timescaledb(database: Database, steps: list[Any]) -> None:
    await lead_through(database, steps)
