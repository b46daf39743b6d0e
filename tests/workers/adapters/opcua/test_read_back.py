"""What is still to be read back from a server's history is not forgotten by what happens next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.opcua import losses, readings
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.reading import (
    Seen,
    read_until,
    read_until_lost,
    reconnect,
)
from tests.workers.adapters.opcua.rig import SimulatedRig
from tests.workers.adapters.opcua.test_losses import TAGS, A, B, both

SECOND_US = 1_000_000
NEVER_S = 3_600.0


@pytest.fixture
async def historian() -> AsyncIterator[SimulatedServer]:
    """A has a history, B has none."""
    nodes = {A: SimulatedNode(value=1.0, history=True), B: SimulatedNode(value=1.0)}
    async with SimulatedServer(nodes) as server:
        yield server


@pytest.fixture
async def proxy(historian: SimulatedServer) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        yield proxy


async def lose(historian: SimulatedServer, adapter: object, seen: Seen, *missed: float) -> None:
    """The session and its subscription are lost, and these values come meanwhile."""
    await historian.forget_sessions()
    await read_until_lost(adapter, seen)  # type: ignore[arg-type]
    for value in missed:
        await historian.write(A, value)
        await historian.write(B, value)
    await reconnect(adapter)  # type: ignore[arg-type]


def of_a(seen: Seen) -> list[float]:
    """Every value of A that is one, by its time, each once."""
    rows = {(row.us, row.value) for row in seen.of("a") if row.value == row.value}
    return [value for _, value in sorted(rows)]


async def test_a_loss_before_the_last_one_was_read_back_forgets_none_of_it(
    historian: SimulatedServer, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = SimulatedRig(historian, proxy).make(*TAGS)
    await adapter.connect()
    seen = await read_until(adapter, both)
    monkeypatch.setattr(losses, "WAIT_FOR_LIVE_S", NEVER_S)  # the second loss is sooner
    await lose(historian, adapter, seen, 2.0, 3.0, 4.0)
    await read_until(adapter, lambda seen: seen.has("a", 4.0), seen)
    await historian.write(A, 5.0)
    await read_until(adapter, lambda seen: seen.has("a", 5.0), seen)
    assert not seen.has("a", 2.0)
    monkeypatch.setattr(losses, "WAIT_FOR_LIVE_S", 0.2)
    await lose(historian, adapter, seen, 6.0, 7.0, 8.0)
    await read_until(
        adapter,
        lambda seen: all(seen.has("a", value) for value in (2.0, 3.0, 6.0, 7.0, 8.0)),
        seen,
    )
    await read_until(adapter, lambda seen: bool(seen.gaps), seen)
    await adapter.close()
    assert set(of_a(seen)) == {float(value) for value in range(1, 9)}
    (gap,) = seen.gaps
    assert '"tags_without_history": 1' in gap.raw


async def test_a_worker_that_is_killed_before_it_has_read_back_leaves_it_to_the_next(
    historian: SimulatedServer, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gap is longer ago than what a new start reads back in any case."""
    monkeypatch.setattr(losses, "RESTART_MARGIN_US", 0)
    adapter = SimulatedRig(historian, proxy).make(*TAGS)
    await adapter.connect()
    seen = await read_until(adapter, both)
    monkeypatch.setattr(losses, "WAIT_FOR_LIVE_S", NEVER_S)  # it is killed sooner
    await lose(historian, adapter, seen, 2.0, 3.0, 4.0)
    await read_until(adapter, lambda seen: seen.has("a", 4.0), seen)
    await historian.write(A, 5.0)
    await read_until(adapter, lambda seen: seen.has("a", 5.0), seen)
    await adapter.close()
    assert not seen.has("a", 2.0)
    monkeypatch.setattr(losses, "WAIT_FOR_LIVE_S", 0.2)
    rig = SimulatedRig(historian, proxy, Surroundings(memos=tuple(seen.memos)))
    anew = rig.make(*TAGS)
    await anew.connect()
    again = await read_until(anew, lambda seen: {2.0, 3.0} <= set(seen.values("a")))
    await anew.close()
    assert set(of_a(seen)) | set(of_a(again)) == {1.0, 2.0, 3.0, 4.0, 5.0}


async def test_tags_that_are_changed_before_it_was_read_back_forget_nothing_of_those_that_stay(
    historian: SimulatedServer, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = SimulatedRig(historian, proxy).make(*TAGS)
    await adapter.connect()
    seen = await read_until(adapter, both)
    monkeypatch.setattr(losses, "WAIT_FOR_LIVE_S", 1.0)
    await lose(historian, adapter, seen, 2.0, 3.0, 4.0)
    adapter.apply_tags(TagTable(TAGS[::-1]))
    await read_until(adapter, lambda seen: {2.0, 3.0, 4.0} <= set(seen.values("a")), seen)
    await read_until(adapter, lambda seen: bool(seen.gaps), seen)
    await adapter.close()
    assert set(of_a(seen)) == {1.0, 2.0, 3.0, 4.0}


def test_what_is_read_back_is_remembered_only_when_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert readings._told_in(readings.memo_of(5, None)) == 5
    assert readings._told_in(readings.memo_of(5, 3)) == 3
    assert readings._told_in(readings.memo_of(5, 9)) == 5
