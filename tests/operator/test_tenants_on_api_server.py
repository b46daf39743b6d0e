"""Tenancy against a real API server: what is kept there, and the whole way to a worker's pod."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec import structs

from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import OPERATOR_ROLE, writer_role
from pumpjack_operator import namespaces
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import Refused
from pumpjack_operator.kube_objects import KubeObjects
from pumpjack_operator.login import Login
from pumpjack_operator.logins import (
    ROTATE_ANNOTATION,
    Logins,
    copy_manifest,
    record_manifest,
    record_name,
)
from pumpjack_operator.names import child_name
from pumpjack_operator.namespaces import Namespaces, Record
from pumpjack_operator.objects import Conflict, Objects
from pumpjack_operator.platform import Platform, Rules
from pumpjack_operator.redis_users import RedisUsers
from pumpjack_operator.specs.stateful_set import STORES_ANNOTATION
from pumpjack_operator.stores import Stores, with_login
from pumpjack_operator.tenants import Tenants
from pumpjack_operator.work import Work
from tests.controlplane.binaries import Missing
from tests.controlplane.server import TOKEN, ControlPlane, anyone
from tests.operator.cluster import (
    PLATFORM,
    Namespace,
    answered,
    control_plane,
    eventually,
    new_namespace,
    operating,
)
from tests.operator.kept_objects import InMemory
from tests.operator.redis_server import redis_server

pytestmark = [pytest.mark.peers, pytest.mark.servers]

OWN = "pumpjack-system"
LOGINS = Logins("1", "database", "redis")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    try:
        with control_plane(tmp_path_factory.mktemp("api")) as running:
            answered(running.client.post("/api/v1/namespaces", json={"metadata": {"name": OWN}}))
            yield running
    except Missing as error:
        pytest.skip(str(error))


@pytest.fixture
async def on_server(plane: ControlPlane) -> AsyncIterator[KubeObjects]:
    async with Api(Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)) as api:
        yield KubeObjects(api)


@pytest.fixture(params=["on the API server", "in the dict of the other tests"])
def objects(request: pytest.FixtureRequest, plane: ControlPlane, on_server: KubeObjects) -> Objects:
    if request.param == "on the API server":
        return on_server
    return InMemory()


def wipe(client: httpx.Client) -> None:
    for plural in ("secrets", "configmaps"):
        answered(client.delete(f"/api/v1/namespaces/{OWN}/{plural}"))


@pytest.fixture(autouse=True)
def nothing_kept(plane: ControlPlane) -> None:
    wipe(plane.client)


async def test_what_is_not_there_is_none(objects):
    assert await objects.get("Secret", OWN, "none") is None


async def test_what_is_made_is_read_and_listed_and_made_once(objects):
    manifest = record_manifest(OWN, "permian", LOGINS)
    made = await objects.create(manifest)
    name = record_name("permian")
    read = await objects.get("Secret", OWN, name)
    assert read["data"] == manifest["data"]
    assert read["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    listed = await objects.list("Secret", OWN, {TENANT_LABEL: "permian"})
    assert [one["metadata"]["name"] for one in listed] == [name]
    assert await objects.list("Secret", OWN, {TENANT_LABEL: "bakken"}) == []
    with pytest.raises(Conflict):
        await objects.create(manifest)


async def test_a_record_that_changed_since_it_was_read_is_not_written_over(objects):
    first = await objects.create(record_manifest(OWN, "permian", LOGINS))
    version = first["metadata"]["resourceVersion"]
    changed = Logins("2", "other", "other")
    given = record_manifest(OWN, "permian", changed, resource_version=version)
    after = await objects.apply(given)
    assert after["metadata"]["resourceVersion"] != version
    with pytest.raises(Conflict):
        await objects.apply(record_manifest(OWN, "permian", LOGINS, resource_version=version))
    stored = await objects.get("Secret", OWN, record_name("permian"))
    assert stored["data"] == given["data"]


async def test_a_record_that_was_deleted_since_it_was_read_is_made_again(objects):
    given = record_manifest(OWN, "permian", LOGINS, resource_version="7")
    await objects.apply(given)
    stored = await objects.get("Secret", OWN, record_name("permian"))
    assert stored["data"] == given["data"]


async def test_a_namespaces_record_cannot_be_changed_even_by_mistake(plane, on_server):
    record = Record("permian", by_label=True)
    await on_server.create(namespaces.record_manifest(OWN, "ops", record))
    other = namespaces.record_manifest(OWN, "ops", Record("bakken", by_label=True))
    with pytest.raises(Refused, match="immutable"):
        await on_server.apply(other)


async def test_the_records_of_many_namespaces_are_all_loaded(on_server, monkeypatch):
    monkeypatch.setattr("pumpjack_operator.kube_objects._PAGE", "2")
    first = Namespaces(on_server, OWN)
    for number in range(5):
        await first.tenant(f"ops-{number}", {TENANT_LABEL: "permian"}, {"permian"})
    second = Namespaces(on_server, OWN)
    await second.load()
    assert len(second._records) == 5


class Stage:
    """An operator with tenancy, before a real API server, database and Redis."""

    def __init__(self, plane: ControlPlane, stores: Stores) -> None:
        self.plane = plane
        self.stores = stores

    @contextlib.asynccontextmanager
    async def operator(
        self, *, platform: Platform = PLATFORM, by_name: bool = False
    ) -> AsyncIterator[Tenants]:
        async with Api(Login(f"https://127.0.0.1:{self.plane.port}", anyone(), TOKEN)) as api:
            objects = KubeObjects(api)
            users = RedisUsers(self.stores.redis_urls)
            tenants = Tenants(
                objects,
                self.stores,
                users,
                own_namespace=OWN,
                secret_name="pumpjack-stores",
                changed=lambda name: controller.queue.add(Work("namespace", name)),
            )
            owners = Namespaces(objects, OWN, fallback=by_name)
            async with operating(
                self.plane, platform=platform, owners=owners, tenants=tenants
            ) as controller:
                keeping = asyncio.create_task(tenants.run())
                yield tenants
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            await users.close()


@pytest.fixture
async def stage(plane: ControlPlane, empty_database: str) -> AsyncIterator[Stage]:
    await migrate(empty_database)
    place = empty_database.replace("//postgres@", "//")
    with tempfile.TemporaryDirectory(prefix="pj-stage-") as folder:
        with redis_server(Path(folder)) as live:
            login = with_login(place, OPERATOR_ROLE, "x")
            yield Stage(plane, Stores(login, place, (live.url,), live.place))


async def test_a_connection_gets_a_pod_with_its_tenants_logins_and_another_when_they_are_renewed(
    stage,
):
    ops, lab = new_namespace(stage.plane.client), new_namespace(stage.plane.client)
    for namespace in (ops, lab):
        namespace.connect("plc")
        namespace.map("tags", to="plc")

    def versions() -> set[str]:
        found = [one.get("statefulsets", child_name("plc")) for one in (ops, lab)]
        if not all(found):
            return set()
        return {
            one["spec"]["template"]["metadata"].get("annotations", {}).get(STORES_ANNOTATION, "")
            for one in found
        }

    async with stage.operator() as tenants:
        (before,) = await eventually(lambda: versions() - {""})
        secret = ops.get("secrets", "pumpjack-stores")
        assert secret["type"] == "pumpjack.dev/stores"
        url = base64.b64decode(secret["data"]["database-url"]).decode()
        assert urlsplit(url).username == writer_role("permian")
        assert secret["data"] == lab.get("secrets", "pumpjack-stores")["data"]
        stage.plane.client.patch(
            f"/api/v1/namespaces/{OWN}/secrets/{record_name('permian')}",
            json={"metadata": {"annotations": {ROTATE_ANNOTATION: "now"}}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        await tenants.look_at_records()
        (after,) = await eventually(
            lambda: versions() - {"", before} if len(versions()) == 1 else set()
        )
    assert after != before


async def test_a_namespace_that_is_labelled_for_another_tenant_later_is_refused(stage):
    ops = new_namespace(stage.plane.client)
    ops.connect("plc")
    async with stage.operator():
        await eventually(lambda: ops.get("statefulsets", child_name("plc")))
        stage.plane.client.patch(
            f"/api/v1/namespaces/{ops.name}",
            json={"metadata": {"labels": {TENANT_LABEL: "bakken"}}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        said = await eventually(
            lambda: (
                (found := ops.condition("plc", "Ready"))
                and found["reason"] == "Refused"
                and found["message"]
            )
        )
    assert "was served for tenant permian and would now be bakken's" in said


async def test_a_secret_that_a_tenant_put_in_the_way_is_told_in_the_status(stage):
    ops = new_namespace(stage.plane.client)
    theirs = {"metadata": {"name": "pumpjack-stores"}, "data": {"database-url": "eA=="}}
    answered(stage.plane.client.post(ops.path("secrets"), json=theirs))
    ops.connect("plc")
    async with stage.operator():
        said = await eventually(
            lambda: (
                (found := ops.condition("plc", "Ready"))
                and "pumpjack-stores" in found["message"]
                and found["message"]
            )
        )
    assert "was not made by the operator" in said
    assert "delete it" in said


POINTED_AT = {
    "the other tenant's PLC": ("10.2.7.20", "is in no network that the tenant may reach"),
    "the cloud's metadata service": ("169.254.169.254", "is link-local"),
    "the worker's own pod": ("127.0.0.1", "is the worker's own pod"),
    "the API server": ("10.0.0.1", "belongs to the cluster itself"),
}
WHEREVER = structs.replace(
    PLATFORM,
    tenants={"permian": Rules(("0.0.0.0/0",)), "bakken": Rules(("10.2.0.0/16",))},
    reserved_networks=("10.0.0.0/24", "10.2.0.0/16"),
)
"""A platform that lets a tenant out, and keeps from it what is the cluster's or another's."""


@pytest.mark.parametrize(("host", "why"), POINTED_AT.values(), ids=list(POINTED_AT))
async def test_a_connection_that_points_elsewhere_gets_no_worker_and_is_told_why(stage, host, why):
    ops = new_namespace(stage.plane.client)
    ops.connect("plc", modbusTcp={"host": host})
    platform = structs.replace(PLATFORM, reserved_networks=("10.0.0.0/24",))
    async with stage.operator(platform=platform):
        found = await eventually(lambda: ops.condition("plc", "Ready"))
    assert found["reason"] == "Refused"
    assert why in found["message"]
    assert ops.children("plc") == {}


@pytest.mark.parametrize("host", [host for host, _ in POINTED_AT.values()], ids=list(POINTED_AT))
async def test_nor_does_one_of_a_tenant_that_may_go_out_into_the_world(stage, host):
    ops = new_namespace(stage.plane.client)
    ops.connect("plc", modbusTcp={"host": host})
    ops.connect("far", modbusTcp={"host": "203.0.113.7"})
    async with stage.operator(platform=WHEREVER):
        await eventually(lambda: ops.get("statefulsets", child_name("far")))
        assert (await eventually(lambda: ops.condition("plc", "Ready")))["reason"] == "Refused"
    assert ops.children("plc") == {}


async def test_a_namespace_that_bears_a_tenants_name_is_not_that_tenant(stage):
    """Also where the platform lets names stand for labels."""
    labelled = new_namespace(stage.plane.client)
    about = {"metadata": {"name": "permian"}}
    answered(stage.plane.client.post("/api/v1/namespaces", json=about))
    thief, free = Namespace(stage.plane.client, "permian"), new_namespace(stage.plane.client, None)
    for one in (labelled, thief, free):
        one.connect("plc")
    tenants = {**PLATFORM.tenants, free.name: Rules(("10.1.0.0/16",))}
    platform = structs.replace(PLATFORM, tenants=tenants)
    async with stage.operator(platform=platform, by_name=True):
        for one in (labelled, free):
            await eventually(lambda one=one: one.get("statefulsets", child_name("plc")))
        found = await eventually(lambda: thief.condition("plc", "Ready"))
    assert found["reason"] == "Refused"
    assert "its name is the id of a tenant" in found["message"]
    assert thief.get("secrets", "pumpjack-stores") is None
    given = free.get("secrets", "pumpjack-stores")["data"]
    assert given != labelled.get("secrets", "pumpjack-stores")["data"]
    for one in (thief, free):
        one.clear()


async def test_a_namespace_that_loses_its_label_loses_worker_and_logins_until_it_has_it_again(
    stage,
):
    ops = new_namespace(stage.plane.client)
    ops.connect("plc")

    def worker_and_logins() -> tuple[bool, bool]:
        secret = ops.get("secrets", "pumpjack-stores") or {}
        has_logins = "database-url" in (secret.get("data") or {})
        return ops.get("statefulsets", child_name("plc")) is not None, has_logins

    async with stage.operator():
        await eventually(lambda: worker_and_logins() == (True, True))
        ops.drop()
        await eventually(lambda: worker_and_logins() == (False, False))
        stage.plane.client.patch(
            f"/api/v1/namespaces/{ops.name}",
            json={"metadata": {"labels": {TENANT_LABEL: "permian"}}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        await eventually(lambda: worker_and_logins() == (True, True))


def test_the_copy_is_of_a_type_that_no_connection_can_name():
    """Only Secrets of type pumpjack.dev/device-credentials are mounted for devices."""
    stores = Stores("postgresql://db/w", "postgresql://db/w", (), "redis://live/0")
    copy = copy_manifest("pumpjack-stores", "ops", "permian", LOGINS, stores)
    assert copy["type"] == "pumpjack.dev/stores"
