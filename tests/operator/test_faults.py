"""What goes wrong around the operator, and that it comes right by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from pumpjack_operator.api import Api
from pumpjack_operator.cluster import Key
from pumpjack_operator.controller import Controller
from pumpjack_operator.login import Login
from tests.controlplane.server import TOKEN, anyone
from tests.faults import FaultProxy
from tests.operator.cluster import (
    CHILDREN,
    ON_ITS_WAY_S,
    PLATFORM,
    answered,
    eventually,
    new_namespace,
    operating,
    quiet,
    told,
)

pytestmark = pytest.mark.peers


async def test_while_the_api_server_restarts_it_waits_and_then_goes_on(plane, wells, operator):
    wells.connect("before")
    await eventually(lambda: wells.get("statefulsets", "scada-before"))
    await asyncio.to_thread(plane.stop_api)
    await asyncio.to_thread(plane.start_api)
    wells.connect("after")
    await eventually(lambda: wells.get("statefulsets", "scada-after"), patience_s=60)


async def test_what_was_deleted_while_its_watch_had_expired_is_noticed(plane, wells):
    async with FaultProxy(("127.0.0.1", plane.port)) as proxy:
        async with operating(plane, port=proxy.port) as controller:
            wells.connect("pad7")
            wells.connect("gone")
            wells.map("one", to="pad7", tags=1, well="w1")
            wells.map("two", to="pad7", tags=1, well="w2")
            await eventually(
                lambda: len(wells.children("pad7")) == 7 and wells.reason("pad7", "Ready")
            )
            await quiet(controller)
            await proxy.refuse()
            wells.delete("tagmappings", "one")
            wells.delete("scadaconnections", "gone")
            # an API server that starts remembers no event of before: the old watch is refused, 410
            await asyncio.to_thread(plane.stop_api)
            await asyncio.to_thread(plane.start_api)
            wells.connect("other")  # so that the version moves on
            await proxy.accept()
            await eventually(
                lambda: (
                    [tag["wellId"] for tag in told(wells.get("configmaps", "scada-pad7-tags-0"))]
                    == ["w2"]
                ),
                patience_s=60,
            )
            await eventually(lambda: wells.get("statefulsets", "scada-gone") is None)


def wells_told(wells):
    """Of connection pad7."""
    return {tag["wellId"] for tag in told(wells.get("configmaps", "scada-pad7-tags-0"))}


async def test_an_api_server_that_hangs_is_left_and_asked_again(plane, wells):
    async with FaultProxy(("127.0.0.1", plane.port)) as proxy:
        async with operating(plane, port=proxy.port):
            proxy.cut_answer(after=10)
            wells.connect("pad7")
            await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
            proxy.hang_up()
            wells.connect("pad8")
            await eventually(lambda: wells.get("statefulsets", "scada-pad8"))


async def test_a_quota_that_refuses_a_child_is_said_and_tried_again(operator, wells):
    answered(
        wells.client.post(
            wells.path("resourcequotas"),
            json={
                "metadata": {"name": "none"},
                "spec": {"hard": {"count/statefulsets.apps": "0"}},
            },
        )
    )
    none = {"count/statefulsets.apps": "0"}
    wells.client.patch(  # as the quota controller would
        wells.path("resourcequotas", "none") + "/status",
        json={"status": {"hard": none, "used": none}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    wells.connect("pad7")
    await eventually(lambda: wells.reason("pad7", "Stalled") == "NotApplied")
    assert "quota" in wells.condition("pad7", "Stalled")["message"]
    assert wells.condition("pad7", "Ready")["reason"] == "NotApplied"
    wells.delete("resourcequotas", "none")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")


async def test_a_secret_that_is_missing_is_said_and_used_when_it_comes(operator, wells):
    wells.connect("pad7", credentialsSecretRef={"name": "login"})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "SecretMissing")
    wells.client.post(wells.path("secrets"), json={"metadata": {"name": "wrong"}, "type": "Opaque"})
    secret = {
        "metadata": {"name": "login"},
        "type": "pumpjack.dev/device-credentials",
        "stringData": {"password": "x"},
    }
    answered(wells.client.post(wells.path("secrets"), json=secret))
    volumes = lambda: {  # noqa: E731
        one["name"]
        for one in wells.get("statefulsets", "scada-pad7")["spec"]["template"]["spec"]["volumes"]
    }
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: "device" in volumes())
    await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")
    await quiet(operator)
    version = wells.get("statefulsets", "scada-pad7")["metadata"]["resourceVersion"]
    secret["stringData"] = {"password": "y"}
    wells.patch("secrets", "login", {"stringData": {"password": "y"}})
    await quiet(operator)
    assert wells.get("statefulsets", "scada-pad7")["metadata"]["resourceVersion"] == version


async def test_a_secret_of_another_type_is_not_used(operator, wells):
    answered(
        wells.client.post(
            wells.path("secrets"), json={"metadata": {"name": "stores"}, "type": "Opaque"}
        )
    )
    wells.connect("pad7", credentialsSecretRef={"name": "stores"})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "SecretMissing")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    assert 'stores"' not in str(wells.get("statefulsets", "scada-pad7")["spec"])
    volumes = wells.get("statefulsets", "scada-pad7")["spec"]["template"]["spec"]["volumes"]
    assert "device" not in {one["name"] for one in volumes}


async def test_a_namespace_that_is_deleted_while_it_is_worked_on_stops_nothing(
    operator, wells, plane
):
    doomed = new_namespace(plane.client)
    for number in range(20):
        doomed.connect(f"w{number}")
    answered(plane.client.delete(f"/api/v1/namespaces/{doomed.name}"))
    await eventually(lambda: operator.store.is_ending(doomed.name))
    doomed_calls = sum(operator.api_calls.values())
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await quiet(operator)
    assert sum(operator.api_calls.values()) - doomed_calls < 20 * 6 + 20
    doomed.clear()


async def test_two_operators_by_mistake_come_to_the_same_end_and_stop_writing(plane, wells):
    async with operating(plane) as one, operating(plane) as other:
        for number in range(5):
            wells.connect(f"w{number}", labels={"pad": "1"})
        wells.map("m", to={"pad": "1"})
        for number in range(5):
            await eventually(lambda number=number: len(wells.children(f"w{number}")) == 7)
            await eventually(lambda number=number: wells.reason(f"w{number}", "MappingsAccepted"))
        wells.map("m", to={"pad": "1"}, tags=7)
        for number in range(5):
            await eventually(
                lambda number=number: (
                    wells.get("scadaconnections", f"w{number}")["status"]["mappedTags"] == 7
                )
            )
        for _ in range(3):
            await quiet(one)
            await quiet(other)
        before = wells.versions()
        wells.connect("last")
        await eventually(lambda: wells.reason("last", "Ready"))
        await quiet(one)
        await quiet(other)
        after = wells.versions()
        assert {name: after[name] for name in before} == before
        assert wells.events("DriftRepaired") == []


@pytest.mark.parametrize("seed", range(6))
async def test_killed_at_any_point_the_next_one_comes_to_the_same_end(plane, wells, seed):
    """Cancelled at a random request: what a kill leaves is what was written until then."""
    dice = random.Random(seed)
    for number in range(3):
        wells.connect(f"w{number}", labels={"pad": "1"})
    wells.map("m", to={"pad": "1"}, tags=4)
    while True:
        left = dice.randrange(1, 40)
        login = Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)
        async with Killing(login, left) as api:
            controller = Controller(api, PLATFORM, status_every_s=0.1)
            run = asyncio.create_task(controller.run())
            killed = asyncio.create_task(api.killed.wait())
            steady = asyncio.create_task(done(controller))
            await asyncio.wait({run, killed, steady}, return_when="FIRST_COMPLETED")
            finished = steady.done()
            for task in (run, killed, steady):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if finished:
            break
        if dice.random() < 0.3:  # somebody deletes a child meanwhile
            plural = dice.choice(CHILDREN[:4])
            for item in wells.list(plural)[:1]:
                if item["metadata"]["name"].startswith("scada-"):
                    wells.delete(plural, item["metadata"]["name"])
    for number in range(3):
        assert len(wells.children(f"w{number}")) == 7
        assert wells.get("scadaconnections", f"w{number}")["status"]["mappedTags"] == 4
        assert len(told(wells.get("configmaps", f"scada-w{number}-tags-0"))) == 4


async def done(controller: Controller) -> None:
    await controller.steady.wait()
    await quiet(controller)


class Killing(Api):
    """Lets so many writes through; the next one may or may not be done, and then it is over."""

    def __init__(self, login: Login, left: int) -> None:
        super().__init__(login)
        self.left = left
        self.killed = asyncio.Event()

    async def _ask(self, verb, kind, method, path, **more):
        if verb in ("patch", "create", "delete", "update"):
            self.left -= 1
            if self.left <= 0:
                self.killed.set()
                if self.left % 2:
                    await super()._ask(verb, kind, method, path, **more)
                await asyncio.Event().wait()
        return await super()._ask(verb, kind, method, path, **more)


async def test_a_hundred_namespaces_leave_room_for_work(plane, wells):
    """Each is watched for Secrets, which takes a connection for as long as it lasts."""
    others = [new_namespace(plane.client) for _ in range(100)]
    async with operating(plane):
        wells.connect("pad7")
        await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
        secret = {
            "metadata": {"name": "login"},
            "type": "pumpjack.dev/device-credentials",
        }
        answered(wells.client.post(others[-1].path("secrets"), json=secret))
        others[-1].connect("pad8", credentialsSecretRef={"name": "login"})
        await eventually(lambda: others[-1].reason("pad8", "Connected") == "WorkerNotAnswering")
    for other in others:
        other.drop()


class Held(Api):
    """The StatefulSet, which is applied last, waits until it may go."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self.waits = asyncio.Event()
        self.may_go = asyncio.Event()
        HELD.append(self)

    async def apply(self, kind, manifest):
        if kind.kind == "StatefulSet":
            self.waits.set()
            await self.may_go.wait()
        return await super().apply(kind, manifest)


