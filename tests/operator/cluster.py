"""A real API server with an operator before it, and ways to play users and the kubelet."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from pumpjack_core.manifests.crds import load_crds
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator.api import Api
from pumpjack_operator.controller import Controller
from pumpjack_operator.login import Login
from pumpjack_operator.names import child_name, labels
from pumpjack_operator.platform import Platform, Rules
from tests.controlplane.server import TOKEN, ControlPlane, anyone, wait_until

PATIENCE_S = 60.0
ON_ITS_WAY_S = 0.25
"""What was written just now is on its way to the operator, and nothing tells when it is there."""
PLATFORM = Platform(
    image="pumpjack/worker:1",
    tenants={
        "permian": Rules(device_networks=("10.1.0.0/16",)),
        "bakken": Rules(device_networks=("10.2.0.0/16",)),
    },
)
OURS = "/apis/pumpjack.dev/v1alpha1"
PATHS = {
    "namespaces": "/api/v1",
    "scadaconnections": OURS,
    "tagmappings": OURS,
    "statefulsets": "/apis/apps/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
}
"""Plural to its group's path; the others are in /api/v1."""
RESTRICTED: dict[str, str | None] = {"pod-security.kubernetes.io/enforce": "restricted"}
CHILDREN = (
    "serviceaccounts",
    "networkpolicies",
    "services",
    "configmaps",
    "persistentvolumeclaims",
    "statefulsets",
)
_T = TypeVar("_T")
_numbers = itertools.count(1)


@contextlib.contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """A control plane that has the CRDs."""
    with ControlPlane(folder) as plane:
        for crd in load_crds().values():
            answer = plane.client.post(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                content=crd.file.read_bytes(),
                headers={"Content-Type": "application/yaml"},
            )
            assert answer.status_code == 201, answer.text
        for plural in ("scadaconnections", "tagmappings"):
            wait_until(plane.client, f"{OURS}/{plural}")
        yield plane


