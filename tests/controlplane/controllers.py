"""The controllers of Kubernetes, as far as a test needs them, beside an API server.

There is no kubelet and no scheduler: a pod that the StatefulSet controller makes stays Pending
until the test writes its status.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import httpx

from pumpjack_cli.local.addresses import free_ports
from tests.controlplane import binaries
from tests.controlplane.server import (
    CONTROLLERS_TOKEN,
    START_S,
    ControlPlane,
    anyone,
    running,
    wait_until,
)

CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolumeclaim-protection-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)
"""Enough for namespaces, quotas, and what a StatefulSet makes and owners leave."""
_PROBED = "garbage-collector-controller"


@contextlib.contextmanager
def controllers(plane: ControlPlane, *names: str) -> Iterator[None]:
    """kube-controller-manager, with each controller's own account and rights.

    names   of its controllers, CONTROLLERS when there are none; kinds that are defined after the
            start are collected as garbage half a minute later

    Raises binaries.Missing when there is none on this machine.
    """
    names = names or CONTROLLERS
    program = binaries.find("kube-controller-manager")
    (port,) = free_ports(1)
    key = plane.folder / "sa.key"
    with running(
        plane.folder,
        *(
            program,
            "--kubeconfig",
            plane.kubeconfig(CONTROLLERS_TOKEN, plane.folder),
            "--leader-elect=false",
        ),
        *("--controllers", ",".join(names), "--use-service-account-credentials"),
        *("--service-account-private-key-file", key),
        *("--bind-address", "127.0.0.1", "--secure-port", port, "--cert-dir", plane.folder),
        *("--concurrent-gc-syncs", 4, "--kube-api-qps", 200, "--kube-api-burst", 400),
        *("--resource-quota-sync-period", "2s"),
    ):
        _wait_until_healthy(port)
        if _PROBED in names:
            _wait_until_it_collects(plane.client)
        yield


def _wait_until_healthy(port: int) -> None:
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=anyone()) as client:
        wait_until(client, "/healthz")


def _wait_until_it_collects(client: httpx.Client) -> None:
    """A ConfigMap whose owner is gone goes too, once the collector knows every kind."""
    about = {"name": "a-part-of-nothing", "namespace": "default"}
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "none"}
    path = "/api/v1/namespaces/default/configmaps"
    client.post(path, json={"metadata": {**about, "ownerReferences": [owner]}}).raise_for_status()
    deadline = time.monotonic() + START_S
    while client.get(f"{path}/{about['name']}").status_code != 404:
        assert time.monotonic() < deadline, f"nothing was collected within {START_S} s"
        time.sleep(0.1)
