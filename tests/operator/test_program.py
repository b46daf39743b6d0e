"""The whole way: the program, an API server, a database and a live store that ask who logs in."""

from __future__ import annotations

import base64
import re
import shlex
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis.asyncio
import redis.exceptions

from pumpjack_core import wire
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import reader_role
from pumpjack_core.tags import Tag
from pumpjack_operator.names import child_name
from pumpjack_operator.stores import with_login
from tests.controlplane.server import TOKEN, ControlPlane
from tests.core.storage.database import Worker, now_us
from tests.operator.cluster import PLATFORM, Namespace, answered, eventually, new_namespace
from tests.operator.program import program, with_passwords
from tests.operator.redis_server import RedisServer, redis_server

pytestmark = [pytest.mark.peers, pytest.mark.servers]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = "pumpjack-operator"


class Stores(NamedTuple):
    """URL of the operator's login to the database, and the live store."""

    database_url: str
    live: RedisServer


@pytest.fixture
async def stores(empty_database: str) -> AsyncIterator[Stores]:
    await migrate(empty_database, level="plain")
    with tempfile.TemporaryDirectory(prefix="pj-program-") as folder:
        with redis_server(Path(folder)) as live:
            async with with_passwords(empty_database) as url:
                yield Stores(url, live)


@pytest.fixture
def own(plane: ControlPlane) -> Namespace:
    """The operator's namespace."""
    return new_namespace(plane.client, tenant=None)


@pytest.fixture
def bakken(plane: ControlPlane) -> Iterator[Namespace]:
    """A namespace of another tenant."""
    found = new_namespace(plane.client, "bakken")
    yield found
    found.clear()
    found.drop()


def with_a_connection(namespace: Namespace, host: str) -> None:
    namespace.connect("plc", modbusTcp={"host": host})
    namespace.map("tags", to="plc")


def logins(namespace: Namespace) -> dict[str, str]:
    """Both URLs, {} before they are there."""
    found = namespace.get("secrets", "pumpjack-stores") or {"data": {}}
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


async def worker_of(namespace: Namespace) -> Worker:
    """What a worker does with what its pod is given."""
    name = f"{namespace.name}/plc"
    ingest = await Ingest.connect(logins(namespace)["database-url"], timeout_s=30)
    await ingest.take_fence(name, "modbus-tcp")
    tag = Tag("well-plc", "tag_0", "holding:@0", "uint16", 1.0, "psi")
    worker = Worker(ingest, name, await ingest.register_series(name, [tag]))
    await worker.open()
    return worker


async def test_what_two_tenants_apply_gives_workers_with_logins_that_reach_only_their_own(
    plane, wells, bakken, own, stores, tmp_path
):
    running = program(
        tmp_path,
        platform=PLATFORM,
        namespace=own.name,
        login=plane.kubeconfig(TOKEN, tmp_path),
        database_url=stores.database_url,
        redis_url=stores.live.url,
    )
    with running:
        for namespace, host in ((wells, "10.1.7.20"), (bakken, "10.2.7.20")):
            with_a_connection(namespace, host)
        for namespace in (wells, bakken):
            await eventually(lambda of=namespace: len(of.children("plc")) == 7)
            await eventually(lambda of=namespace: of.holds("plc", "MappingsAccepted"))
            await eventually(lambda of=namespace: of.reason("plc", "Ready") == "WorkerNotRunning")
            assert namespace.condition("plc", "Stalled")["status"] == "False"
            assert not namespace.holds("plc", "DataFlowing")
            assert set(logins(namespace)) == {"database-url", "redis-url"}
        await they_write_and_publish(wells, bakken)
        stores.live.stop()
        (told,) = await eventually(lambda: wells.events("LoginsIncomplete"))
        assert "Readings are stored" in told
        stores.live.start()  # it has forgotten its users
        await eventually(lambda: bool(user_of(stores.live, wells)))
        wells.delete("secrets", "pumpjack-stores")
        await eventually(lambda: logins(wells))


def user_of(live: RedisServer, namespace: Namespace) -> object:
    with live.admin() as admin:
        return admin.acl_getuser(urlsplit(logins(namespace)["redis-url"]).username or "")


