"""docs/operations.md from the first apply on, with kubectl, as platform and tenants read it.

API server, operator (as the chart's account), database, Redis, worker and device are real. Played
is the kubelet: it gives the worker's process what its pod would be given.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
import yaml

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import OPERATOR_ROLE
from pumpjack_operator.names import child_name
from pumpjack_operator.specs.stateful_set import STORES_ANNOTATION
from tests.charts.helm import NAMESPACE, VALUES, Manifest, one, template
from tests.charts.test_operator_with_its_rules import install, kubeconfig, running
from tests.cli.command import RUN
from tests.controlplane.binaries import Missing
from tests.controlplane.server import TOKEN, ControlPlane
from tests.operator.cluster import OURS, Namespace, control_plane, eventually
from tests.operator.redis_server import RedisServer, redis_server

pytestmark = [
    pytest.mark.peers,
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="pods have loopback addresses of their own"),
]

WELL = Path(__file__).parents[2] / "examples" / "quickstart" / "well-1.yaml"
NAME, TENANT, WHERE = "well-1-plc", "my-company", "my-wells"
ADDRESS = "127.0.77.7"
"""Of the worker's pod: its port is the same in every pod."""
DISCOVERY = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"
"""What kubectl asks for: all groups and their resources at once."""
PATIENCE_S = 60.0
STOP_S = 60


