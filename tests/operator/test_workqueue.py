"""Which objects need a look, and when."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.backoff import Backoff
from pumpjack_operator.workqueue import WorkQueue

PATIENCE_S = 60.0


@pytest.fixture
async def queue():
    queue: WorkQueue[str] = WorkQueue()
    yield queue
    queue.close()


async def taken(queue: WorkQueue[str]) -> str:
    return await asyncio.wait_for(queue.get(), PATIENCE_S)


async def test_keys_come_in_the_order_in_which_they_were_added(queue):
    for key in "abc":
        queue.add(key)
    assert [await taken(queue) for _ in range(3)] == ["a", "b", "c"]


async def test_a_key_that_is_added_twice_is_looked_at_once(queue):
    for key in "aaba":
        queue.add(key)
    assert len(queue) == 2
    assert [await taken(queue), await taken(queue)] == ["a", "b"]


async def test_what_changes_while_it_is_worked_on_is_looked_at_again_and_not_at_once(queue):
    queue.add("a")
    await taken(queue)
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await taken(queue) == "a"
    queue.done("a")
    assert queue.idle


async def test_whoever_waits_is_woken(queue):
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(waiting, PATIENCE_S) == "a"


async def test_a_cancelled_wait_takes_no_key_with_it(queue):
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await taken(queue) == "a"


async def test_of_two_times_the_earlier_one_counts_and_the_key_comes_once(queue):
    queue.add_after("a", 60.0)
    queue.add_after("a", 0.01)
    queue.add_after("a", 60.0)
    assert await taken(queue) == "a"
    queue.done("a")
    assert queue.idle
    assert not queue._later


async def test_what_fails_comes_again_ever_later_until_it_goes_well():
    queue: WorkQueue[str] = WorkQueue(
        lambda: Backoff(first_s=1.0, most_s=8.0, uniform=lambda _low, high: high)
    )
    assert [queue.retry("a") for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert queue.failing == 1
    queue.forget("a")
    assert queue.failing == 0
    assert queue.retry("a") == 1.0
    queue.close()


@given(st.lists(st.tuples(st.sampled_from(["add", "get", "done"]), st.sampled_from("abc"))))
def test_no_key_is_worked_on_twice_at_once_and_no_change_is_missed(steps):
    async def play() -> None:
        queue: WorkQueue[str] = WorkQueue()
        running: Counter[str] = Counter()
        unseen: set[str] = set()
        for step, key in steps:
            if step == "add":
                queue.add(key)
                unseen.add(key)
            elif step == "get" and len(queue):
                given_key = await queue.get()
                running[given_key] += 1
                assert running[given_key] == 1
                unseen.discard(given_key)
            elif step == "done" and running[key]:
                running[key] -= 1
                queue.done(key)
        for key in [key for key, count in running.items() if count]:
            queue.done(key)
        while len(queue):
            key = await queue.get()
            unseen.discard(key)
            queue.done(key)
        assert not unseen
        assert queue.idle

    asyncio.run(play())
