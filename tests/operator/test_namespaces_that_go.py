"""Namespaces that are deleted while they are worked on, with the controllers of Kubernetes."""

from __future__ import annotations

import pytest

from tests.operator.cluster import (
    Namespace,
    answered,
    eventually,
    new_namespace,
    operating,
    quiet,
)

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]
WRITES = ("patch", "create", "update", "delete")


@pytest.fixture
def doomed(plane):
    found = new_namespace(plane.client)
    yield found
    if exists(found):
        found.clear()
        delete(found)


def exists(namespace: Namespace) -> bool:
    return namespace.client.get(f"/api/v1/namespaces/{namespace.name}").status_code == 200


def delete(namespace: Namespace) -> None:
    answered(namespace.client.delete(f"/api/v1/namespaces/{namespace.name}"))


def make_again(namespace: Namespace) -> None:
    about = {"name": namespace.name, "labels": {"pumpjack.dev/tenant": "permian"}}
    answered(namespace.client.post("/api/v1/namespaces", json={"metadata": about}))


def fill(namespace: Namespace, count: int = 20) -> None:
    for number in range(count):
        namespace.connect(f"w{number}", labels={"pad": "1"})
    namespace.map("pumps", to={"pad": "1"})


def writes(operator) -> int:
    return sum(count for (verb, _), count in operator.api_calls.items() if verb in WRITES)


async def is_left_alone(operator) -> None:
    """Nothing fails, nothing waits to be tried again, nothing is written."""
    await quiet(operator)
    before = writes(operator)
    assert operator.queue.failing == 0
    await quiet(operator)
    assert writes(operator) == before


def is_forgotten(operator, name: str) -> bool:
    keys = [*operator.store.connection_keys(), *operator.store.parents()]
    return all(key.namespace != name for key in keys)


@pytest.mark.parametrize("reconciled", [0, 1, 20], ids=["at once", "in the middle", "when done"])
async def test_all_of_a_deleted_namespace_goes_and_the_others_are_worked_on(
    operator, wells, doomed, reconciled
):
    fill(doomed)
    await eventually(lambda: len(doomed.list("statefulsets")) >= reconciled)
    delete(doomed)
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: not exists(doomed))
    await eventually(lambda: is_forgotten(operator, doomed.name))
    await is_left_alone(operator)


async def test_a_namespace_that_is_made_again_under_its_name_is_served_again(
    operator, wells, doomed
):
    fill(doomed, 3)
    await eventually(lambda: len(doomed.list("statefulsets")) == 3)
    delete(doomed)
    await eventually(lambda: not exists(doomed))
    make_again(doomed)
    fill(doomed, 3)
    for number in range(3):
        await eventually(lambda number=number: doomed.get("pods", f"scada-w{number}-0"))
        await eventually(lambda number=number: doomed.holds(f"w{number}", "MappingsAccepted"))
        assert len(doomed.children(f"w{number}")) == 7
    await is_left_alone(operator)


async def test_a_namespace_that_waits_for_a_worker_to_stop_is_left_alone_and_then_goes(
    plane, wells, doomed
):
    async with operating(plane) as controller:
        fill(doomed, 2)
        await eventually(lambda: doomed.get("pods", "scada-w0-0"))
        doomed.start_pod("w0", "127.0.0.1")
        await quiet(controller)
        delete(doomed)
        await eventually(
            lambda: "deletionTimestamp" in doomed.get("pods", "scada-w0-0")["metadata"]
        )
        await is_left_alone(controller)
        before = doomed.versions()  # Kubernetes deletes the pods first, then all the rest
    async with operating(plane) as controller:  # one that starts meanwhile
        await is_left_alone(controller)
        assert doomed.versions() == before
        doomed.end_pod("w0", exit_code=0)
        await eventually(lambda: not exists(doomed))
        await eventually(lambda: is_forgotten(controller, doomed.name))
        await is_left_alone(controller)


async def test_a_namespace_that_goes_and_comes_while_no_operator_runs_is_served(
    plane, wells, doomed
):
    async with operating(plane) as controller:
        fill(doomed, 2)
        await eventually(lambda: len(doomed.list("statefulsets")) == 2)
        await quiet(controller)
    delete(doomed)
    await eventually(lambda: not exists(doomed))
    make_again(doomed)
    doomed.connect("w7")
    async with operating(plane) as controller:
        await eventually(lambda: doomed.get("pods", "scada-w7-0"))
        await is_left_alone(controller)
