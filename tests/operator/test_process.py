"""What the operator's process says of itself, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.errors import SetupError, leaves
from pumpjack_operator import watches
from pumpjack_operator.api import Api
from pumpjack_operator.api_answers import Trouble
from pumpjack_operator.controller import Controller
from pumpjack_operator.health import Health
from pumpjack_operator.kinds import POD, Kind
from pumpjack_operator.login import Login
from tests.broker_certificates import BrokerCertificates
from tests.controlplane.server import TOKEN, ControlPlane, anyone
from tests.faults import FaultProxy
from tests.operator.cluster import (
    PLATFORM,
    Namespace,
    answered,
    eventually,
    new_namespace,
    operating,
)
from tests.operator.program import Replica, replica

pytestmark = pytest.mark.peers
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


@pytest.fixture
def own(plane: ControlPlane) -> Namespace:
    """The operator's namespace."""
    return new_namespace(plane.client, tenant=None)


@pytest.fixture
def running(plane: ControlPlane, own: Namespace, tmp_path: Path) -> Iterator[Replica]:
    with replica(tmp_path, namespace=own.name, login=plane.kubeconfig(TOKEN, tmp_path)) as one:
        yield one


def holder(own: Namespace) -> str | None:
    """Who holds the operator's Lease, None before anybody does."""
    answer = own.client.get(f"{LEASES}/{own.name}/leases/pumpjack-operator")
    return answer.json()["spec"].get("holderIdentity", "") if answer.status_code == 200 else None