class Namespace:
    """A namespace, as its tenant's users and the kubelet see it."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self.client = client
        self.name = name

    def path(self, plural: str, name: str = "") -> str:
        """Path of a list or an object."""
        path = f"{PATHS.get(plural, '/api/v1')}/namespaces/{self.name}/{plural}"
        return f"{path}/{name}" if name else path

    def apply(self, plural: str, manifest: dict[str, Any], manager: str = "user") -> dict[str, Any]:
        """As kubectl apply --server-side does."""
        return answered(
            self.client.patch(
                self.path(plural, manifest["metadata"]["name"]),
                params={"fieldManager": manager, "force": "true", "fieldValidation": "Strict"},
                content=json.dumps(manifest),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )
        )

    def patch(
        self, plural: str, name: str, patch: Any, manager: str = "kubectl-edit", sub: str = ""
    ) -> dict[str, Any]:
        """As kubectl edit or patch does; a list is a JSON patch."""
        kind = "json-patch" if isinstance(patch, list) else "strategic-merge-patch"
        if plural in ("scadaconnections", "tagmappings"):
            kind = "json-patch" if isinstance(patch, list) else "merge-patch"
        path = self.path(plural, name) + (f"/{sub}" if sub else "")
        return answered(
            self.client.patch(
                path,
                params={"fieldManager": manager},
                content=json.dumps(patch),
                headers={"Content-Type": f"application/{kind}+json"},
            )
        )

    def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """An object, None when there is none."""
        answer = self.client.get(self.path(plural, name))
        return None if answer.status_code == 404 else answered(answer)

    def list(self, plural: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        items: list[dict[str, Any]] = answered(self.client.get(self.path(plural)))["items"]
        return items

    def delete(self, plural: str, name: str, *, how: str = "Background") -> None:
        """As kubectl delete --cascade=background, foreground or orphan does."""
        body = {"propagationPolicy": how}
        answered(self.client.request("DELETE", self.path(plural, name), json=body))

    def clear(self) -> None:
        """Delete what tests leave, so that the next operator has less to look at."""
        for plural in ("tagmappings", "scadaconnections", "pods", *CHILDREN):
            answered(
                self.client.request("DELETE", self.path(plural), json={"gracePeriodSeconds": 0})
            )
        for claim in self.list("persistentvolumeclaims"):  # a controller would release them
            path = self.path("persistentvolumeclaims", claim["metadata"]["name"])
            answer = self.client.patch(
                path,
                content=json.dumps({"metadata": {"finalizers": None}}),
                headers={"Content-Type": "application/merge-patch+json"},
            )
            assert answer.status_code in (200, 404), answer.text

    def drop(self) -> None:
        """Give the namespace back: its label goes, so that no operator serves it any more."""
        self.label({TENANT_LABEL: None})

    def label(self, labels: dict[str, str | None]) -> None:
        """As kubectl label namespace does; None removes one. A namespace that is gone stays so."""
        self.client.patch(
            f"/api/v1/namespaces/{self.name}",
            content=json.dumps({"metadata": {"labels": labels}}),
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def versions(self) -> dict[str, str]:
        """Resource version of every connection, mapping and child."""
        return {
            f"{plural}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for plural in ("scadaconnections", "tagmappings", *CHILDREN)
            for item in self.list(plural)
        }

    # what users apply

    def connect(
        self, name: str, *, labels: dict[str, str] | None = None, **spec: Any
    ) -> dict[str, Any]:
        """A Modbus connection, changed by spec."""
        given = {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.1.7.20"}, **spec}
        return self.apply("scadaconnections", connection(name, labels, given))

    def map(
        self, name: str, *, to: str | dict[str, str], tags: int = 3, well: str = "well-{{ name }}"
    ) -> dict[str, Any]:
        """A mapping with so many tags, to a connection by name or to all with some labels."""
        return self.apply("tagmappings", mapping(name, to=to, tags=tags, well=well))

    # what is seen of a connection

    def children(self, name: str) -> dict[str, dict[str, Any]]:
        """The children of a connection, by plural/name."""
        query = {"labelSelector": f"pumpjack.dev/child-of={child_name(name)}"}
        found = {}
        for plural in CHILDREN:
            for item in answered(self.client.get(self.path(plural), params=query))["items"]:
                found[f"{plural}/{item['metadata']['name']}"] = item
        return found

    def condition(
        self, name: str, type_: str, plural: str = "scadaconnections"
    ) -> dict[str, Any] | None:
        """A condition, as kubectl get shows it."""
        found = self.get(plural, name)
        conditions = ((found or {}).get("status") or {}).get("conditions") or ()
        return next((one for one in conditions if one["type"] == type_), None)

    def holds(self, name: str, type_: str, plural: str = "scadaconnections") -> bool:
        """As kubectl wait --for=condition=TYPE sees it."""
        found = self.condition(name, type_, plural)
        return found is not None and found["status"] == "True"

    def reason(self, name: str, type_: str, plural: str = "scadaconnections") -> str:
        """Reason of a condition, "" where there is none yet."""
        return str((self.condition(name, type_, plural) or {}).get("reason", ""))

    def events(self, reason: str) -> list[str]:
        """Messages of all Events with a reason."""
        return [item["message"] for item in self.list("events") if item["reason"] == reason]

    # what the kubelet does

    def run_pod(self, name: str, address: str) -> None:
        """Make the worker's pod and have it run, at an address."""
        pod = f"{child_name(name)}-0"
        stateful_set = self.get("statefulsets", child_name(name))
        assert stateful_set is not None
        answered(
            self.client.post(
                self.path("pods"),
                json={
                    "metadata": {"name": pod, "labels": labels(name)},
                    "spec": {
                        "containers": [{"name": "worker", "image": "x"}],
                        "serviceAccountName": child_name(name),
                        "automountServiceAccountToken": False,
                        "volumes": stateful_set["spec"]["template"]["spec"]["volumes"],
                    },
                },
            )
        )
        self.set_pod(name, running_at(address))

    def start_pod(self, name: str, address: str) -> dict[str, Any]:
        """Have the pod that Kubernetes made run on a node; returns it as it was made."""
        made = self.get("pods", f"{child_name(name)}-0")
        assert made is not None
        pod = made["metadata"]["name"]
        binding = {"metadata": {"name": pod}, "target": {"name": "node"}}
        answered(self.client.post(self.path("pods", f"{pod}/binding"), json=binding))
        self.set_pod(name, running_at(address))
        return made

    def set_pod(self, name: str, status: dict[str, Any]) -> None:
        """Write the status of the worker's pod."""
        self.patch("pods", f"{child_name(name)}-0", {"status": status}, "kubelet", "status")

    def end_pod(self, name: str, exit_code: int) -> None:
        """The worker has ended, and its pod goes."""
        ended = {"terminated": {"exitCode": exit_code}}
        self.set_pod(name, {"phase": "Failed", "containerStatuses": [worker(ended)]})
        answered(
            self.client.request(
                "DELETE",
                self.path("pods", f"{child_name(name)}-0"),
                json={"gracePeriodSeconds": 0},
            )
        )