HELD: list[Held] = []


@pytest.mark.parametrize("what", ["deletes", "changes"])
async def test_what_somebody_does_to_a_child_while_the_others_are_made_is_put_right(
    plane, wells, what
):
    async with operating(plane, api_class=Held) as controller:
        wells.connect("pad7")
        wells.map("pumps", to="pad7")
        async with asyncio.timeout(60):
            await HELD[-1].waits.wait()
        before = wells.get("services", "scada-pad7")
        if what == "deletes":
            wells.delete("services", "scada-pad7")
        else:
            ports = [{"op": "replace", "path": "/spec/ports/0/port", "value": 1}]
            wells.patch("services", "scada-pad7", ports)
        wells.connect("other", modbusTcp={"host": "10.1.7.21"})  # so that the watch has told it
        await eventually(lambda: controller.store.connection(Key(wells.name, "other")))
        await asyncio.sleep(ON_ITS_WAY_S)
        HELD[-1].may_go.set()
        await eventually(
            lambda: (
                (now := wells.get("services", "scada-pad7"))
                and now["spec"]["ports"] == before["spec"]["ports"]
            )
        )


class SlowMappings(Api):
    """The list of the mappings takes longer than all others."""

    async def list_page(self, kind, namespace, params, **more):
        if kind.plural == "tagmappings":
            await asyncio.sleep(1.0)
        return await super().list_page(kind, namespace, params, **more)


async def test_nothing_is_touched_before_everything_was_listed(plane, wells):
    async with operating(plane) as controller:
        wells.connect("pad7")
        wells.map("pumps", to="pad7")
        await eventually(lambda: len(wells.children("pad7")) == 7)
        await eventually(lambda: wells.holds("pad7", "MappingsAccepted"))
        await quiet(controller)
    before = wells.versions()
    async with operating(plane, api_class=SlowMappings) as controller:
        await quiet(controller)
    assert wells.versions() == before
