"""The operator before a real API server: how long, how much memory, how many writes.

    python -m tests.bench.operator_scale                       500 connections of 50 tags
    python -m tests.bench.operator_scale --connections 2000

Pods do not run, so no worker is asked for its status. API server, etcd and operator share the
machine. Prints: time until all children are applied and their status is written, resident memory
and idle CPU of the operator, a change to one mapping that selects 500 connections, and a start of
the operator when nothing changed, with the writes that it did.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import yaml

from pumpjack_cli.local.addresses import free_ports
from tests.bench.processes import cpu_s, rss_mb
from tests.controlplane.server import TOKEN, ControlPlane
from tests.operator.cluster import (
    PLATFORM,
    Namespace,
    connection,
    control_plane,
    mapping,
    new_namespace,
)

GROUP = 500
"""Connections that one mapping selects."""
LIMIT_S = 900.0
KINDS = ("configmaps", "statefulsets", "networkpolicies", "services", "serviceaccounts",
         "persistentvolumeclaims", "scadaconnections", "tagmappings")  # fmt: skip
METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


class Operator:
    """`python -m pumpjack_operator` against the test's API server."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        (folder / "platform.yaml").write_bytes(msgspec.yaml.encode(PLATFORM))
        (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig(plane)))
        (self._port,) = free_ports(1)
        self._log = (folder / "operator.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pumpjack_operator"],
            env={
                **os.environ,
                "PUMPJACK_PLATFORM_FILE": str(folder / "platform.yaml"),
                "PUMPJACK_KUBECONFIG": str(folder / "kubeconfig"),
                "PUMPJACK_NAMESPACE": namespace,
                "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{self._port}",
            },
            stderr=self._log,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def metric(self, name: str) -> float:
        """A metric without labels, -1 while it does not answer."""
        try:
            text = httpx.get(f"http://127.0.0.1:{self._port}/metrics").text
        except httpx.TransportError:
            return -1.0
        for line in text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return -1.0

    def is_steady(self) -> bool:
        """It acts, and has looked at everything."""
        try:
            ready = httpx.get(f"http://127.0.0.1:{self._port}/readyz").status_code == 200
        except httpx.TransportError:
            return False
        return ready and self.metric("pumpjack_operator_leader") == 1.0

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._log.close()


def kubeconfig(plane: ControlPlane) -> dict[str, object]:
    server = {"server": f"https://127.0.0.1:{plane.port}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": server}],
        "users": [{"name": "bench", "user": {"token": TOKEN}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
    }


@contextmanager
def operating(plane: ControlPlane, folder: Path, namespace: str) -> Iterator[Operator]:
    operator = Operator(plane, folder, namespace)
    try:
        yield operator
    finally:
        operator.stop()


def count(wells: Namespace, plural: str) -> int:
    """How many objects there are, at the price of one."""
    page = wells.client.get(wells.path(plural), params={"limit": 1}, headers=METADATA).json()
    return len(page["items"] or ()) + page["metadata"].get("remainingItemCount", 0)


def versions(wells: Namespace) -> dict[str, str]:
    """Resource version of everything."""
    found = {}
    for plural in KINDS:
        answer = wells.client.get(wells.path(plural), headers=METADATA, timeout=60)
        for item in answer.json()["items"]:
            about = item["metadata"]
            found[f"{plural}/{about['name']}"] = about["resourceVersion"]
    return found


def until(is_so: Callable[[], bool]) -> float:
    """Wait; returns how long it took [s]."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > LIMIT_S:
            raise SystemExit(f"not within {LIMIT_S:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - began


def apply_all(wells: Namespace, connections: int, tags: int) -> None:
    """As a GitOps pipeline does it: all at once."""
    manifests = [
        ("tagmappings", mapping(f"m{group}", to={"group": str(group)}, tags=tags))
        for group in range((connections + GROUP - 1) // GROUP)
    ]
    for number in range(connections):
        spec = {
            "protocol": "modbus-tcp",
            "modbusTcp": {"host": f"10.1.{number // 250}.{number % 250}"},
        }
        labels = {"group": str(number // GROUP)}
        manifests.append(("scadaconnections", connection(f"c{number}", labels, spec)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: wells.apply(*one), manifests))


def all_applied(wells: Namespace, connections: int) -> bool:
    return (
        count(wells, "statefulsets") == connections
        and count(wells, "configmaps") >= 2 * connections
        and all_have_status(wells)
    )


def all_have_status(wells: Namespace) -> bool:
    answer = wells.client.get(wells.path("scadaconnections"), timeout=60).json()["items"]
    return all((one.get("status") or {}).get("mappedTags") for one in answer)


def run(connections: int, tags: int, idle_s: float) -> dict[str, float]:
    """All steps; returns the figures."""
    found: dict[str, float] = {"connections": connections, "tags": tags}
    with tempfile.TemporaryDirectory() as name, control_plane(Path(name)) as plane:
        folder = Path(name)
        wells = new_namespace(plane.client)
        wells.client.timeout = httpx.Timeout(60)
        with operating(plane, folder, wells.name) as operator:
            until(operator.is_steady)
            found["empty_rss_mb"] = rss_mb(operator.pid)
            began, cpu = time.monotonic(), cpu_s(operator.pid)
            apply_all(wells, connections, tags)
            found["applying_s"] = time.monotonic() - began
            until(lambda: all_applied(wells, connections))
            found["applied_s"] = time.monotonic() - began
            found["operator_cpu_s"] = cpu_s(operator.pid) - cpu
            until(lambda: operator.metric("pumpjack_operator_queue_depth") == 0)
            time.sleep(6)  # status that had to wait its turn
            found["rss_mb"] = rss_mb(operator.pid)
            cpu = cpu_s(operator.pid)
            time.sleep(idle_s)
            found["idle_cpu_percent"] = 100 * (cpu_s(operator.pid) - cpu) / idle_s
            found["mapping_change_s"] = mapping_change(wells, min(connections, GROUP), tags)
            found["after_rss_mb"] = rss_mb(operator.pid)
            time.sleep(6)
        before = versions(wells)
        began = time.monotonic()
        with operating(plane, folder, wells.name) as operator:
            until(operator.is_steady)
            found["restart_s"] = time.monotonic() - began
            found["restart_cpu_s"] = cpu_s(operator.pid)
            found["restart_rss_mb"] = rss_mb(operator.pid)
        after = versions(wells)
        found["restart_writes"] = sum(after[key] != before.get(key) for key in after)
    return found


def mapping_change(wells: Namespace, selected: int, tags: int) -> float:
    """From the apply until every connection that it selects was told [s]."""
    parts = {
        item["metadata"]["name"]: item["metadata"]["resourceVersion"]
        for item in wells.client.get(wells.path("configmaps"), headers=METADATA).json()["items"]
    }
    began = time.monotonic()
    wells.apply("tagmappings", mapping("m0", to={"group": "0"}, tags=tags + 1))

    def told() -> bool:
        items = wells.client.get(wells.path("configmaps"), headers=METADATA).json()["items"]
        changed = [
            one
            for one in items
            if parts.get(one["metadata"]["name"]) != one["metadata"]["resourceVersion"]
        ]
        return len(changed) == 2 * selected

    until(told)
    return time.monotonic() - began


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--tags", type=int, default=50, help="of each connection, at most 499")
    parser.add_argument("--idle", type=float, default=20.0, help="how long to look at it idle [s]")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    found = run(options.connections, options.tags, options.idle)
    rounded = {key: round(value, 2) for key, value in found.items()}
    if options.output == "json":
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{value:12,.2f}  {key}" for key, value in rounded.items()))


if __name__ == "__main__":
    main()