def running_at(address: str) -> dict[str, Any]:
    """Status of a pod that runs."""
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [worker({"running": {}})],
    }


def worker(state: dict[str, Any]) -> dict[str, Any]:
    """Status of the worker's container."""
    return {
        "name": "worker",
        "image": "x",
        "imageID": "x",
        "ready": "running" in state,
        "restartCount": 0,
        "state": state,
    }


def connection(name: str, labels: dict[str, str] | None, spec: dict[str, Any]) -> dict[str, Any]:
    """A manifest."""
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "ScadaConnection",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
    }


def mapping(
    name: str, *, to: str | dict[str, str], tags: int = 3, well: str = "well-{{ name }}"
) -> dict[str, Any]:
    """A manifest."""
    target: dict[str, Any] = (
        {"connectionRef": {"name": to}}
        if isinstance(to, str)
        else {"connectionSelector": {"matchLabels": to}}
    )
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "TagMapping",
        "metadata": {"name": name},
        "spec": {
            **target,
            "wellId": well,
            "tags": [
                {"name": f"tag_{at}", "address": f"holding:@{at}", "dataType": "uint16"}
                for at in range(tags)
            ],
        },
    }


def new_namespace(client: httpx.Client, tenant: str | None = "permian") -> Namespace:
    """A namespace of its own, for one test."""
    name = f"wells-{next(_numbers)}"
    about = {"name": name, "labels": {TENANT_LABEL: tenant} if tenant else {}}
    answered(client.post("/api/v1/namespaces", json={"metadata": about}))
    return Namespace(client, name)


def give_back(client: httpx.Client) -> None:
    """Have no operator serve what an earlier test has left, whatever became of it."""
    served = answered(client.get("/api/v1/namespaces", params={"labelSelector": TENANT_LABEL}))
    names = {item["metadata"]["name"] for item in served["items"]}
    for plural in ("scadaconnections", "tagmappings"):
        items = answered(client.get(f"{PATHS[plural]}/{plural}"))["items"]
        names |= {item["metadata"]["namespace"] for item in items}
    for name in sorted(names):
        left = Namespace(client, name)
        left.clear()
        left.drop()


@contextlib.asynccontextmanager
async def operating(
    plane: ControlPlane,
    *,
    platform: Platform = PLATFORM,
    port: int | None = None,
    api_class: type[Api] = Api,
    **more: Any,
) -> AsyncIterator[Controller]:
    """An operator that has looked at everything once. port: of the API server, or a proxy."""
    login = Login(f"https://127.0.0.1:{port or plane.port}", anyone(), TOKEN)
    async with api_class(login) as api:
        more.setdefault("status_every_s", 0.1)
        if (owners_of := more.pop("owners_of", None)) is not None:
            more["owners"] = owners_of(api)
        controller = Controller(api, platform, **more)
        task = asyncio.create_task(controller.run())
        steady = asyncio.create_task(controller.steady.wait())
        await asyncio.wait([task, steady], return_when="FIRST_COMPLETED", timeout=PATIENCE_S)
        try:
            if task.done():
                task.result()
            assert controller.steady.is_set(), "the operator did not get steady"
            yield controller
        finally:
            steady.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def eventually(
    look: Callable[[], _T], *, patience_s: float = PATIENCE_S, every_s: float = 0.03
) -> _T:
    """Look again and again until what is seen is true; returns it. Fails with what was seen."""
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {patience_s} s"
        await asyncio.sleep(every_s)


async def quiet(controller: Controller) -> None:
    """Wait until the operator has nothing to do, now or in a moment."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(ON_ITS_WAY_S)
        while not controller.is_quiet:
            await asyncio.sleep(0.02)


def told(child: dict[str, Any]) -> Any:
    """What a ConfigMap tells a worker: connection.json, or a part of the tags."""
    ((name, content),) = child["binaryData"].items()
    raw = b64decode(content)
    return json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)


def answered(answer: httpx.Response) -> dict[str, Any]:
    """The answer, which must be a good one."""
    assert answer.status_code in (200, 201, 202), f"{answer.request.url}: {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
