"""What the loop does with what tenancy says, which is played here: its own tests have stores."""

from __future__ import annotations

import asyncio
import time

import pytest

from pumpjack_core.errors import StorageUnavailable
from pumpjack_operator.api_errors import Refused
from pumpjack_operator.names import child_name
from pumpjack_operator.workqueue import FIRST_RETRY_S
from tests.operator.cluster import answered, eventually, new_namespace, operating, quiet

pytestmark = pytest.mark.peers
SECRET = "pumpjack-stores"
ADDRESS = "127.0.0.1"


class Played:
    """Tenancy as a test wants it."""

    secret_name: str | None = SECRET

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.says: str | None = None
        self.looks: list[float] = []
        self.forgotten: list[str] = []
        self.taken: list[str] = []
        self.retired: list[tuple[str, str]] = []

    async def ensure_tenant(self, _namespace: str, _tenant: str) -> str:
        self.looks.append(time.monotonic())
        if self.error is not None:
            raise self.error
        return "v1"

    async def retire(self, tenant: str, connection_id: str) -> None:
        self.retired.append((tenant, connection_id))

    def problem(self, _tenant: str) -> str | None:
        return self.says

    async def take_back(self, namespace: str) -> None:
        self.taken.append(namespace)

    def forget(self, namespace: str) -> None:
        self.forgotten.append(namespace)


@pytest.fixture
def played():
    return Played()


def stores_secret(wells, password: str) -> None:
    wells.apply(
        "secrets",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET},
            "type": "pumpjack.dev/stores",
            "stringData": {"database-url": password},
        },
    )


async def test_logins_that_fail_are_tried_again_less_and_less_often(plane, wells, played):
    played.error = StorageUnavailable("the database is away")
    async with operating(plane, tenants=played) as controller:
        wells.connect("pad7")
        await eventually(lambda: len(played.looks) >= 8)
        await eventually(lambda: controller.queue.idle)
        assert controller.queue.failing == 1
        now = asyncio.get_running_loop().time
        await eventually(
            lambda: (controller.queue.waits_until() or 0.0) - now() > 10 * FIRST_RETRY_S
        )
    assert wells.condition("pad7", "Ready")["reason"] == "NotApplied"


async def test_logins_that_are_not_whole_are_said_of_a_worker_that_runs(plane, wells, played):
    played.says = "Redis live:6379 lets nobody make users. Readings are stored"
    async with operating(plane, tenants=played) as controller:
        wells.connect("pad7")
        wells.connect("pad8")
        await eventually(lambda: wells.get("statefulsets", child_name("pad8")))
        known = controller._reconciler._logins.problems
        assert known[wells.name] == played.says
        await eventually(lambda: wells.events("LoginsIncomplete"))
        played.says = None
        controller.look_at_namespace(wells.name)
        await eventually(lambda: wells.name not in known)
        played.says = "Redis live:6379 lets nobody make users. Readings are stored"
        controller.look_at_namespace(wells.name)
        await eventually(lambda: wells.name in known)
        await quiet(controller)
    (told,) = wells.events("LoginsIncomplete")  # of two connections and twice, and said once
    assert "lets nobody make users" in told


async def test_a_stores_secret_that_somebody_changed_or_deleted_is_looked_at_at_once(
    plane, wells, played
):
    async with operating(plane, tenants=played) as controller:
        wells.connect("pad7")
        await eventually(lambda: wells.get("statefulsets", child_name("pad7")))
        await quiet(controller)
        for change in (
            lambda: stores_secret(wells, "a"),
            lambda: stores_secret(wells, "b"),
            lambda: wells.delete("secrets", SECRET),
        ):
            looks, played.forgotten = len(played.looks), []
            change()
            await eventually(lambda: played.forgotten == [wells.name])
            await eventually(lambda looks=looks: len(played.looks) > looks)
        await quiet(controller)
        looks = len(played.looks)
        answered(wells.client.post(wells.path("secrets"), json={"metadata": {"name": "theirs"}}))
        await quiet(controller)
        assert len(played.looks) == looks


async def test_a_namespace_that_was_deleted_and_made_again_gets_its_secret_again(plane, played):
    ops = new_namespace(plane.client)
    async with operating(plane, tenants=played) as controller:
        ops.connect("pad7")
        await eventually(lambda: played.looks)
        await quiet(controller)
        played.forgotten = []
        answered(plane.client.delete(f"/api/v1/namespaces/{ops.name}"))
        await eventually(lambda: ops.name in played.forgotten)
    ops.clear()


async def test_a_namespace_in_which_secrets_are_not_allowed_says_how_to_allow_them(
    plane, wells, played
):
    said = (
        'secrets "pumpjack-stores" is forbidden: User '
        '"system:serviceaccount:pumpjack:pumpjack-operator" cannot get resource "secrets" '
        f'in API group "" in the namespace "{wells.name}"'
    )
    played.error = Refused("get secrets", said, code=403, reason="Forbidden")
    async with operating(plane, tenants=played):
        wells.connect("pad7")
        found = await eventually(
            lambda: (one := wells.condition("pad7", "Stalled")) and one["status"] == "True" and one
        )
    assert found["reason"] == "NotApplied"
    assert (
        f"kubectl -n {wells.name} create rolebinding pumpjack-operator "
        "--clusterrole=pumpjack-pumpjack-operator-tenants "
        "--serviceaccount=pumpjack:pumpjack-operator" in found["message"]
    )


async def test_a_deleted_connection_is_told_to_the_database_and_a_changed_one_is_not(
    plane, wells, played
):
    """Its silence raises no comm_failure then."""
    async with operating(plane, tenants=played) as controller:
        wells.connect("pad7")
        wells.connect("pad8")
        await eventually(lambda: wells.get("statefulsets", child_name("pad7")))
        await eventually(lambda: wells.get("statefulsets", child_name("pad8")))
        await quiet(controller)
        assert played.retired == []
        wells.delete("scadaconnections", "pad7")
        await eventually(lambda: played.retired)
        await quiet(controller)
    assert {name for _, name in played.retired} == {f"{wells.name}/pad7"}
