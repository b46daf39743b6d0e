"""What becomes of readings when connections, sessions, subscriptions and messages are lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession

from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import NotConnected
from pumpjack_core.quality import BACKFILLED, BAD_COMM_FAILURE, BAD_DEVICE, GOOD
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.opcua import channel, items, session
from pumpjack_worker.adapters.opcua.adapter import OpcuaAdapter
from pumpjack_worker.adapters.opcua.backfill import WAIT_FOR_LIVE_S
from pumpjack_worker.adapters.opcua.simulated_nodes import NAMESPACE, SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.contract import PATIENCE_S
from tests.workers.adapters.opcua.reading import (
    Row,
    Seen,
    read_for,
    read_until,
    read_until_lost,
    reconnect,
)
from tests.workers.adapters.opcua.rig import INTERVAL_S, SimulatedRig

A, B = "ns=2;s=well-1.a", "ns=2;s=well-1.b"
TAGS = (
    Tag("w1", "a", A, "float64", INTERVAL_S),
    Tag("w1", "b", B, "float64", INTERVAL_S),
)
QUIET_S = 0.4


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    nodes = {A: SimulatedNode(value=1.0), B: SimulatedNode(value=1.0)}
    async with SimulatedServer(nodes) as server:
        yield server


@pytest.fixture
async def historian() -> AsyncIterator[SimulatedServer]:
    """The same with a history of A."""
    nodes = {A: SimulatedNode(value=1.0, history=True), B: SimulatedNode(value=1.0)}
    async with SimulatedServer(nodes) as server:
        yield server


@pytest.fixture
async def rig(server: SimulatedServer) -> AsyncIterator[SimulatedRig]:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        yield SimulatedRig(server, proxy)


def both(seen: Seen) -> bool:
    return bool(seen.of("a") and seen.of("b"))


def marks(seen: Seen) -> set[str]:
    """The tags that are marked as not read for a while."""
    return {row.name for row in seen.rows if row.quality == BAD_COMM_FAILURE}


def values_and_marks(rows: list[Row]) -> list[str]:
    return ["BAD" if row.quality == BAD_COMM_FAILURE else str(row.value) for row in rows]


def instants(seen: Seen) -> list[tuple[str, int]]:
    return [(row.name, row.us) for row in seen.rows]


async def test_a_dropped_connection_loses_nothing_where_the_session_survives(
    rig: SimulatedRig,
) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    subscription = list(rig.server.subscriptions.subscriptions)
    await rig.proxy.refuse()
    error = await read_until_lost(adapter, seen)
    lost_us = SystemClock().now_us()
    for value in (2.0, 3.0, 4.0):
        await rig.server.write(A, value)
    await rig.proxy.accept()
    await reconnect(adapter)
    await read_until(adapter, lambda seen: seen.has("a", 4.0) and len(seen.of("b")) == 2, seen)
    await read_for(adapter, QUIET_S, seen)
    await adapter.close()
    assert error.reason == "Closed"
    assert seen.values("a") == [1.0, 2.0, 3.0, 4.0]
    assert seen.values("b") == [1.0, 1.0]
    assert seen.of("b")[1].us >= lost_us, "it must follow the mark of the outage"
    assert len(instants(seen)) == len(set(instants(seen)))
    assert seen.quarantined == []
    assert subscription == [78]


async def test_what_did_not_change_in_an_outage_is_told_to_hold_still(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    await read_until(adapter, both)
    rig.proxy.hang_up()
    await read_until_lost(adapter)
    lost_us = SystemClock().now_us()
    await reconnect(adapter)
    seen = await read_until(adapter, both)
    await adapter.close()
    assert [row.value for row in seen.rows] == [1.0, 1.0]
    assert all(row.us >= lost_us and row.quality == GOOD for row in seen.rows)


async def test_a_forgotten_session_is_opened_anew_and_the_gap_told_once(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    await rig.server.forget_sessions()
    await read_until_lost(adapter, seen)
    lost_us = SystemClock().now_us()
    await reconnect(adapter)
    await read_until(adapter, lambda seen: bool(seen.gaps) and len(seen.of("b")) == 2, seen)
    await rig.server.write(A, 2.0)
    await read_until(adapter, lambda seen: seen.has("a", 2.0), seen)
    await adapter.close()
    assert [row.us >= lost_us for row in seen.of("b")] == [False, True]
    (gap,) = seen.gaps
    assert gap.tag_index == -1
    assert json.loads(gap.raw)["tags_without_history"] == 2


async def test_a_subscription_outlives_a_forgotten_session_where_it_can_be_transferred(
    rig: SimulatedRig,
) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    await rig.proxy.refuse()
    await read_until_lost(adapter, seen)
    await rig.server.forget_sessions(keep_subscriptions=True)
    for value in (2.0, 3.0):
        await rig.server.write(A, value)
    await rig.proxy.accept()
    await reconnect(adapter)
    await read_until(adapter, lambda seen: seen.has("a", 3.0) and len(seen.of("b")) == 2, seen)
    await adapter.close()
    assert seen.values("a") == [1.0, 2.0, 3.0]
    assert seen.gaps == []


@pytest.mark.parametrize("told", [True, False], ids=["told by a status change", "not told"])
async def test_a_dead_subscription_is_renewed_within_the_session(
    rig: SimulatedRig, *, told: bool
) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    if told:
        await rig.server.end_subscriptions()
    else:
        await rig.server.forget_subscriptions()

    async def stir() -> None:
        value = 10.0
        while True:
            value += 1.0
            await rig.server.write(A, value)
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        stirring = tasks.create_task(stir())
        try:
            while len(seen.of("a")) < 4:
                try:
                    await read_until(adapter, lambda seen: len(seen.of("a")) >= 4, seen)
                except Exception as error:
                    if told:
                        raise
                    assert error.__class__.__name__ == "NotConnected"
                    await reconnect(adapter)
        finally:
            stirring.cancel()
    await adapter.close()
    assert len(seen.gaps) <= 1
    assert len(instants(seen)) == len(set(instants(seen)))


async def test_a_lost_notification_is_sent_again_and_comes_in_its_order(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    for value in (2.0, 3.0, 4.0, 5.0):
        rig.server.faults.lost_kept = 2 if value == 3.0 else 0
        await rig.server.write(A, value)
        await asyncio.sleep(0.05)
    await read_until(adapter, lambda seen: seen.has("a", 5.0), seen)
    await read_for(adapter, QUIET_S, seen)
    await adapter.close()
    assert seen.values("a") == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert seen.quarantined == []


async def test_the_last_notification_is_missed_though_none_follows(rig: SimulatedRig) -> None:
    """A keep-alive bears the number of the next message."""
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    rig.server.faults.lost_kept = 1
    await rig.server.write(A, 2.0)
    await read_until(adapter, lambda seen: seen.has("a", 2.0), seen)
    await adapter.close()
    assert seen.values("a") == [1.0, 2.0]


async def test_a_notification_that_is_lost_for_good_is_told_as_a_gap(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    rig.server.faults.lost_for_good = 1
    await rig.server.write(A, 2.0)
    await read_until(adapter, lambda seen: bool(seen.gaps) and seen.has("a", 2.0), seen)
    await rig.server.write(A, 3.0)
    await read_until(
        adapter, lambda seen: seen.has("a", 3.0) and len(seen.gaps) == 2 and bool(marks(seen)), seen
    )
    await adapter.close()
    assert json.loads(seen.gaps[0].raw)["messages"] == 1
    assert [row.value for row in seen.of("b")][:2] == [1.0, 1.0], "also what did not change is told"
    in_time = sorted(seen.of("a"), key=lambda row: row.us)
    assert values_and_marks(in_time) == ["1.0", "BAD", "BAD", "2.0", "3.0"]


@pytest.mark.parametrize("history", [True, False], ids=["with a history", "without"])
async def test_what_a_full_queue_lost_is_read_back_or_marked(*, history: bool) -> None:
    nodes = {A: SimulatedNode(value=1.0, history=history), B: SimulatedNode(value=1.0)}
    async with SimulatedServer(nodes) as server, FaultProxy(("127.0.0.1", server.port)) as proxy:
        rig = SimulatedRig(server, proxy)
        connection = rig.connection(queue_size=2, publishing_interval="200ms")
        adapter = rig.make(*TAGS, connection=connection)
        await adapter.connect()
        seen = await read_until(adapter, both)
        burst = [10.0 + at for at in range(9)]
        for value in burst:
            await server.write(A, value)

        def enough(seen: Seen) -> bool:
            return set(burst) <= set(seen.values("a")) if history else bool(seen.gaps)

        await read_until(adapter, enough, seen)
        await read_for(adapter, QUIET_S, seen)
        await adapter.close()
    in_time = [row for row in sorted(seen.of("a"), key=lambda row: row.us) if row.us]
    if history:
        assert [row.value for row in in_time] == [1.0, *burst]
        assert {row.value for row in in_time if row.quality & BACKFILLED} == set(burst[:-2])
        assert seen.gaps == []
    else:
        assert values_and_marks(in_time) == ["1.0", "BAD", "BAD", "17.0", "18.0"]
        assert "queueSize" in json.loads(seen.gaps[0].raw)["why"]
    assert seen.values("b") == [1.0], "it lost nothing"


async def test_a_node_without_history_is_marked_at_both_ends_of_a_restart(
    historian: SimulatedServer,
) -> None:
    """A has a history, B has none; both change while there is no worker."""
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        rig = SimulatedRig(historian, proxy)
        adapter = rig.make(*TAGS)
        await adapter.connect()
        seen = await read_until(adapter, both)
        await adapter.close()
        for value in (2.0, 3.0):
            await historian.write(A, value)
            await historian.write(B, value)
        rig = SimulatedRig(historian, proxy, Surroundings(memos=tuple(seen.memos)))
        anew = rig.make(*TAGS)
        await anew.connect()
        again = await read_until(anew, lambda seen: bool(seen.gaps) and seen.has("a", 2.0))
        await read_for(anew, QUIET_S, again)
        await anew.close()
    assert marks(again) == {"b"}
    rows = sorted({*seen.of("b"), *again.of("b")}, key=lambda row: row.us)
    assert values_and_marks(rows) == ["1.0", "BAD", "BAD", "3.0"]


async def test_what_a_historian_kept_is_read_back_and_marked(historian: SimulatedServer) -> None:
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        rig = SimulatedRig(historian, proxy)
        adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
        await adapter.connect()
        seen = await read_until(adapter, both)
        await historian.write(A, 1.5)
        await read_until(adapter, lambda seen: seen.has("a", 1.5), seen)
        await proxy.refuse()
        await read_until_lost(adapter, seen)
        await historian.forget_sessions()
        for at in range(5):
            await historian.write(A, 2.0 + at)
        await proxy.accept()
        await reconnect(adapter)
        await read_until(adapter, lambda seen: seen.has("a", 2.0) and bool(seen.gaps), seen)
        await historian.write(A, 9.0)
        await read_until(adapter, lambda seen: seen.has("a", 9.0), seen)
        await read_for(adapter, QUIET_S, seen)
        await adapter.close()
    rows = sorted(seen.of("a"), key=lambda row: row.us)
    assert [row.value for row in rows] == [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0]
    backfilled = {row.value for row in rows if row.quality & BACKFILLED}
    assert backfilled == {2.0, 3.0, 4.0, 5.0}, "6.0 came live, as what held then"
    (gap,) = seen.gaps
    assert json.loads(gap.raw)["tags_without_history"] == 1


async def test_history_is_left_alone_where_the_manifest_says_so(
    historian: SimulatedServer,
) -> None:
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        rig = SimulatedRig(historian, proxy)
        adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick, history=False))
        await adapter.connect()
        seen = await read_until(adapter, both)
        await proxy.refuse()
        await read_until_lost(adapter, seen)
        await historian.forget_sessions()
        await historian.write(A, 2.0)
        await historian.write(A, 3.0)
        await proxy.accept()
        await reconnect(adapter)
        await read_until(adapter, lambda seen: bool(seen.gaps), seen)
        await adapter.close()
    in_time = sorted(seen.of("a"), key=lambda row: row.us)
    assert values_and_marks(in_time) == ["1.0", "BAD", "3.0"]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "found out"])
async def test_a_server_that_takes_fifty_items_a_call_is_read_whole(*, announced: bool) -> None:
    nodes = {f"ns=2;s=n{at}": ("float64", float(at)) for at in range(120)}
    tags = [Tag("w1", f"n{at}", f"ns=2;s=n{at}", "float64", INTERVAL_S) for at in range(120)]
    async with SimulatedServer(nodes, items_per_call=50, announce_limits=announced) as server:
        async with FaultProxy(("127.0.0.1", server.port)) as proxy:
            rig = SimulatedRig(server, proxy)
            adapter = rig.make(*tags)
            await adapter.connect()
            seen = await read_until(adapter, lambda seen: len(seen.rows) >= 120)
            await adapter.close()
    assert {row.name: row.value for row in seen.rows} == {f"n{at}": float(at) for at in range(120)}
    assert adapter.rejected == {}


async def test_an_unknown_node_costs_its_own_tag_and_heals_when_it_is_there(
    rig: SimulatedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "FIRST_RETRY_S", 0.1)
    monkeypatch.setattr(items, "RETRY_S", 0.1)
    ghost = Tag("w1", "ghost", "ns=2;s=well-1.ghost", "float64", INTERVAL_S)
    adapter = rig.make(*TAGS, ghost)
    await adapter.connect()
    seen = await read_until(adapter, lambda seen: both(seen) and bool(seen.of("ghost")))
    assert seen.of("ghost")[0].quality == BAD_DEVICE
    assert "BadNodeIdUnknown" in adapter.rejected[2]
    await rig.server.write(A, 2.0)
    await read_until(adapter, lambda seen: seen.has("a", 2.0), seen)
    rig.server.add({ghost.address: SimulatedNode(value=42.0)})
    await read_until(adapter, lambda seen: seen.has("ghost", 42.0), seen)
    assert adapter.rejected == {}
    await adapter.close()


async def test_tags_that_stay_keep_their_items_and_repeat_nothing(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS)
    await adapter.connect()
    await read_until(adapter, both)
    (subscription,) = rig.server.subscriptions.subscriptions.values()
    before = set(subscription.monitored_item_srv._monitored_items)
    adapter.apply_tags(TagTable((TAGS[1],)))
    await rig.server.write(B, 2.0)
    seen = await read_until(adapter, lambda seen: seen.has("b", 2.0))
    adapter.apply_tags(TagTable((TAGS[1], TAGS[0])))
    await read_until(adapter, lambda seen: bool(seen.of("a")), seen)
    await read_for(adapter, QUIET_S, seen)
    after = set(subscription.monitored_item_srv._monitored_items)
    await adapter.close()
    assert seen.values("b") == [2.0]
    assert len(before & after) == 1


async def test_close_leaves_no_session_behind(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS)
    await adapter.connect()
    await read_until(adapter, both)
    async with asyncio.timeout(PATIENCE_S):
        await adapter.close()
    assert rig.server.subscriptions.subscriptions == {}


async def test_the_keys_of_a_channel_are_renewed_while_it_reads(
    rig: SimulatedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals = 0
    renew = channel.Channel.renew

    async def counting(self: channel.Channel) -> None:
        nonlocal renewals
        await renew(self)
        renewals += 1

    monkeypatch.setattr(channel, "LIFETIME_MS", 200)
    monkeypatch.setattr(channel.Channel, "renew", counting)
    adapter = rig.make(*TAGS)
    await adapter.connect()
    seen = await read_until(adapter, both)
    value = 1.0
    async with asyncio.timeout(PATIENCE_S):
        while renewals < 3:
            value += 1.0
            await rig.server.write(A, value)
            await read_until(adapter, lambda seen, value=value: seen.has("a", value), seen)
    await adapter.close()
    assert seen.values("a") == [float(at) for at in range(1, int(value) + 1)]


async def test_a_tag_is_found_by_the_uri_of_its_namespace(rig: SimulatedRig) -> None:
    known = Tag("w1", "a", f"nsu={NAMESPACE};s=well-1.a", "float64", INTERVAL_S)
    unknown = Tag("w1", "c", "nsu=urn:nobody;s=well-1.a", "float64", INTERVAL_S)
    adapter = rig.make(known, unknown)
    await adapter.connect()
    seen = await read_until(adapter, lambda seen: bool(seen.of("a") and seen.of("c")))
    await adapter.close()
    assert seen.values("a") == [1.0]
    assert "no namespace urn:nobody" in adapter.rejected[1]


async def test_acknowledgements_reach_the_server_only_after_they_were_given(
    rig: SimulatedRig,
) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    (subscription,) = rig.server.subscriptions.subscriptions.values()
    deliveries = []
    async with asyncio.timeout(PATIENCE_S):
        for value in (2.0, 3.0, 4.0):
            await rig.server.write(A, value)
            deliveries.append(await adapter.read_batch())
        await asyncio.sleep(QUIET_S)  # several keep-alives, and requests with them
        assert len(subscription.unacknowledged) >= 3
        for delivery in deliveries:
            await delivery.ack()
        while subscription.unacknowledged:
            await asyncio.sleep(0.02)
    await adapter.close()


async def test_a_worker_that_starts_anew_reads_back_what_it_missed(
    historian: SimulatedServer,
) -> None:
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        rig = SimulatedRig(historian, proxy)
        adapter = rig.make(*TAGS)
        await adapter.connect()
        seen = await read_until(adapter, both)
        await historian.write(A, 1.5)
        await read_until(adapter, lambda seen: seen.has("a", 1.5), seen)
        await adapter.close()
        for value in (2.0, 3.0, 4.0):
            await historian.write(A, value)
        rig = SimulatedRig(historian, proxy, Surroundings(memos=tuple(seen.memos)))
        anew = rig.make(*TAGS)
        await anew.connect()
        again = await read_until(anew, lambda seen: seen.has("a", 2.0) and bool(seen.gaps))
        await read_for(anew, QUIET_S, again)
        await anew.close()
    stored = {(row.value, row.us) for row in seen.of("a")}
    missed = [row for row in again.of("a") if (row.value, row.us) not in stored]
    assert sorted(row.value for row in missed) == [2.0, 3.0, 4.0]
    assert {row.value for row in missed if row.quality & BACKFILLED} == {2.0, 3.0}
    known = [row for row in again.of("a") if row not in missed]
    assert all(row.quality & BACKFILLED for row in known), "the database knows these"
    assert len(again.gaps) == 1


class Ahead(SystemClock):
    """A clock that is an hour ahead."""

    def now_us(self) -> int:
        return super().now_us() + 3_600 * 1_000_000


async def test_a_worker_whose_clock_was_ahead_does_not_take_what_follows_for_read(
    historian: SimulatedServer,
) -> None:
    async with FaultProxy(("127.0.0.1", historian.port)) as proxy:
        rig = SimulatedRig(historian, proxy)
        adapter = OpcuaAdapter(rig.connection(), TagTable(TAGS), Ahead(), rig.surroundings)
        await adapter.connect()
        seen = await read_until(adapter, both)
        await historian.forget_sessions()
        await read_until_lost(adapter, seen)
        await reconnect(adapter)
        await historian.write(A, 1.5)
        await read_until(adapter, lambda seen: seen.has("a", 1.5), seen)
        await adapter.close()
        assert max(row.us for row in seen.rows) > SystemClock().now_us(), "the trap is set"
        for value in (2.0, 3.0, 4.0):
            await historian.write(A, value)
        rig = SimulatedRig(historian, proxy, Surroundings(memos=tuple(seen.memos)))
        anew = rig.make(*TAGS)
        await anew.connect()
        again = await read_until(anew, lambda seen: seen.has("a", 2.0) and bool(seen.gaps))
        await anew.close()
    assert {2.0, 3.0} <= {row.value for row in again.of("a") if row.quality & BACKFILLED}


async def test_the_first_start_of_all_has_no_gap(rig: SimulatedRig) -> None:
    adapter = rig.make(*TAGS)
    await adapter.connect()
    seen = await read_until(adapter, both)
    await read_for(adapter, WAIT_FOR_LIVE_S + QUIET_S, seen)
    await adapter.close()
    assert seen.quarantined == []


@pytest.mark.parametrize("old", ["survives", "is forgotten"])
async def test_what_changed_before_an_outage_was_noticed_is_told_at_its_own_time_and_as_holding(
    rig: SimulatedRig, old: str
) -> None:
    """The line is half-open: the server goes on, and we hear of nothing."""
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    rig.proxy.stall()
    changed_us = SystemClock().now_us()
    await rig.server.write(A, 2.0, source_us=changed_us)
    error = await read_until_lost(adapter, seen)
    lost_us = SystemClock().now_us()
    await rig.proxy.refuse()
    if old == "is forgotten":
        await rig.server.forget_sessions()
    rig.proxy.resume()
    await rig.proxy.accept()
    await reconnect(adapter)
    await read_until(adapter, lambda seen: len(seen.of("b")) >= 2 and len(seen.of("a")) >= 3, seen)
    await read_for(adapter, QUIET_S, seen)
    await adapter.close()
    assert error.reason == "Timeout"
    told, holds = seen.of("a")[1:]
    assert (told.value, told.quality, told.us) == (2.0, GOOD | BACKFILLED, changed_us)
    assert (holds.value, holds.quality) == (2.0, GOOD)
    assert holds.us >= lost_us, "it must follow the mark of the outage"


async def test_what_waited_on_the_server_is_not_told_as_newer_than_what_followed(
    rig: SimulatedRig,
) -> None:
    adapter = rig.make(*TAGS, connection=rig.connection(**rig.quick))
    await adapter.connect()
    seen = await read_until(adapter, both)
    rig.proxy.stall()
    await rig.server.write(A, 2.0)
    await read_until_lost(adapter, seen)
    await rig.server.write(A, 3.0)
    await rig.proxy.refuse()
    rig.proxy.resume()
    await rig.proxy.accept()
    await reconnect(adapter)
    await read_until(adapter, lambda seen: len(seen.of("b")) >= 2 and seen.has("a", 3.0), seen)
    await read_for(adapter, QUIET_S, seen)
    await adapter.close()
    in_time = sorted(seen.of("a"), key=lambda row: row.us)
    assert [row.value for row in in_time if row.quality == GOOD][-1] == 3.0
    assert [row.value for row in in_time] == sorted(row.value for row in in_time)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0x80560000, "TooManySessions"), (0x800E0000, "ServerStopping")],
    ids=["too many sessions", "halted"],
)
async def test_a_server_that_has_no_session_for_us_is_told_and_read_when_it_has(
    rig: SimulatedRig, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    adapter = rig.make(*TAGS)

    async def refuses(*_: object, **__: object) -> None:
        raise ServiceError(status)

    with monkeypatch.context() as patch:
        patch.setattr(InternalSession, "create_session", refuses)
        with pytest.raises(NotConnected) as caught:
            await adapter.connect()
    assert caught.value.reason == reason
    await adapter.connect()
    seen = await read_until(adapter, both)
    await adapter.close()
    assert seen.values("a") == [1.0]


async def test_a_session_of_which_little_is_asked_does_not_end(
    rig: SimulatedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server keeps it for a second only, and says that it is there once a minute."""
    monkeypatch.setattr(session, "SESSION_LIVES_S", 1.0)
    rig.server._running.iserver.min_session_timeout_ms = 1_000
    adapter = rig.make(*TAGS, connection=rig.connection(keep_alive="60s"))
    await adapter.connect()
    seen = await read_until(adapter, both)
    before = set(rig.server._running.iserver._external_sessions)
    await read_for(adapter, 3.0, seen)
    await rig.server.write(A, 2.0)
    await read_until(adapter, lambda seen: seen.has("a", 2.0), seen)
    assert set(rig.server._running.iserver._external_sessions) == before
    await adapter.close()