class Stage(NamedTuple):
    """Everything that is there before the tenant applies anything."""

    plane: ControlPlane
    folder: Path
    wells: Namespace
    manifest: Path
    database: str
    live: RedisServer

    def kubectl(self, *arguments: str) -> str:
        """As administrator. Fails with what it says."""
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("peer-missing: kubectl")
        done = subprocess.run(
            [program, *arguments],
            env={"KUBECONFIG": str(self.folder / "admin" / "kubeconfig"), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def row(self) -> dict[str, str]:
        """The connection's, as `kubectl get` prints it."""
        header, row = self.kubectl("-n", WHERE, "get", "scadaconnections").splitlines()
        return dict(zip(header.split(), row.split(), strict=False))


@pytest.fixture
async def stage(empty_database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    await migrate(empty_database, level="plain")
    (port,) = free_ports(1)
    manifest = tmp_path / "well.yaml"
    manifest.write_text(WELL.read_text().replace("port: 15022", f"port: {port}"))
    for name in ("plane", "redis", "admin"):
        (tmp_path / name).mkdir()
    try:
        with control_plane(tmp_path / "plane") as plane, redis_server(tmp_path / "redis") as live:
            plane.kubeconfig(TOKEN, tmp_path / "admin")
            wells = Namespace(plane.client, WHERE)
            made = Stage(plane, tmp_path, wells, manifest, empty_database, live)
            await eventually(lambda: is_published(plane), patience_s=PATIENCE_S)
            made.kubectl("create", "namespace", WHERE)
            yield made
    except Missing as error:
        pytest.skip(str(error))


def is_published(plane: ControlPlane) -> bool:
    """kubectl finds both resources. The API server tells of them a moment after it serves them."""
    answers = (
        plane.client.get("/apis", headers={"Accept": DISCOVERY}),
        plane.client.get(f"/openapi/v3{OURS}"),
    )
    return all(
        plural in answer.text
        for answer in answers
        for plural in ("scadaconnections", "tagmappings")
    )


def chart() -> tuple[Manifest, ...]:
    """With the tenant of the example, whose device is simulated on the loopback address."""
    tenant = f"tenants.{TENANT}"
    given = (f"{tenant}.namespaces={{{WHERE}}}", f"{tenant}.deviceNetworks={{127.0.0.0/8}}")
    done = template(VALUES / "external.yaml", more=given)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


@contextlib.contextmanager
def operator(stage: Stage) -> Iterator[None]:
    """The operator, with the rules and the platform's word of the chart."""
    manifests = chart()
    install(stage.plane.client, manifests)
    file = stage.folder / "platform.yaml"
    file.write_text(one(manifests, "ConfigMap", "-platform")["data"]["platform.yaml"])
    environment = {
        "PUMPJACK_PLATFORM_FILE": str(file),
        "PUMPJACK_NAMESPACE": NAMESPACE,
        "PUMPJACK_KUBECONFIG": str(kubeconfig(stage.plane, stage.folder)),
        "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
        "PUMPJACK_DATABASE_URL": stage.database.replace("//postgres@", f"//{OPERATOR_ROLE}@"),
        "PUMPJACK_REDIS_URL": stage.live.url,
    }
    with running(stage.folder, environment) as log:
        try:
            yield
        except BaseException:
            print(log.read_text())
            raise


@contextlib.contextmanager
def process(log: Path, *arguments: object, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of ours, with its log."""
    with log.open("ab") as to:
        started = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=to,
            stderr=to,
            env={**os.environ, **environment},
        )
    try:
        yield started
    except BaseException:
        print(log.read_text())
        raise
    finally:
        started.kill()
        started.wait()


@contextlib.contextmanager
def worker(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """The worker's process, with what the kubelet would mount and set."""
    wells, name = stage.wells, child_name(NAME)
    folder = stage.folder / "config"
    folder.mkdir(exist_ok=True)
    for config in wells.list("configmaps"):
        for key, value in (config.get("binaryData") or {}).items():
            (folder / key).write_bytes(base64.b64decode(value))
    with process(
        stage.folder / "worker.log",
        *("-m", "pumpjack_worker"),
        PUMPJACK_CONFIG_DIR=str(folder),
        PUMPJACK_JOURNAL_DIR=str(stage.folder / "journal"),
        PUMPJACK_STATUS_ADDRESS=f"{ADDRESS}:9464",
        PUMPJACK_DRAIN_S="30",
        PUMPJACK_DATABASE_URL=login(wells, "database-url"),
        PUMPJACK_REDIS_URL=login(wells, "redis-url"),
    ) as started:
        wells.run_pod(NAME, ADDRESS)
        yield started
        wells.client.request(
            "DELETE", wells.path("pods", f"{name}-0"), json={"gracePeriodSeconds": 0}
        )


def login(wells: Namespace, key: str) -> str:
    secret = wells.get("secrets", "pumpjack-stores")
    assert secret is not None
    return base64.b64decode(secret["data"][key]).decode()


async def stopped(started: subprocess.Popen[bytes]) -> int:
    """As the kubelet stops it; its exit code."""
    started.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(started.wait, STOP_S)


async def stored(stage: Stage) -> int:
    """Readings in the database."""
    session = await asyncpg.connect(stage.database)
    found: int = await session.fetchval("SELECT count(*) FROM pumpjack.reading")
    await session.close()
    return found


def logins_version(stage: Stage) -> str:
    found = stage.wells.get("statefulsets", child_name(NAME)) or {}
    template = found.get("spec", {}).get("template", {"metadata": {}})
    return str(template["metadata"].get("annotations", {}).get(STORES_ANNOTATION, ""))


@pytest.mark.timeout(400)
async def test_from_the_first_apply_to_readings_and_a_renewed_login_as_kubectl_shows_it(stage):
    simulator = (*RUN[1:], "simulate", "-f", stage.manifest)
    with operator(stage), process(stage.folder / "simulator.log", *simulator):
        stage.kubectl("apply", "-f", str(stage.manifest))
        row = await eventually(
            lambda: (found := stage.row()).get("READY") == "False" and found, patience_s=PATIENCE_S
        )
        manifests = yaml.safe_load_all(stage.manifest.read_text())
        specs = {each["kind"]: each.get("spec") for each in manifests}
        port = specs["ScadaConnection"]["modbusTcp"]["port"]
        tags = str(len(specs["TagMapping"]["tags"]))
        assert list(row) == [
            *("NAME", "PROTOCOL", "ENDPOINT", "READY", "FLOWING", "TAGS", "REJECTED", "AGE")
        ]
        assert list(row.values())[:7] == [
            *(NAME, "modbus-tcp", f"127.0.0.1:{port}", "False", "False", tags, "0")
        ]
        await eventually(lambda: logins_version(stage), patience_s=PATIENCE_S)
        with worker(stage) as first:
            wait = ("wait", "--for=condition=DataFlowing", f"scadaconnection/{NAME}")
            said = await asyncio.to_thread(
                stage.kubectl, "-n", WHERE, *wait, f"--timeout={PATIENCE_S:.0f}s"
            )
            assert "condition met" in said
            assert await stored(stage) > 0
            assert list(stage.row().values())[3:7] == ["True", "True", tags, "0"]
            described = stage.kubectl("-n", WHERE, "describe", "scadaconnection", NAME)
            assert "readings reach the database" in described
            assert "pump_running" in stage.kubectl("-n", WHERE, "describe", "tagmapping")
            await it_is_put_back(stage)
            await it_is_renewed(stage)
            assert await stopped(first) == 0, "everything that was read is stored"
        before = await stored(stage)
        with worker(stage):
            async with asyncio.timeout(PATIENCE_S):
                while await stored(stage) <= before:
                    await asyncio.sleep(0.2)
        stage.kubectl("-n", WHERE, "delete", "scadaconnection", NAME)
        gone = "No resources found"
        assert stage.kubectl("-n", WHERE, "get", "scadaconnections") in ("", gone)


async def it_is_put_back(stage: Stage) -> None:
    """What somebody changed of the operator's, and the Event that names them."""
    patch = '{"spec":{"template":{"spec":{"hostNetwork":true}}}}'
    what = ("statefulset", child_name(NAME))
    stage.kubectl("-n", WHERE, "patch", *what, "--type=merge", f"--patch={patch}")
    told = await eventually(
        lambda: [
            line
            for line in stage.kubectl("events", "-n", WHERE).splitlines()
            if "DriftRepaired" in line
        ]
    )
    assert f"ScadaConnection/{NAME}" in told[0]
    assert "kubectl-patch changed spec.template.spec.hostNetwork" in told[0]


async def it_is_renewed(stage: Stage) -> None:
    """The tenant's logins, by the command of the page, while the worker stores."""
    before, url = logins_version(stage), login(stage.wells, "database-url")
    stage.kubectl(
        *("-n", NAMESPACE, "annotate", "secret", "-l", f"pumpjack.dev/tenant={TENANT}"),
        *("pumpjack.dev/rotate=now", "--overwrite"),
    )
    await eventually(lambda: logins_version(stage) not in ("", before), patience_s=PATIENCE_S)
    assert login(stage.wells, "database-url") != url


EXPLAINED = ("scadaconnection.spec.pollInterval", "tagmapping.spec.tags.address")


@pytest.mark.parametrize("field", EXPLAINED)
def test_kubectl_explain_reads_like_documentation(stage, field):
    said = stage.kubectl("explain", field)
    assert "DESCRIPTION:" in said
    assert len(said.split("DESCRIPTION:")[1].split()) > 8


def test_a_tenant_finds_its_resources_by_short_name_and_category(stage):
    stage.kubectl("apply", "-f", str(stage.manifest))
    assert NAME in stage.kubectl("-n", WHERE, "get", "scada")
    together = stage.kubectl("-n", WHERE, "get", "pumpjack")
    assert f"scadaconnection.pumpjack.dev/{NAME}" in together
    assert "tagmapping.pumpjack.dev/well-1" in together


@pytest.mark.parametrize("folder", sorted(WELL.parents[1].iterdir()), ids=lambda path: path.name)
def test_a_folder_of_examples_can_be_applied_at_once(stage, folder):
    """kubectl goes by the files' names: a namespace has to come before what is in it."""
    applied = stage.kubectl("apply", "-f", str(folder)).splitlines()
    assert any("scadaconnection" in line and line.endswith("created") for line in applied)