async def they_write_and_publish(wells: Namespace, bakken: Namespace) -> None:
    at_us = now_us()
    ours, theirs = await worker_of(wells), await worker_of(bakken)
    try:
        for worker, value in ((ours, 1.0), (theirs, 2.0)):
            assert (await worker.write([(at_us, 0, value)])).applied
        theirs.tags = ours.tags
        with pytest.raises(StorageError):
            await theirs.write([(at_us + 1, 0, 3.0)])
    finally:
        await ours.ingest.close()
        await theirs.ingest.close()
    url = logins(bakken)["database-url"]
    session = await asyncpg.connect(url)
    for sentence in (
        f"SET ROLE {reader_role('permian')}",
        "SELECT * FROM pumpjack.reading",
        "SELECT * FROM pumpjack.tenant",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(sentence)
    await session.close()
    with pytest.raises(asyncpg.InvalidPasswordError):  # so that the others were checked
        await asyncpg.connect(with_login(url, urlsplit(url).username or "", "guessed"))
    for namespace, tenant, other in ((wells, "permian", "bakken"), (bakken, "bakken", "permian")):
        async with redis.asyncio.from_url(logins(namespace)["redis-url"]) as feed:
            await feed.publish(wire.readings_channel(tenant), "x")
            with pytest.raises(redis.exceptions.NoPermissionError):
                await feed.publish(wire.readings_channel(other), "x")
            with pytest.raises(redis.exceptions.NoPermissionError):
                await feed.hset(wire.latest_key(other, "well"), "tag", "x")


async def test_a_namespace_in_which_nothing_was_granted_goes_on_when_the_said_command_was_run(
    plane, wells, own, stores, tmp_path
):
    token = an_account(plane, own.name)
    with program(
        tmp_path,
        platform=PLATFORM,
        namespace=own.name,
        login=plane.kubeconfig(token, tmp_path),
        database_url=stores.database_url,
        redis_url=stores.live.url,
    ):
        with_a_connection(wells, "10.1.7.20")
        said = await eventually(
            lambda: (
                (one := wells.condition("plc", "Stalled"))
                and "kubectl" in one["message"]
                and one["message"]
            )
        )
        assert wells.get("statefulsets", child_name("plc")) is None
        wells.connect("meter", credentialsSecretRef={"name": "login"})
        (told,) = await eventually(
            lambda: [one for one in wells.events("LoginsIncomplete") if "devices' Secrets" in one]
        )
        assert told.endswith(said[said.index("kubectl") :])
        run_command(plane, said)
        await eventually(lambda: wells.get("statefulsets", child_name("plc")), patience_s=60)
        await eventually(lambda: wells.condition("plc", "Stalled")["status"] == "False")
        assert logins(wells)


def an_account(plane: ControlPlane, home: str) -> str:
    """The operator's account, that may touch no Secret outside of its namespace; its token."""
    every = {
        "apiGroups": ["", "apps", "networking.k8s.io", "pumpjack.dev"],
        "resources": [
            *("namespaces", "pods", "events", "configmaps", "services", "serviceaccounts"),
            *("persistentvolumeclaims", "statefulsets", "networkpolicies"),
            *("scadaconnections", "scadaconnections/status", "scadaconnections/finalizers"),
            *("tagmappings", "tagmappings/status"),
        ],
        "verbs": ["*"],
    }
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]}
    role = f"{home}-{ACCOUNT}"
    make(plane, f"/api/v1/namespaces/{home}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
    for name, rules in ((role, [every]), (f"{role}-tenants", [secrets])):
        make(plane, f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    about = {"metadata": {"name": ACCOUNT}, "rules": [secrets, leases]}
    make(plane, f"{RBAC}/namespaces/{home}/roles", about)
    bind(plane, f"{RBAC}/clusterrolebindings", role, ("ClusterRole", role), (home, ACCOUNT))
    where = f"{RBAC}/namespaces/{home}/rolebindings"
    bind(plane, where, ACCOUNT, ("Role", ACCOUNT), (home, ACCOUNT))
    path = f"/api/v1/namespaces/{home}/serviceaccounts/{ACCOUNT}/token"
    asked = {"spec": {"expirationSeconds": 3600}}
    return str(answered(plane.client.post(path, json=asked))["status"]["token"])


def run_command(plane: ControlPlane, message: str) -> None:
    """What kubectl does with the command that a message ends with."""
    words = shlex.split(message[message.index("kubectl") :])
    assert words[:2] == ["kubectl", "-n"] and words[3:5] == ["create", "rolebinding"]
    options = dict(re.findall(r"--(\w+)=(\S+)", message))
    home, _, account = options["serviceaccount"].partition(":")
    where = f"{RBAC}/namespaces/{words[2]}/rolebindings"
    bind(plane, where, words[5], ("ClusterRole", options["clusterrole"]), (home, account))


def make(plane: ControlPlane, path: str, manifest: dict[str, object]) -> None:
    answered(plane.client.post(path, json=manifest))


def bind(
    plane: ControlPlane, path: str, name: str, role: tuple[str, str], account: tuple[str, str]
) -> None:
    kind, of = role
    namespace, who = account
    make(
        plane,
        path,
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": of},
            "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": namespace}],
        },
    )