def measured(one: Replica) -> dict[tuple[str, ...], float]:
    """Samples of /metrics by name and the values of their labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(one.get("/metrics").text)
        for sample in family.samples
    }


async def test_metrics_tell_of_the_queue_the_looks_the_repairs_and_the_calls(wells, running):
    await eventually(running.is_ready)
    wells.connect("pad7")
    await eventually(lambda: len(wells.children("pad7")) == 6)
    wells.patch("services", "scada-pad7", {"spec": {"selector": {"mine": "now"}}})
    await eventually(lambda: wells.events("DriftRepaired"))
    await eventually(lambda: measured(running)["pumpjack_operator_connections",] == 1)
    found = measured(running)
    assert found["pumpjack_operator_leader",] == 1
    assert found["pumpjack_operator_reconciles_total", "changed"] >= 1
    assert found["pumpjack_operator_reconcile_seconds_count",] >= 1
    assert found["pumpjack_operator_drift_repairs_total", "Service"] == 1
    assert found["pumpjack_operator_api_calls_total", "apps/statefulsets", "patch"] == 1
    assert found["pumpjack_operator_watches_failing",] == 0
    assert ("pumpjack_operator_queue_depth",) in found
    wells.client.post(
        wells.path("resourcequotas"),
        json={"metadata": {"name": "none"}, "spec": {"hard": {"services": "0"}}},
    )
    no_services = {"hard": {"services": "0"}, "used": {"services": "0"}}
    wells.client.patch(  # as the quota controller would
        wells.path("resourcequotas", "none") + "/status",
        json={"status": no_services},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    wells.connect("pad8")
    refused = ("pumpjack_operator_api_errors_total", "403", "services", "patch")
    await eventually(lambda: measured(running).get(refused, 0) >= 1)
    await eventually(lambda: measured(running)["pumpjack_operator_failing",] == 1)
    wells.delete("resourcequotas", "none")


async def test_each_line_of_the_log_about_an_object_names_it(wells, running):
    await eventually(running.is_ready)
    wells.connect("pad7")
    await eventually(lambda: wells.get("services", "scada-pad7"))
    await eventually(lambda: wells.reason("pad7", "Ready"))
    wells.patch("services", "scada-pad7", {"spec": {"selector": {"mine": "now"}}})
    await eventually(lambda: wells.events("DriftRepaired"))
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    (told,) = [line for line in lines if "was put back" in line["event"]]
    assert told["connection"] == f"{wells.name}/pad7"
    assert told["level"] == "warning" and told["part"] == "operator.children"


async def test_told_to_stop_amid_a_reconcile_it_gives_the_lease_back_and_ends(
    plane, wells, own, running, tmp_path
):
    await eventually(running.is_ready)
    async with webhook_that_never_answers(plane, tmp_path, "statefulsets") as asked:
        wells.connect("pad7")
        async with asyncio.timeout(60):
            await asked.wait()  # now it waits for an answer, with some children made
        assert wells.get("services", "scada-pad7") and holder(own)
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.wait, 30) == 0
        assert holder(own) == ""
    assert "Traceback" not in running.log.read_text()
    with replica(tmp_path, namespace=own.name, login=plane.kubeconfig(TOKEN, tmp_path)):
        await eventually(lambda: wells.get("statefulsets", "scada-pad7"), patience_s=60)


async def test_an_operator_that_cannot_watch_says_so_until_it_can(plane, wells):
    used: list[Api] = []

    class Noted(Api):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            used.append(self)

    async with FaultProxy(("127.0.0.1", plane.port)) as proxy:
        async with operating(plane, port=proxy.port, api_class=Noted):
            health = Health(used[0].troubled, dead_s=0.5)
            assert health.problem() == "the cluster has not been listed and looked at yet"
            health.steady.set()
            await eventually(lambda: health.problem() is None)
            await proxy.refuse()
            proxy.hang_up()
            said = await eventually(health.problem)
            assert "cannot be watched for" in said
            await proxy.accept()
            await eventually(lambda: health.problem() is None, patience_s=100)
            await eventually(lambda: not used[0].troubled, patience_s=100)


async def test_a_tenants_namespace_that_cannot_be_watched_makes_nobody_else_unready(plane, wells):
    troubles = {"secrets in wells-1": Trouble(0.0, "forbidden", everywhere=False)}
    health = Health(troubles)
    health.steady.set()
    assert health.problem() is None
    troubles["pods"] = Trouble(0.0, "forbidden", everywhere=True)
    assert "pods cannot be watched" in (health.problem() or "")


async def test_a_replica_that_waits_is_ready_and_one_whose_api_server_is_away_says_so(
    plane, wells, own, running, tmp_path
):
    await eventually(running.is_ready)
    async with FaultProxy(("127.0.0.1", plane.port)) as proxy:
        second = tmp_path / "second"
        second.mkdir()
        login = plane.kubeconfig(TOKEN, second)
        login.write_text(login.read_text().replace(str(plane.port), str(proxy.port)))
        with replica(second, namespace=own.name, login=login, name="second") as waiting:
            await eventually(waiting.is_ready)
            assert measured(waiting)["pumpjack_operator_leader",] == 0
            assert waiting.get("/healthz").text == "ok\n"
            proxy.stall()  # it must not act before it has listed, which it cannot
            running.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(running.process.wait, 30)
            proxy.resume()
            await eventually(lambda: holder(own) == "second")
            await eventually(waiting.is_ready)


@contextlib.asynccontextmanager
async def webhook_that_never_answers(
    plane: ControlPlane, folder: Path, plural: str
) -> AsyncIterator[asyncio.Event]:
    """What is written of a kind waits for it; yields what is set once somebody does."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def review(_request: web.Request) -> web.Response:
        asked.set()
        await over.wait()
        return web.Response(status=500)

    made = BrokerCertificates(folder / "webhook")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.server.certificate, made.server.key)
    app = web.Application()
    app.router.add_post("/review", review)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    hook = {
        "name": "slow.pumpjack.test",
        "clientConfig": {
            "url": f"https://127.0.0.1:{port}/review",
            "caBundle": base64.b64encode(made.ca.read_bytes()).decode(),
        },
        "rules": [
            {
                "apiGroups": ["*"],
                "apiVersions": ["*"],
                "operations": ["CREATE"],
                "resources": [plural],
            }
        ],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "timeoutSeconds": 30,
    }
    body = {"metadata": {"name": "slow"}, "webhooks": [hook]}
    answered(await asyncio.to_thread(lambda: plane.client.post(webhooks, json=body)))
    try:
        yield asked
    finally:
        plane.client.delete(f"{webhooks}/slow")
        over.set()
        await runner.cleanup()


async def test_a_kind_that_cannot_be_listed_ends_it_with_what_is_missing(plane, wells, monkeypatch):
    monkeypatch.setattr(watches, "LISTED_LIMIT_S", 3.0)

    class Forbidden(Api):
        async def list_page(self, kind: Kind, *given: Any, **more: Any) -> Any:
            if kind is POD:
                kind = kind_of_nobody
            return await super().list_page(kind, *given, **more)

    kind_of_nobody = Kind("Nothing", "nobody.example/v1", "nothings")
    login = Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)
    async with Forbidden(login) as api:
        with pytest.raises(ExceptionGroup) as ended:
            await Controller(api, PLATFORM).run()
    (error,) = leaves(ended.value)
    assert isinstance(error, SetupError)
    assert "could not be listed within 3 s" in str(error)
    assert "list /apis/nobody.example/v1/nothings" in str(error)
