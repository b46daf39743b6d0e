"""Which of several operators acts, whatever their clocks say."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_operator import lease as leases
from pumpjack_operator.api import Api
from pumpjack_operator.lease import Lease, Lost, Times
from pumpjack_operator.login import Login
from tests.controlplane.server import TOKEN, anyone
from tests.faults import FaultProxy
from tests.operator.cluster import eventually
from tests.operator.program import Replica, replica

pytestmark = pytest.mark.peers
QUICK = Times(lasts=1.0, gives_up=0.6, every=0.1)
PATIENCE_S = 60.0


class Skewed(SystemClock):
    """A clock whose wall time is off."""

    def __init__(self, by_s: float) -> None:
        self._by_us = int(by_s * 1e6)

    def now_us(self) -> int:
        return super().now_us() + self._by_us


@pytest.fixture
async def api(plane):
    login = Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)
    async with Api(login) as api:
        yield api


def spec(wells):
    return (wells.client.get(lease_path(wells.name)).json()).get("spec") or {}


def lease_path(namespace):
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{leases.NAME}"


@contextlib.asynccontextmanager
async def kept(lease):
    task = asyncio.create_task(lease.keep())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Lost):
            await task


@pytest.mark.parametrize("by_s", [0, 3_600, -3_600], ids=["right", "an hour ahead", "behind"])
async def test_a_second_replica_waits_as_long_as_the_first_renews(api, wells, by_s):
    first = Lease(api, SystemClock(), wells.name, "first", QUICK)
    second = Lease(api, Skewed(by_s), wells.name, "second", QUICK)
    await first.acquire()
    async with kept(first) as keeping:
        waiting = asyncio.create_task(second.acquire())
        for _ in range(3):  # several times as long as a Lease lasts
            before = spec(wells)["renewTime"]
            await eventually(lambda before=before: spec(wells)["renewTime"] != before)
            await asyncio.sleep(QUICK.lasts)
        assert not waiting.done()
        assert not keeping.done()
        waiting.cancel()


@pytest.mark.parametrize("by_s", [0, 3_600, -3_600], ids=["right", "an hour ahead", "behind"])
async def test_when_the_first_dies_the_second_takes_over(api, wells, by_s):
    first = Lease(api, SystemClock(), wells.name, "first", QUICK)
    second = Lease(api, Skewed(by_s), wells.name, "second", QUICK)
    await first.acquire()
    async with asyncio.timeout(PATIENCE_S):
        await second.acquire()
    assert spec(wells)["holderIdentity"] == "second"
    assert spec(wells)["leaseTransitions"] == 1
    with pytest.raises(Lost, match=r"second|could not be renewed"):
        await first.keep()


async def test_who_stops_lets_the_next_act_at_once(api, wells):
    slow = Times(lasts=60.0, gives_up=40.0, every=0.1)
    first = Lease(api, SystemClock(), wells.name, "first", slow)
    await first.acquire()
    await first.release()
    async with asyncio.timeout(PATIENCE_S):
        await Lease(api, SystemClock(), wells.name, "second", slow).acquire()


async def test_who_cannot_renew_stops_before_another_may_begin(plane, wells):
    async with FaultProxy(("127.0.0.1", plane.port)) as proxy:
        login = Login(f"https://127.0.0.1:{proxy.port}", anyone(), TOKEN)
        async with Api(login) as cut_off:
            times = Times(lasts=30.0, gives_up=2.0, every=0.1)
            first = Lease(cut_off, SystemClock(), wells.name, "first", times)
            await first.acquire()
            proxy.stall()
            clock = SystemClock()
            began = clock.monotonic()
            with pytest.raises(Lost, match="renewed: the API server did not answer in time"):
                await first.keep()
            assert clock.monotonic() - began < times.lasts
            proxy.resume()


async def test_of_two_processes_one_acts_and_the_other_goes_on_when_it_ends(plane, wells, tmp_path):
    login = plane.kubeconfig(TOKEN, tmp_path)
    with replica(tmp_path, namespace=wells.name, login=login, name="one") as one:
        await eventually(lambda: spec(wells).get("holderIdentity") == "one")
        with replica(tmp_path, namespace=wells.name, login=login, name="two") as two:
            wells.connect("pad7")
            await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
            assert await ended(one) == 0
            await eventually(lambda: spec(wells).get("holderIdentity") == "two")
            wells.connect("pad8")
            await eventually(lambda: wells.get("statefulsets", "scada-pad8"))
            assert await ended(two) == 0
    assert b"Traceback" not in one.log.read_bytes()
    assert b"Traceback" not in two.log.read_bytes()


async def ended(running: Replica) -> int:
    """Its exit code after SIGTERM."""
    running.process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(running.process.wait, PATIENCE_S)
