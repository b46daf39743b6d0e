"""An adapter over a line with two units that fail when they are told to.

The line is made up: no protocol that has one could be told to fail in each of these ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import AddressError, NotConnected, WriteRefused
from pumpjack_core.manifests.types import S7, ScadaConnectionSpec
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE, GOOD, Reason, reason_of
from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.polled import refusals
from pumpjack_worker.adapters.polled.adapter import PolledAdapter
from pumpjack_worker.adapters.polled.line import Answer, Got, Line, Refused, UnitTrouble
from tests.workers.adapters.contract import PATIENCE_S, read

CONNECTION = Connection("t", "ops/line", ScadaConnectionSpec("s7", s7=S7("plc")), (), "")
Place = tuple[int, str]


def tag(unit: int, name: str, **more: Any) -> Tag:
    settings = {"data_type": "float64", "interval_s": 0.05} | more
    return Tag(f"well-{unit}", name, f"{unit}/{name}", **settings)


class Units(Line[Place]):
    """What units say. silent: those that say nothing; refused: places; asked: all that was."""

    peer = "the line"
    timeout_s = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.open_now = False
        self.silent: set[int] = set()
        self.refused: set[Place] = set()
        self.values: dict[Place, float] = {}
        self.asked: list[Place] = []
        self.opened = 0
        self.hold: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        return self.open_now

    async def open(self) -> None:
        self.open_now = True
        self.opened += 1

    async def read(self, places: Sequence[Place], *, timeout_s: float) -> Sequence[Answer]:
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(0)
        self.asked += places
        if {unit for unit, _ in places} & self.silent:
            await asyncio.sleep(0.01)
            raise UnitTrouble(f"no answer within {timeout_s:g} s", silent=True)
        return [
            Refused("it is not there") if place in self.refused else Got(self.values.get(place, 1))
            for place in places
        ]

    def drop(self) -> None:
        self.open_now = False

    def close(self) -> None:
        self.open_now = False


class Polled(PolledAdapter[Place]):
    protocol = "s7"
    units: Units

    def _make_line(self, connection: Connection, surroundings: Surroundings) -> Units:
        self.units = Units()
        return self.units

    def place_of(self, tag: Tag) -> Place:
        unit, _, name = tag.address.partition("/")
        if not name:
            raise AddressError(f"{tag.address} has no unit")
        return int(unit), name

    def unit_of(self, place: Place) -> int:
        return place[0]


def made(*tags: Tag) -> Polled:
    return Polled(CONNECTION, TagTable(tags), SystemClock())


def qualities(batch: Batch) -> dict[str, int]:
    names = [f"{batch.tags.tags[at].well_id}/{batch.tags.tags[at].name}" for at in batch.tag_index]
    return dict(zip(names, batch.quality.tolist(), strict=True))


async def until(adapter: Polled, tag: str, quality: int) -> None:
    """Read until a tag has this quality."""
    async with asyncio.timeout(PATIENCE_S):
        while qualities(await read(adapter)).get(tag) != quality:
            pass


async def test_a_unit_that_is_silent_backs_off_alone_and_comes_back() -> None:
    adapter = made(tag(1, "a"), tag(2, "a"))
    await adapter.connect()
    adapter.units.silent = {2}
    await until(adapter, "well-2/a", BAD_COMM_FAILURE)
    adapter.units.asked.clear()
    for _ in range(20):
        found = qualities(await read(adapter))
        assert found.get("well-1/a", GOOD) == GOOD
    assert adapter.units.asked.count((2, "a")) <= 6 < adapter.units.asked.count((1, "a"))
    adapter.units.silent.clear()
    await until(adapter, "well-2/a", GOOD)
    assert adapter.units.opened == 1


async def test_when_all_are_silent_the_session_is_lost_until_one_answers() -> None:
    adapter = made(tag(1, "a"), tag(2, "a"))
    await adapter.connect()
    adapter.units.silent = {1, 2}
    with pytest.raises(NotConnected, match="nothing behind it answers"):
        while True:
            await read(adapter)
    with pytest.raises(NotConnected, match="nothing behind it answers"):
        await adapter.connect()
    adapter.units.silent = {1}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await adapter.connect()
                break
            except NotConnected:
                continue
    await until(adapter, "well-2/a", GOOD)


async def test_what_is_refused_is_left_out_and_told_and_costs_nobody_else() -> None:
    adapter = made(tag(1, "a"), tag(1, "b"))
    adapter.units.refused = {(1, "b")}
    await adapter.connect()
    for _ in range(5):
        assert qualities(await read(adapter)) == {"well-1/a": GOOD, "well-1/b": BAD_DEVICE}
    assert adapter.units.asked.count((1, "b")) == 1
    assert "the line refuses 1/b as float64: it is not there" in adapter.rejected[1]
    adapter.apply_tags(TagTable((tag(1, "a"),)))
    await read(adapter)
    assert adapter.rejected == {}


async def test_once_one_of_many_is_given_again_all_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "FIRST_RETRY_S", 0.05)
    tags = [tag(1, f"t{number}") for number in range(200)]
    adapter = made(*tags)
    adapter.units.refused = {(1, one.name) for one in tags}
    await adapter.connect()
    assert set(qualities(await read(adapter)).values()) == {BAD_DEVICE}
    adapter.units.refused.clear()
    async with asyncio.timeout(PATIENCE_S):
        while GOOD not in qualities(await read(adapter)).values():
            pass
    assert set(qualities(await read(adapter)).values()) == {GOOD}
    assert adapter.rejected == {}


async def test_another_session_asks_for_all_that_was_refused() -> None:
    tags = [tag(1, f"t{number}") for number in range(200)]
    adapter = made(*tags)
    adapter.units.refused = {(1, one.name) for one in tags}
    await adapter.connect()
    await read(adapter)
    adapter.units.refused.clear()
    await adapter.connect()
    assert set(qualities(await read(adapter)).values()) == {GOOD}


async def test_a_tag_whose_address_was_corrected_is_read_at_once() -> None:
    wrong = tag(1, "a", interval_s=3600.0)
    adapter = made(wrong)
    await adapter.connect()
    await read(adapter)
    adapter.units.values = {(1, "b"): 7.0}
    adapter.apply_tags(TagTable((replace(wrong, address="1/b"),)))
    assert (await read(adapter)).value.tolist() == [7.0]


async def test_what_is_no_number_or_not_exact_is_marked() -> None:
    whole = tag(1, "whole", data_type="int64")
    adapter = made(tag(1, "nan"), whole, tag(1, "scaled", scale=2.0, offset=1.0))
    adapter.units.values = {(1, "nan"): np.nan, (1, "whole"): float(2**53 + 1), (1, "scaled"): 3.0}
    await adapter.connect()
    batch = await read(adapter)
    assert [reason_of(int(one)) for one in batch.quality] == [
        Reason.NOT_A_NUMBER,
        Reason.PRECISION,
        Reason.NONE,
    ]
    assert np.isnan(batch.value[0])
    assert batch.value.tolist()[1:] == [2.0**53, 7.0]


async def test_being_cancelled_in_the_middle_of_an_answer_loses_no_poll() -> None:
    adapter = made(tag(1, "a", interval_s=3600.0))
    await adapter.connect()
    adapter.units.hold = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await adapter.read_batch()
    adapter.units.hold.set()
    assert qualities(await read(adapter)) == {"well-1/a": GOOD}


async def test_a_tag_that_comes_is_read_beside_those_that_stay() -> None:
    adapter = made(tag(1, "a"), Tag("w", "wrong", "nowhere", "float64", 0.05))
    await adapter.connect()
    assert adapter.rejected == {1: "nowhere has no unit"}
    adapter.apply_tags(TagTable((tag(1, "a"), tag(2, "new"))))
    await until(adapter, "well-2/new", GOOD)
    assert adapter.rejected == {}


async def test_a_session_that_ends_between_two_polls_is_opened_again() -> None:
    adapter = made(tag(1, "a"))
    await adapter.connect()
    await read(adapter)
    adapter.units.open_now = False
    assert qualities(await read(adapter)) == {"well-1/a": GOOD}
    assert adapter.units.opened == 2


async def test_a_protocol_that_does_not_say_how_refuses_writes() -> None:
    adapter = made(tag(1, "a"))
    await adapter.connect()
    with pytest.raises(WriteRefused):
        await adapter.write(tag(1, "a"), 1.0)
    await adapter.close()
